# `make run` starts the product, `make test` and `make check` judge it. `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)
BIN := .venv/bin

.PHONY: run test check bench lab soak fuzz sanitize lock messages clean help dev

run: ## start everything at http://127.0.0.1:8000 (HOST, PORT, RELAY_PORT, RELAY_PUBLIC_ADDRESS, DATA_DIR)
	@$(PYTHON) deploy/prepare.py
	@exec $(BIN)/python manage.py serve

dev: ## everything tests and checks need
	@$(PYTHON) deploy/prepare.py --dev --no-database

test: dev ## all tests: small form, then PostgreSQL and Redis
	@$(BIN)/python -m tests.platform.run

check: dev ## style, types, templates, migrations, production settings, layers
	@$(BIN)/python -m tests.platform.check

bench: dev ## what a forwarded packet costs, beside Janus and aiortc's MediaRelay; our images beside Orthanc's; how soon people see them; pages over 200,000 consultations; writes docs/performance.json, a plot, docs/imaging.json, docs/province.json
	@$(BIN)/python -m tests.platform.run --install-for-bench
	@$(BIN)/python -m relay.bench.report
	@$(BIN)/python manage.py shell --no-imports -c "from tests.imaging import beside, viewing; beside.main(); viewing.main()"
	@$(BIN)/python -m tests.province

lab: dev ## what bad networks cost: every scenario of tests/net/scenarios.py, written to docs/performance.md
	@$(BIN)/python -m tests.platform.run --install
	@$(BIN)/python -m tests.net; measured=$$?; $(BIN)/python -m tests.platform.run lab && exit $$measured

soak: dev ## hours of joins, leaves and losses against one relay (SOAK_SECONDS, 7200 when not given)
	@$(BIN)/python -m tests.net.soak

sanitize: dev ## the relay's tests with its compiled part under the address and undefined-behaviour sanitizers
	@$(BIN)/python -m tests.relay.sanitize -n 2 --dist=loadfile

fuzz: dev ## search for bytes that break the relay's parsers (FUZZ_SECONDS each, 60); keeps what it finds in tests/relay/corpus
	@$(BIN)/python -m tests.relay.fuzz

lock: ## renew requirements*.txt from requirements*.in (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url requirements.in -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url requirements-dev.in -o requirements-dev.txt

messages: dev ## collect the texts to translate into locale/ (needs gettext)
	@$(BIN)/python manage.py translations --make

clean: ## remove what can be made again (never data/)
	rm -rf .venv node_modules relay/native/_engine.* static/vendor staticfiles test-artifacts .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find locale -name '*.mo' -delete 2>/dev/null || true

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

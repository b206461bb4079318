"""Demo data: made once, through every state a page shows, and refused in production."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.platform.site import ROOT, environment, manage, template

pytestmark = pytest.mark.slow
REACHED = ["ACCEPTED", "CLOSED", "DRAFT", "FOLLOW_UP", "NEEDS_INFO", "OFFERED", "OPINION_DUE"]
REACHED += ["REFERRED", "RETURNED", "SCHEDULED", "SIGNED", "SUBMITTED", "TRIAGE"]
STATES = """
from consult.models import Consultation
print(sorted(set(Consultation.objects.values_list("state", flat=True))))
"""


@pytest.fixture(scope="module")
def filled() -> str:
    return str(template())


def test_every_page_has_something_to_show(filled: str) -> None:
    states = manage("shell", "--no-imports", "-c", STATES, DATA_DIR=filled)
    assert states.strip() == str(REACHED)
    assert manage("verify_audit", DATA_DIR=filled).startswith("audit chain intact: ")


def test_a_second_run_adds_nothing(filled: str) -> None:
    assert manage("demo", DATA_DIR=filled).strip() == "14 hospitals, 14 people, 20 consultations"


def test_production_refuses_it(tmp_path: Path) -> None:
    env = environment(DATA_DIR=str(tmp_path), DEBUG="false", SECRET_KEY="x" * 50)
    done = subprocess.run([sys.executable, "manage.py", "demo"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert "DEBUG is off" in done.stderr

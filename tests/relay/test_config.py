"""Settings: environment, command line, and messages that name what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.config import Config, ConfigError, load


def test_defaults() -> None:
    config = load([], {})
    assert (config.site_url, config.port, config.bind) == ("ws://127.0.0.1:8000/ws/relay/", 10000, "0.0.0.0")
    assert (config.public_addresses, config.public_port, config.room_size) == (("127.0.0.1",), None, 8)


def test_environment_and_command_line(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    env = {
        "RELAY_PORT": "4000",
        "RELAY_PUBLIC_ADDRESS": "192.0.2.1, 2001:db8::1",
        "RELAY_PUBLIC_PORT": "443",
        "RELAY_SECRET_FILE": str(secret),
        "RELAY_NAME": "relay-1",
        "RELAY_CAPACITY": "50",
    }
    assert load(["--port", "5000"], env) == Config(
        secret="s3cret",
        name="relay-1",
        bind="::",
        port=5000,
        public_addresses=("192.0.2.1", "2001:db8::1"),
        public_port=443,
        capacity=50,
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RELAY_PORT", "70000", "RELAY_PORT: '70000' is not a whole number from 0 to 65535"),
        ("RELAY_PORT", "x", "RELAY_PORT: 'x' is not a whole number from 0 to 65535"),
        ("RELAY_BIND", "somewhere", "RELAY_BIND: 'somewhere' is not an IP address"),
        ("RELAY_PUBLIC_ADDRESS", " , ", "RELAY_PUBLIC_ADDRESS: at least one address is needed"),
        ("RELAY_SITE_URL", "http://x", "RELAY_SITE_URL: 'http://x' is not a ws:// or wss:// address"),
        ("RELAY_SECRET_FILE", "/no/such", "RELAY_SECRET_FILE: /no/such cannot be read (No such file or directory)"),
    ],
)
def test_wrong_values_are_named(name: str, value: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load([], {name: value})
    assert str(caught.value) == expected

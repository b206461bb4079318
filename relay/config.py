"""Settings of the relay, from the environment and the command line. Knows nothing of what they are used for."""

from __future__ import annotations

import argparse
import ipaddress
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEFAULT_SITE_URL = "ws://127.0.0.1:8000/ws/relay/"
DEFAULT_PORT = 10000
DEFAULT_CAPACITY = 200
DEFAULT_ROOM_SIZE = 8
DEFAULT_DRAIN = 30
DEFAULT_RECORDINGS = "data/relay"


def wants_native(env: Mapping[str, str]) -> bool:
    """Whether compiled code may carry the packets, where it was built."""
    return env.get("RELAY_NATIVE") != "0"


class ConfigError(ValueError):
    """A setting cannot be used; the message names it and says what is expected."""


@dataclass(frozen=True)
class Config:
    """What one relay process needs to know.

    `bind` is `::` for both families at once. `port` is the UDP port bound here (0: any free one); `public_port` the
    one written in candidates (None: the bound one). `public_addresses` are IP addresses, most preferred first.
    `capacity` and `room_size` count participants. `drain_seconds`: how long SIGTERM waits for the calls to move.
    `metrics_port`: TCP port of /metrics (0: any free one, None: no such endpoint).
    """

    site_url: str = DEFAULT_SITE_URL
    secret: str = ""
    name: str = "relay"
    bind: str = "0.0.0.0"  # noqa: S104 - media has to arrive from anywhere
    port: int = DEFAULT_PORT
    public_addresses: tuple[str, ...] = ("127.0.0.1",)
    public_port: int | None = None
    capacity: int = DEFAULT_CAPACITY
    room_size: int = DEFAULT_ROOM_SIZE
    drain_seconds: int = DEFAULT_DRAIN
    metrics_bind: str = "127.0.0.1"
    metrics_port: int | None = None
    recordings: str = DEFAULT_RECORDINGS
    log_level: str = "INFO"


def load(argv: Sequence[str], env: Mapping[str, str] = os.environ) -> Config:
    """Settings from `argv` (without the program's name), falling back on RELAY_* variables.

    Raises ConfigError. `--help` and unknown options leave through argparse (SystemExit).
    """
    given = _parser(env).parse_args(argv)
    public_addresses = _addresses(given.public_address)
    return Config(
        site_url=_url(given.site_url),
        secret=_secret(env),
        name=given.name,
        bind=_address("RELAY_BIND", given.bind) if given.bind else _everywhere(public_addresses),
        port=_number("RELAY_PORT", given.port, 0, 65535),
        public_addresses=public_addresses,
        public_port=_number("RELAY_PUBLIC_PORT", given.public_port, 1, 65535) if given.public_port else None,
        capacity=_number("RELAY_CAPACITY", given.capacity, 1, 100_000),
        room_size=_number("RELAY_ROOM_SIZE", given.room_size, 1, 1000),
        drain_seconds=_number("RELAY_DRAIN_SECONDS", given.drain_seconds, 0, 3600),
        metrics_bind=_address("RELAY_METRICS_BIND", given.metrics_bind),
        metrics_port=_number("RELAY_METRICS_PORT", given.metrics_port, 0, 65535) if given.metrics_port else None,
        recordings=given.recordings,
        log_level=given.log_level.upper(),
    )


def _parser(env: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m relay",
        description="Media relay. The shared secret comes from RELAY_SECRET or RELAY_SECRET_FILE only.",
    )
    options: list[tuple[str, str, str, str]] = [
        ("--site-url", "RELAY_SITE_URL", DEFAULT_SITE_URL, "WebSocket of the site to dial"),
        ("--name", "RELAY_NAME", socket.gethostname() or "relay", "name shown to the site"),
        ("--bind", "RELAY_BIND", "", "address the UDP socket is bound to; :: for IPv6 and IPv4"),
        ("--port", "RELAY_PORT", str(DEFAULT_PORT), "UDP port, 0 for any free one"),
        ("--public-address", "RELAY_PUBLIC_ADDRESS", "127.0.0.1", "addresses for browsers, by comma"),
        ("--public-port", "RELAY_PUBLIC_PORT", "", "port for browsers when it is not the bound one"),
        ("--capacity", "RELAY_CAPACITY", str(DEFAULT_CAPACITY), "participants this relay accepts"),
        ("--room-size", "RELAY_ROOM_SIZE", str(DEFAULT_ROOM_SIZE), "participants a room accepts"),
        ("--drain-seconds", "RELAY_DRAIN_SECONDS", str(DEFAULT_DRAIN), "how long SIGTERM waits for calls to move"),
        ("--metrics-bind", "RELAY_METRICS_BIND", Config.metrics_bind, "address /metrics listens on"),
        ("--metrics-port", "RELAY_METRICS_PORT", "", "TCP port of /metrics; none without it"),
        ("--recordings", "RELAY_RECORDINGS", DEFAULT_RECORDINGS, "folder of recordings on their way to the site"),
        ("--log-level", "RELAY_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR"),
    ]
    for flag, variable, fallback, text in options:
        parser.add_argument(flag, default=env.get(variable) or fallback, help=f"{text} ({variable})")
    return parser


def _secret(env: Mapping[str, str]) -> str:
    path = env.get("RELAY_SECRET_FILE")
    if not path:
        return env.get("RELAY_SECRET", "")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"RELAY_SECRET_FILE: {path} cannot be read ({error.strerror})") from None


def _url(value: str) -> str:
    if not value.startswith(("ws://", "wss://")):
        raise ConfigError(f"RELAY_SITE_URL: {value!r} is not a ws:// or wss:// address")
    return value


def _number(name: str, value: str, low: int, high: int) -> int:
    if not value.isdecimal() or not low <= int(value) <= high:
        raise ConfigError(f"{name}: {value!r} is not a whole number from {low} to {high}")
    return int(value)


def _address(name: str, value: str) -> str:
    try:
        return str(ipaddress.ip_address(value.strip()))
    except ValueError:
        raise ConfigError(f"{name}: {value!r} is not an IP address") from None


def _everywhere(public_addresses: Sequence[str]) -> str:
    """Both families only when browsers are told an IPv6 address: a mapped IPv4 address costs a little each packet."""
    return "::" if any(":" in address for address in public_addresses) else Config.bind


def _addresses(value: str) -> tuple[str, ...]:
    addresses = tuple(_address("RELAY_PUBLIC_ADDRESS", part) for part in value.split(",") if part.strip())
    if not addresses:
        raise ConfigError("RELAY_PUBLIC_ADDRESS: at least one address is needed")
    return addresses

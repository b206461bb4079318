"""Chooses what carries each packet: compiled types where they were built for this Python, else their twins in Python.

`deploy/prepare.py` builds them when the machine has a C compiler; RELAY_NATIVE=0 leaves them out. Nothing else in the
relay knows which ones it got. `relay/native/engine.h` says what the C code does and what it leaves to Python.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import TYPE_CHECKING

from relay.config import wants_native
from relay.native import build
from relay.srtp import functions


def _load() -> tuple[ModuleType | None, str]:
    """The compiled module, or why there is none."""
    if not wants_native(os.environ):
        return None, "RELAY_NATIVE=0"
    try:
        found = importlib.import_module("relay.native._engine")
    except ImportError:
        return None, "nothing else is built"
    if found.built_from != build.digest():
        return None, "what is built is older than its sources"
    found.bind(*functions())
    return found, ""


engine, _why_not = (None, "") if TYPE_CHECKING else _load()

if TYPE_CHECKING or engine is None:
    from relay.egress import Egress
    from relay.feedback import read_feedback
    from relay.ingress import Ingress
    from relay.lane import Lane
    from relay.outlet import Outlet
    from relay.state import Desk, Gate, Intake, Jotter, Leg, Progress, SentLog
    from relay.trend import Trend
else:
    Egress, Ingress, Outlet, Lane = engine.Egress, engine.Ingress, engine.Outlet, engine.Lane
    Gate, Desk, Jotter = engine.Gate, engine.Desk, engine.Jotter
    Intake, Progress, Leg, SentLog = engine.Intake, engine.Progress, engine.Leg, engine.SentLog
    Trend, read_feedback = engine.Trend, engine.read_feedback

IS_NATIVE = engine is not None
CARRIER = "compiled code" if IS_NATIVE else f"Python ({_why_not})"
"""What carries the packets, in words for the log."""

__all__ = [
    "CARRIER",
    "IS_NATIVE",
    "Desk",
    "Egress",
    "Gate",
    "Ingress",
    "Intake",
    "Jotter",
    "Lane",
    "Leg",
    "Outlet",
    "Progress",
    "SentLog",
    "Trend",
    "read_feedback",
]

"""Loads aiortc's DTLS transport without its codecs; the only file that knows how aiortc is packaged.

`import aiortc` pulls in PyAV and with it FFmpeg, libvpx and libopus: 60 MB and a large attack surface for a program
that never decodes. The DTLS transport itself needs none of it, apart from one class name used in an annotation.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiortc.rtcdtlstransport import (
        RTCCertificate,
        RTCDtlsFingerprint,
        RTCDtlsParameters,
        RTCDtlsTransport,
        State,
    )

__all__ = ["RTCCertificate", "RTCDtlsFingerprint", "RTCDtlsParameters", "RTCDtlsTransport", "State"]


def _load(name: str) -> ModuleType:
    """The module `name` of aiortc, imported below a bare package so that `aiortc/__init__.py` never runs.

    Leaves `sys.modules` as it was: who imports aiortc afterwards (tests, the load generator) gets the whole of it.
    """
    if "aiortc" in sys.modules:
        return importlib.import_module(name)
    spec = importlib.util.find_spec("aiortc")
    if spec is None:
        raise ImportError("aiortc is not installed")
    package = ModuleType("aiortc")
    package.__path__ = list(spec.submodule_search_locations or ())
    sys.modules["aiortc"] = package
    if "av" not in sys.modules:
        stand_in = ModuleType("av")
        stand_in.AudioFrame = object  # type: ignore[attr-defined]
        sys.modules["av"] = stand_in
    try:
        return importlib.import_module(name)
    finally:
        for loaded in [key for key in sys.modules if key == "aiortc" or key.startswith("aiortc.")]:
            del sys.modules[loaded]
        if not hasattr(sys.modules["av"], "__file__"):
            del sys.modules["av"]


if not TYPE_CHECKING:
    _module = _load("aiortc.rtcdtlstransport")
    RTCCertificate = _module.RTCCertificate
    RTCDtlsFingerprint = _module.RTCDtlsFingerprint
    RTCDtlsParameters = _module.RTCDtlsParameters
    RTCDtlsTransport = _module.RTCDtlsTransport
    State = _module.State

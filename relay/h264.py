"""What the relay sees of an H.264 payload (RFC 6184): keyframes, the picture's size, which formats it forwards."""

from __future__ import annotations

from collections.abc import Mapping

IDR, SPS, STAP_A, FU_A = 5, 7, 24, 28
_STARTS = (IDR, SPS)
BASELINE_PROFILES = (66, 77, 88)
"""profile_idc values that need no more than the baseline tools to read a sequence parameter set."""


def starts_keyframe(payload: bytes) -> bool:
    """Whether a keyframe starts here: a parameter set or an IDR picture in a single NAL unit, in a STAP-A or at the
    start of an FU-A (RFC 6184 sections 5.6, 5.7.1 and 5.8); False for nonsense."""
    if len(payload) < 2:
        return False
    kind = payload[0] & 0x1F
    if kind == FU_A:
        return bool(payload[1] & 0x80) and payload[1] & 0x1F in _STARTS
    if kind == STAP_A:
        return any(unit[0] & 0x1F in _STARTS for unit in _aggregated(payload))
    return kind in _STARTS


def height(payload: bytes) -> int:
    """Pixel height in the sequence parameter set that comes first in `payload`; 0 when there is none."""
    kind = payload[0] & 0x1F if payload else 0
    units = _aggregated(payload) if kind == STAP_A else [payload]
    for unit in units:
        if unit and unit[0] & 0x1F == SPS:
            return _sps_height(unit)
    return 0


def _aggregated(payload: bytes) -> list[bytes]:
    """The NAL units of a STAP-A, as far as they are whole."""
    found, at = [], 1
    while at + 2 < len(payload):
        size = payload[at] << 8 | payload[at + 1]
        at += 2
        if size == 0 or at + size > len(payload):
            break
        found.append(payload[at : at + size])
        at += size
    return found


class _Bits:
    """Reads bits and Exp-Golomb numbers (ITU-T H.264 section 9.1). Raises ValueError past the end."""

    def __init__(self, raw: bytes) -> None:
        self._value, self._left = int.from_bytes(raw, "big"), len(raw) * 8

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the parameter set is cut short")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def number(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise ValueError("a number is too long")
        return (1 << zeros) - 1 + self.take(zeros)


def _sps_height(unit: bytes) -> int:
    """Height of a baseline sequence parameter set (ITU-T H.264 section 7.3.2.1.1); 0 for others and for nonsense."""
    if len(unit) < 5 or unit[1] not in BASELINE_PROFILES:
        return 0
    bits = _Bits(unit[4:64].replace(b"\0\0\3", b"\0\0"))
    try:
        bits.number()  # seq_parameter_set_id
        bits.number()  # log2_max_frame_num_minus4
        order = bits.number()
        if order == 0:
            bits.number()
        elif order == 1:
            bits.take(1)
            bits.number()
            bits.number()
            for _ in range(min(bits.number(), 255)):
                bits.number()
        bits.number()  # max_num_ref_frames
        bits.take(1)
        bits.number()  # width in macroblocks, less one
        rows = bits.number() + 1
        fields = 2 - bits.take(1)  # frame_mbs_only_flag
        if fields == 2:
            bits.take(1)
        bits.take(1)
        cropped = 0
        if bits.take(1):
            bits.number(), bits.number()
            cropped = bits.number() + bits.number()
        return max(rows * 16 * fields - cropped * 2 * fields, 0)
    except ValueError:
        return 0


def is_forwarded(parameters: Mapping[str, str]) -> bool:
    """Whether a format with these `a=fmtp` parameters is one the relay forwards: constrained baseline in
    packetization mode 1 (RFC 6184 sections 8.1 and 8.2.2; the modes of all participants must be the same)."""
    profile = parameters.get("profile-level-id", "420010").lower()
    if len(profile) != 6 or parameters.get("packetization-mode", "0") != "1":
        return False
    try:
        idc, constraints = int(profile[:2], 16), int(profile[2:4], 16)
    except ValueError:
        return False
    # RFC 6184 table 5; the last four bits are reserved and zero.
    wanted = {0x42: 0x40, 0x4D: 0x80, 0x58: 0xC0}.get(idc)
    return wanted is not None and constraints & wanted == wanted and not constraints & 0x0F


def answer(parameters: Mapping[str, str]) -> str:
    """The `a=fmtp` value that accepts a format with these parameters (RFC 6184 section 8.2.2): same profile and mode.
    The level is the offer's: whatever is forwarded was encoded for a level somebody else's answer allowed."""
    asymmetric = parameters.get("level-asymmetry-allowed") == "1"
    words = ["level-asymmetry-allowed=1"] if asymmetric else []
    words += ["packetization-mode=1", f"profile-level-id={parameters.get('profile-level-id', '420010').lower()}"]
    return ";".join(words)

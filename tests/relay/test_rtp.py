"""Offsets into RTP packets, with aiortc's serializer as the other opinion."""

from __future__ import annotations

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from relay import rtp


def serialized(mid: str = "1", **fields: int) -> bytes:
    extensions = HeaderExtensionsMap()
    extensions.configure(RTCRtpParameters(headerExtensions=[RTCRtpHeaderExtensionParameters(id=4, uri=rtp.MID_URI)]))
    packet = RtpPacket(payload_type=96, payload=b"payload", **fields)
    packet.extensions.mid = mid
    return bytes(packet.serialize(extensions))


def test_bounds_and_mid_of_an_aiortc_packet() -> None:
    packet = serialized()
    start, end = rtp.bounds(packet, len(packet)) or (0, 0)
    assert packet[start:end] == b"payload"
    assert rtp.extension(packet, len(packet), 4) == b"1"
    assert rtp.extension(packet, len(packet), 5) is None


def test_padding_is_not_payload() -> None:
    packet = bytes([0xA0, 96]) + bytes(10) + b"payload" + bytes([0, 0, 3])
    assert rtp.bounds(packet, len(packet)) == (12, 19)
    only_padding = bytes([0xA0, 96]) + bytes(10) + bytes(7) + bytes([8])
    assert rtp.bounds(only_padding, len(only_padding)) == (12, 12)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        bytes([0x80]) * 11,
        bytes([0xA0, 96]) + bytes(10) + bytes([0]),  # padding of length 0
        bytes([0xA0, 96]) + bytes(10) + bytes([9]),  # more padding than packet
        bytes([0x8F, 96]) + bytes(10),  # fifteen CSRCs that are not there
        bytes([0x90, 96]) + bytes(10) + b"\xbe\xde\xff\xff",  # an extension longer than the packet
        bytes([0x90, 96]) + bytes(10) + b"\xbe",
    ],
)
def test_packets_that_contradict_themselves(packet: bytes) -> None:
    assert rtp.bounds(packet, len(packet)) is None


def test_an_extension_element_longer_than_its_block_is_absent() -> None:
    packet = bytes([0x90, 96]) + bytes(10) + b"\xbe\xde\x00\x01\x4f\x00\x00\x00"
    assert rtp.extension(packet, len(packet), 4) is None


@pytest.mark.parametrize(("identifier", "mid"), [(1, "0"), (14, "a" * 16), (15, "1"), (3, "b" * 17), (200, "x")])
def test_mid_extension_reads_back(identifier: int, mid: str) -> None:
    block = rtp.mid_extension(identifier, mid)
    packet = bytes([0x90, 96]) + bytes(10) + block + b"payload"
    assert len(block) % 4 == 0
    assert rtp.extension(packet, len(packet), identifier) == mid.encode()
    assert rtp.bounds(packet, len(packet)) == (12 + len(block), 12 + len(block) + 7)


def test_no_identifier_no_extension() -> None:
    assert rtp.mid_extension(None, "0") == b""


@given(st.binary(max_size=80), st.integers(1, 255))
def test_noise_gives_bounds_inside_the_packet_or_none(noise: bytes, identifier: int) -> None:
    found = rtp.bounds(noise, len(noise))
    assert found is None or 12 <= found[0] <= found[1] <= len(noise)
    value = rtp.extension(noise, len(noise), identifier)
    assert value is None or value in noise


@pytest.mark.parametrize(
    ("sequence", "reference", "expected"),
    [(5, 65535, 65541), (65535, 65541, 65535), (10, 10, 10), (0, 131071, 131072), (65530, 131080, 131066)],
)
def test_extend(sequence: int, reference: int, expected: int) -> None:
    assert rtp.extend(sequence, reference) == expected


@pytest.mark.parametrize(("second", "expected"), [(191, False), (192, True), (200, True), (223, True), (224, False)])
def test_rtcp_is_told_from_rtp(second: int, expected: bool) -> None:
    assert rtp.is_rtcp(second) is expected

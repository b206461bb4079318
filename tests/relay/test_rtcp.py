"""RTCP in and out, with aiortc's classes as the other opinion."""

from __future__ import annotations

import contextlib

import pytest
from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    pack_remb_fci,
    unpack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from relay import rtcp, twcc


def test_sender_report_round_trip() -> None:
    info = RtcpSenderInfo(ntp_timestamp=1 << 63 | 5, rtp_timestamp=7, packet_count=11, octet_count=13)
    theirs = bytes(RtcpSrPacket(ssrc=99, sender_info=info))
    report = rtcp.SenderReport(99, 1 << 63 | 5, 7, 11, 13)
    assert rtcp.parse(theirs) == [report]
    assert rtcp.pack_sender_report(report) == theirs


@pytest.mark.parametrize("lost", [0, 5, -3, -0x800000, 0x7FFFFF])
def test_receiver_report_round_trip(lost: int) -> None:
    block = RtcpReceiverInfo(
        ssrc=5, fraction_lost=12, packets_lost=lost, highest_sequence=70000, jitter=3, lsr=9, dlsr=10
    )
    theirs = bytes(RtcpRrPacket(ssrc=1, reports=[block]))
    report = rtcp.ReceptionReport(5, 12, lost, 70000, 3, 9, 10)
    assert rtcp.parse(theirs) == [report]
    assert rtcp.pack_receiver_report(1, [report]) == theirs


def test_nack_read_and_written_across_the_wrap() -> None:
    packed = rtcp.pack_nack(1, 5, [65534, 65535, 65536, 65552, 65600])
    assert rtcp.parse(packed) == [rtcp.Nack(5, (65534, 65535, 0, 16, 64))]


def test_nack_as_aiortc_reads_it() -> None:
    (theirs,) = RtcpPacket.parse(rtcp.pack_nack(1, 5, [10, 11, 26, 27]))
    assert isinstance(theirs, RtcpRtpfbPacket)
    assert (theirs.ssrc, theirs.media_ssrc, theirs.lost) == (1, 5, [10, 11, 26, 27])


def test_keyframe_requests() -> None:
    pli = bytes(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=5))
    assert rtcp.pack_pli(1, 5) == pli
    fir = bytes(RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=b"\x00\x00\x00\x06\x01\x00\x00\x00"))
    assert rtcp.parse(pli + fir) == [rtcp.KeyframeRequest(5), rtcp.KeyframeRequest(6)]


@pytest.mark.parametrize("bitrate", [1, 262143, 2_500_000, 100_000_000])
def test_remb_as_aiortc_reads_it(bitrate: int) -> None:
    (packet,) = RtcpPacket.parse(rtcp.pack_remb(1, bitrate, [5, 6]))
    assert isinstance(packet, RtcpPsfbPacket)
    told, ssrcs = unpack_remb_fci(packet.fci)
    assert ssrcs == [5, 6]
    assert bitrate * 0.99 <= told <= bitrate


@pytest.mark.parametrize("cname", ["", "a", "ab", "abc", "abcdefgh"])
def test_cname_as_aiortc_reads_it(cname: str) -> None:
    (packet,) = RtcpPacket.parse(rtcp.pack_cname(5, cname))
    assert [(chunk.ssrc, chunk.items) for chunk in packet.chunks] == [(5, [(1, cname.encode())])]  # type: ignore[union-attr]


def test_transport_feedback_of_another_kind_is_not_a_nack() -> None:
    assert rtcp.parse(bytes(RtcpRtpfbPacket(fmt=9, ssrc=1, media_ssrc=5))) == []


def test_transport_wide_feedback_is_read_and_refused_when_cut() -> None:
    feedback = twcc.Arrivals(5, 65535, 3, (256, None, 300))
    assert rtcp.parse(twcc.pack(1, feedback) + rtcp.pack_pli(1, 5)) == [feedback, rtcp.KeyframeRequest(5)]
    with pytest.raises(ValueError, match="cut short"):
        rtcp.parse(bytes(RtcpRtpfbPacket(fmt=15, ssrc=1, media_ssrc=5)))


@pytest.mark.parametrize("bitrate", [0, 64_000, 2_500_000, 1_000_000_000])
def test_the_receivers_own_estimate(bitrate: int) -> None:
    theirs = bytes(RtcpPsfbPacket(fmt=15, ssrc=7, media_ssrc=0, fci=pack_remb_fci(bitrate, [5, 6])))
    (read,) = rtcp.parse(theirs)
    assert isinstance(read, rtcp.MaxBitrate)
    assert read.ssrc == 7
    assert read.bitrate == pytest.approx(bitrate, rel=1e-4)


def test_cut_packets_are_refused() -> None:
    whole = rtcp.pack_sender_report(rtcp.SenderReport(1, 2, 3, 4, 5)) + rtcp.pack_pli(1, 5)
    for length in set(range(1, len(whole))) - {28}:
        with pytest.raises(ValueError):
            rtcp.parse(whole[:length])


@given(st.binary(max_size=120))
def test_noise_is_refused_or_read(noise: bytes) -> None:
    with contextlib.suppress(ValueError):
        rtcp.parse(noise)


def test_a_receivers_reference_time_is_read_and_given_back() -> None:
    """What Chromium sends between others, RFC 3611 section 4.4; its answer is section 4.5."""
    theirs = bytes.fromhex("81c900070000000167ff63bb000000000000540e000001b20000000000000000")
    theirs += bytes.fromhex("80cf00040000000104000002eeade0fa1865c704")
    reference = rtcp.ReferenceTime(1, 0xEEADE0FA1865C704)
    assert rtcp.parse(theirs)[1:] == [reference]
    assert (
        rtcp.pack_reference_answer(7, reference).hex()
        == "80cf00050000000705000003" + "00000001" + "e0fa1865" + "00000000"
    )


@pytest.mark.parametrize("body", ["", "04000002", "0400000200000000", "0400ffff" + "00" * 8, "0400000100000000"])
def test_a_reference_time_that_is_cut_short_is_none(body: str) -> None:
    words = len(bytes.fromhex(body)) // 4 + 1
    assert rtcp.parse(bytes([0x80, 207, 0, words]) + bytes(4) + bytes.fromhex(body)) == []

"""Offers of Chromium, Firefox and aiortc, the answers to them, and offers nobody should trust."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from aiortc.sdp import SessionDescription
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.answer import AnswerWriter, Endpoint, MediaAnswer, candidates
from relay.dtls import Fingerprint
from relay.sdp import MAX_MEDIA, Offer, SdpError, parse_offer

OFFERS = Path(__file__).parent / "offers"
CHROMIUM = (OFFERS / "chromium_publish.sdp").read_text()
FIREFOX = (OFFERS / "firefox_publish.sdp").read_text()
ENDPOINT = Endpoint("frag", "password", Fingerprint("sha-256", "AB:CD"), candidates(["192.0.2.1"], 10000))


def shape(offer: Offer) -> list[tuple[object, ...]]:
    return [
        (
            m.mid,
            m.kind,
            m.direction,
            [(f.codec.name, f.payload_type, f.rtx) for f in m.known],
            m.mid_extension,
            m.rejected,
        )
        for m in offer.media
    ]


def test_chromium() -> None:
    offer = parse_offer(CHROMIUM)
    assert shape(offer) == [
        ("0", "audio", "sendonly", [("opus", 111, None)], 4, False),
        ("1", "video", "sendonly", [("vp8", 96, 97), ("h264", 108, 109)], 4, False),
    ]
    assert offer.bundle == ("0", "1")
    assert [f.algorithm for f in offer.fingerprints] == ["sha-256"]
    assert offer.media[1].ssrcs == [2922557254]
    assert offer.media[1].rtx_ssrcs == [98928709]
    assert offer.media[1].feedback == ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"]


def test_firefox_with_fingerprint_for_the_session() -> None:
    offer = parse_offer(FIREFOX)
    assert shape(offer) == [
        ("0", "audio", "sendonly", [("opus", 109, None)], 3, False),
        ("1", "video", "sendonly", [("vp8", 120, 124), ("h264", 126, 127)], 3, False),
    ]
    assert (offer.ufrag, offer.fingerprints[0].value[:5]) == ("8b1f0c2d", "33:15")


async def test_aiortc() -> None:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.addTrack(AudioStreamTrack())
    pc.addTrack(VideoStreamTrack())
    await pc.setLocalDescription(await pc.createOffer())
    offer = parse_offer(pc.localDescription.sdp)
    await pc.close()
    assert shape(offer) == [
        ("0", "audio", "sendrecv", [("opus", 96, None)], 1, False),
        ("1", "video", "sendrecv", [("vp8", 97, 98), ("h264", 101, 102)], 1, False),
    ]
    assert {f.algorithm for f in offer.fingerprints} == {"sha-256", "sha-384", "sha-512"}


def test_the_answer_keeps_order_and_rejects_what_is_not_accepted() -> None:
    offer = parse_offer(CHROMIUM)
    only = (offer.media[1].known[0],)
    answer = AnswerWriter().write(offer, ENDPOINT, {"1": MediaAnswer("recvonly", formats=only)})
    read = SessionDescription.parse(answer)
    assert [(m.kind, m.port, m.direction, m.rtp.muxId) for m in read.media] == [
        ("audio", 0, "inactive", "0"),
        ("video", 9, "recvonly", "1"),
    ]
    assert [str(group) for group in read.group] == ["BUNDLE 1"]
    assert "a=ice-lite\r\n" in answer
    assert read.media[1].dtls.role == "server"
    assert [codec.mimeType for codec in read.media[1].rtp.codecs] == ["video/VP8", "video/rtx"]
    assert [(c.ip, c.port, c.type) for c in read.media[1].ice_candidates] == [("192.0.2.1", 10000, "host")]


def test_feedback_is_what_both_sides_speak() -> None:
    answer = AnswerWriter().write(parse_offer(CHROMIUM), ENDPOINT, {"1": MediaAnswer("recvonly")})
    feedback = [line for line in answer.splitlines() if line.startswith("a=rtcp-fb:96")]
    assert feedback == [
        "a=rtcp-fb:96 nack",
        "a=rtcp-fb:96 nack pli",
        "a=rtcp-fb:96 ccm fir",
        "a=rtcp-fb:96 goog-remb",
        "a=rtcp-fb:96 transport-cc",
    ]
    assert "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n" in answer


def test_no_transport_feedback_without_its_extension() -> None:
    without = "\r\n".join(line for line in CHROMIUM.splitlines() if "transport-wide-cc" not in line) + "\r\n"
    assert parse_offer(without).media[1].number_extension is None
    answer = AnswerWriter().write(parse_offer(without), ENDPOINT, {"1": MediaAnswer("recvonly")})
    assert "transport-cc" not in answer


def test_sending_answers_name_stream_track_and_both_ssrcs() -> None:
    recvonly = CHROMIUM.replace("a=sendonly", "a=recvonly")
    sending = MediaAnswer("sendonly", stream="ann", track="camera-1", cname="ann", ssrc=5, rtx_ssrc=6)
    answer = AnswerWriter().write(parse_offer(recvonly), ENDPOINT, {"1": sending})
    lines = [line for line in answer.splitlines() if "ssrc" in line or "msid:" in line]
    assert lines == ["a=msid:ann camera-1", "a=ssrc-group:FID 5 6", "a=ssrc:5 cname:ann", "a=ssrc:6 cname:ann"]


def test_versions_count_up_within_one_session() -> None:
    writer = AnswerWriter()
    origins = [writer.write(parse_offer(CHROMIUM), ENDPOINT, {}).splitlines()[1].split() for _ in range(2)]
    assert [(origin[1] == origins[0][1], origin[2]) for origin in origins] == [(True, "1"), (True, "2")]


def test_a_stopped_line_is_rejected_and_a_bundle_only_one_is_not() -> None:
    stopped = CHROMIUM.replace("m=video 9", "m=video 0").replace("BUNDLE 0 1", "BUNDLE 0")
    assert [m.rejected for m in parse_offer(stopped).media] == [False, True]
    bundle_only = CHROMIUM.replace("m=video 9", "m=video 0").replace("a=mid:1", "a=mid:1\r\na=bundle-only")
    assert [m.rejected for m in parse_offer(bundle_only).media] == [False, False]


def test_unknown_codecs_data_channels_and_lines_outside_the_bundle_are_rejected() -> None:
    unknown = CHROMIUM.replace("VP8/90000", "VP7/90000").replace("H264/90000", "H263/90000")
    assert [m.rejected for m in parse_offer(unknown).media] == [False, True]
    unbundled = CHROMIUM.replace("BUNDLE 0 1", "BUNDLE 0")
    assert [m.rejected for m in parse_offer(unbundled).media] == [False, True]
    data = (
        CHROMIUM.replace("BUNDLE 0 1", "BUNDLE 0 1 2")
        + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=sctp-port:5000\r\n"
    )
    offer = parse_offer(data)
    assert [m.rejected for m in offer.media] == [False, False, True]
    answer = AnswerWriter().write(offer, ENDPOINT, {"0": MediaAnswer("recvonly"), "1": MediaAnswer("recvonly")})
    assert "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n" in answer


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("v=0", "v=1"), "the offer does not begin with v=0"),
        (("a=fingerprint:sha-256", "a=fingerprint:md5"), "the offer has no fingerprint of a known kind"),
        (("a=ice-ufrag", "a=x"), "the offer has no ice-ufrag"),
        (("a=setup:actpass", "a=setup:passive"), "the offer leaves the DTLS server's role to nobody"),
        (("a=mid:1", "a=mid:0"), "two m-lines have the same mid"),
        (("a=mid:1", "a=mid:<script>"), "an m-line has no usable mid"),
        (("m=video 9", "m=video nine"), "an m-line cannot be read"),
        (("SAVPF", "AVP"), "the offer has no m-line that is in use"),
    ],
)
def test_offers_that_cannot_be_answered(change: tuple[str, str], message: str) -> None:
    with pytest.raises(SdpError) as caught:
        parse_offer(CHROMIUM.replace(*change))
    assert str(caught.value) == message


def test_too_many_lines_and_too_long() -> None:
    with pytest.raises(SdpError):
        parse_offer(CHROMIUM + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * MAX_MEDIA)
    with pytest.raises(SdpError):
        parse_offer(CHROMIUM + "a=x\r\n" * 20000)


LINES = st.lists(st.sampled_from([*CHROMIUM.splitlines(), "m=audio", "a=mid:", "a=group:", "a=ssrc:x", "a=extmap:"]))


@settings(max_examples=200, deadline=None)
@given(LINES)
def test_shuffled_lines_are_read_or_refused(lines: list[str]) -> None:
    try:
        offer = parse_offer("v=0\r\n" + "\r\n".join(lines))
    except SdpError:
        return
    AnswerWriter().write(offer, ENDPOINT, {m.mid: MediaAnswer("recvonly") for m in offer.media if not m.rejected})

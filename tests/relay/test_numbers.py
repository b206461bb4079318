"""The numbers of a publisher's packets are read wherever its browser puts them: it finds its rate from what is told."""

from __future__ import annotations

import asyncio
import struct

from hypothesis import given
from hypothesis import strategies as st

from relay import rtcp, twcc
from relay.connection import Context
from relay.dtls import Certificate
from relay.publisher import Publisher
from relay.sdp import parse_offer
from relay.track import Track
from tests.relay.fakes import Clock
from tests.relay.fuzzing import Nowhere

NUMBER, MID, RID, REPAIRED = 3, 4, 10, 11
"""What the offer calls these extensions."""
OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
        "c=IN IP4 0.0.0.0",
        "a=mid:1",
        "a=ice-ufrag:theirs",
        "a=ice-pwd:theirs-and-of-at-least-22",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
        "a=sendonly",
        "a=rtcp-mux",
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:96 transport-cc",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        f"a=extmap:{NUMBER} {twcc.URI}",
        f"a=extmap:{MID} urn:ietf:params:rtp-hdrext:sdes:mid",
        f"a=extmap:{RID} urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        f"a=extmap:{REPAIRED} urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
        "a=rid:h send",
        "a=simulcast:send h",
        "",
    ]
)
CERTIFICATE = Certificate()
Element = tuple[int, bytes]
others = st.lists(
    st.tuples(st.sampled_from((MID, RID, REPAIRED)), st.binary(min_size=1, max_size=4)), max_size=3
) | st.just([(MID, b"1"), (REPAIRED, b"h")])


class Scene:
    """A publisher whose feedback is read."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.told: list[int] = []
        nowhere = Nowhere()
        context = Context(nowhere, CERTIFICATE, (), self.clock.schedule, lambda connection, reason: None, self.clock)  # type: ignore[arg-type]
        offer = parse_offer(OFFER)
        self.publisher = Publisher(context, offer, "ann")
        self.publisher.negotiate(offer, {"1": Track("camera", "ann", "video", "camera")})
        self.publisher.transport.send_rtcp = self._read  # type: ignore[method-assign]

    def _read(self, packet: bytes) -> None:
        for item in rtcp.parse(packet):
            if isinstance(item, twcc.Arrivals):
                self.told += [item.base + at for at, ticks in enumerate(item.arrivals) if ticks is not None]

    def packet(self, elements: list[Element]) -> None:
        """A packet with these header extension elements arrives."""
        block = b"".join(bytes([kind << 4 | len(value) - 1]) + value for kind, value in elements)
        block += bytes(-len(block) % 4)
        head = struct.pack("!BBHLL", 0x90, 97, 1, 1, 1) + struct.pack("!HH", 0xBEDE, len(block) // 4)
        packet = head + block + b"payload"
        self.clock.advance(0.02)
        self.publisher.on_rtp(memoryview(packet), len(packet), self.clock())


@given(packets=st.lists(st.tuples(others, others), min_size=2, max_size=20))
def test_every_number_is_told_wherever_it_stands(packets: list[tuple[list[Element], list[Element]]]) -> None:
    """Repeats carry MID and repaired RID before the number, or after it, or neither; a MID may look like a number."""

    async def act() -> list[int]:
        scene = Scene()
        for number, (before, after) in enumerate(packets, 1):
            scene.packet([*before, (NUMBER, struct.pack("!H", number)), *after])
        scene.clock.advance(1)
        scene.packet([(NUMBER, struct.pack("!H", len(packets) + 1))])
        scene.publisher.close()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
        return scene.told

    assert asyncio.run(act()) == list(range(1, len(packets) + 2))

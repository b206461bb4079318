"""Whatever arrives at the port, the call that is going on goes on."""

from __future__ import annotations

import asyncio
import random
import socket
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aioice import stun

from relay.bench import canned
from relay.bench.canned import Profile
from relay.bench.client import OPUS, VP8
from relay.bench.party import Party
from relay.bench.process import running_relay
from relay.bench.site import site_end
from relay.dtls import Certificate
from tests.relay.clients import eventually, tracks_of
from tests.relay.conftest import SECRET, Stage

pytestmark = pytest.mark.slow


class Call:
    """Ann is heard and seen by Ben."""

    def __init__(self, stage: Stage, ann: Party, ben: Party) -> None:
        self.stage, self.ann, self.ben = stage, ann, ben

    async def begins(self) -> None:
        """The first picture has got through: keyframes are sent when asked for."""
        async with asyncio.timeout(10):
            while not all(sink.received for sink in self.ben.sinks.values()):
                self.ann.send_audio()
                self.ann.send_picture()
                await asyncio.sleep(0.05)

    async def goes_on(self) -> None:
        """Twenty packets of each kind arrive, and nothing was logged as our fault."""
        counts = {sink.track: sink.received for sink in self.ben.sinks.values()}
        for _ in range(20):
            self.ann.send_audio()
            self.ann.send_picture()
            await asyncio.sleep(0.01)  # a burst would overrun the receive buffers that the kernel grants by default
        await eventually(lambda: all(s.received >= counts[s.track] + 20 for s in self.ben.sinks.values()))
        assert not any("Traceback" in line or "ERROR" in line for line in self.stage.relay.log)

    def throw(self, *datagrams: bytes) -> None:
        """Sends from an address nobody knows."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for datagram in datagrams:
                stranger.sendto(datagram, ("127.0.0.1", self.stage.port))

    def throw_as_ann(self, *datagrams: bytes) -> None:
        """Sends from Ann's own address, as somebody would who can forge it."""
        for datagram in datagrams:
            self.ann.pub.send_raw(datagram)


@pytest_asyncio.fixture
async def call() -> AsyncIterator[Call]:
    async with site_end(SECRET) as (site, port), running_relay(port, SECRET) as relay:
        hello = await site.connected()
        certificate = Certificate()
        ann, ben = (Party(site, "room", certificate, Profile()) for _ in range(2))
        await ann.publish()
        await ben.publish()
        await ben.subscribe([t for t in await tracks_of(site, "room", 4) if t["peer"] == ann.peer])
        call = Call(Stage(site, relay, hello["port"]), ann, ben)
        await call.begins()
        yield call
        await call.goes_on()
        ann.close()
        ben.close()


def nonsense(seed: int) -> list[bytes]:
    chance = random.Random(seed)
    firsts = [0, 1, 2, 3, 20, 22, 23, 63, 64, 127, 128, 144, 191, 192, 255]
    noise = [bytes([first]) + chance.randbytes(size) for first in firsts for size in (0, 1, 3, 11, 19, 40, 1200)]
    return [b"", b"\x80" * 1600, b"\x80" * 1500, b"\x80", b"\x80\xc8", *noise]


async def test_nonsense_from_a_stranger(call: Call) -> None:
    call.throw(*nonsense(1))


async def test_nonsense_from_a_participants_address(call: Call) -> None:
    call.throw_as_ann(*nonsense(2))


async def test_truncated_and_altered_packets(call: Call) -> None:
    datagrams = call.ann.pub.capture(call.ann.send_picture)
    call.throw_as_ann(*(datagrams[0][:size] for size in range(1, len(datagrams[0]), 7)))
    call.throw_as_ann(*(d[:20] + bytes([d[20] ^ 255]) + d[21:] for d in datagrams))


async def test_replays(call: Call) -> None:
    datagrams = call.ann.pub.capture(call.ann.send_picture)
    before = {sink.track: sink.repeated for sink in call.ben.sinks.values()}
    for _ in range(5):
        call.throw_as_ann(*datagrams)
        call.throw(*datagrams)
    await call.goes_on()
    assert {sink.track: sink.repeated for sink in call.ben.sinks.values()} == before


async def test_a_replayed_check_from_elsewhere_does_not_take_the_media_away(call: Call) -> None:
    check = call.ben.sub.check()
    await call.goes_on()
    call.throw(check)
    await call.goes_on()
    assert not any("address changed" in line for line in call.stage.relay.log)


async def test_checks_with_a_wrong_password_are_not_answered(call: Call) -> None:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{call.ann.pub.relay_ufrag}:x"
    message.add_message_integrity(b"wrong")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setblocking(False)
        stranger.sendto(bytes(message), ("127.0.0.1", call.stage.port))
        await call.goes_on()
        answers = 0
        try:
            stranger.recv(2048)
            answers += 1
        except BlockingIOError:
            pass
    assert answers == 0


async def test_a_participant_cannot_claim_anothers_address(call: Call) -> None:
    """Ben's credentials from Ann's address: forged source addresses exist."""
    claim = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    claim.attributes["USERNAME"] = f"{call.ben.pub.relay_ufrag}:x"
    claim.attributes["USE-CANDIDATE"] = None
    claim.add_message_integrity(call.ben.pub.relay_password.encode())
    call.throw_as_ann(bytes(claim))


async def test_malformed_packets_a_participant_encrypts_itself(call: Call) -> None:
    """They pass the integrity check: only parsing stands between them and the room."""
    ssrc = call.ann.sources["video"].ssrc.to_bytes(4, "big")
    number = call.ann.sources["video"].sequence
    heads = [
        bytes([0x90, VP8]) + number.to_bytes(2, "big") + bytes(4) + ssrc + tail
        for tail in (
            b"\xbe\xde\xff\xff",
            b"\xbe\xde\x00\x01\x4f\x00\x00\x00" + b"x" * 20,
            b"\xbe\xde\x00\x01\x20\x00\x00\x00" + b"x" * 20,
            b"\x10\x00\x00\x01\x04\xff\x00\x00" + b"x" * 20,
        )
    ]
    unknown = [head[:8] + b"\x00\x00\x00\x01" + head[12:] for head in heads]
    padded = [bytes([0xA0, VP8, 0, 1]) + bytes(4) + ssrc + bytes([count]) for count in (0, 1, 2, 255)]
    for packet in (*heads, *unknown, *padded):
        call.ann.pub.send_protected(packet)
    for packet in (b"\x80\xc8\x00\x00", b"\x80\xc8\xff\xff" + bytes(8), b"\x81\xce\x00\x01" + bytes(4)):
        call.ann.pub.send_rtcp(packet.ljust(8, b"\0"))
        call.ben.sub.send_rtcp(packet.ljust(8, b"\0"))
    call.ben.sub.send_rtcp(b"\x81\xcd\x00\x0a" + bytes(40))


async def test_a_flood_from_many_addresses_is_bounded(call: Call) -> None:
    check = bytearray(20)
    check[0:2], check[4:8] = b"\x00\x01", b"\x21\x12\xa4\x42"
    for _ in range(50):
        call.throw(*[bytes(check)] * 60)
    await call.goes_on()


async def test_a_participant_cannot_speak_with_anothers_ssrc(call: Call) -> None:
    """An SSRC belongs to a connection: Ben's packets with Ann's never reach Ann's viewers."""
    mark = canned.stamp(999_999, 0)
    for kind, payload_type in (("audio", OPUS), ("video", VP8)):
        source = call.ann.sources[kind]
        head = bytes([0x80, payload_type]) + source.sequence.to_bytes(2, "big") + bytes(4)
        payload = canned.audio_payload(mark) if kind == "audio" else canned.video_payload(1, 0, True, mark)
        for _ in range(5):
            call.ben.pub.send_protected(head + source.ssrc.to_bytes(4, "big") + payload)
    await call.goes_on()
    assert all(sink.last < 999_999 for sink in call.ben.sinks.values())


async def test_a_participant_who_floods_is_cut_and_the_others_go_on(call: Call) -> None:
    source = call.ben.sources["audio"]
    for _ in range(40):
        for _ in range(200):
            source.timestamp += 960
            source.sequence += 1
            call.ben.pub.send_rtp(source.lane, source.sequence, source.timestamp, b"x" * 20)
        call.ben.pub.flush()
        await asyncio.sleep(0.01)
    await call.goes_on()
    await eventually(lambda: any("packets too many" in line and "/pub" in line for line in call.stage.relay.log))


async def test_a_participant_who_jumps_its_numbers_is_seen_again(call: Call) -> None:
    """Each jump costs one packet and a keyframe. Back, or by half the numbers, SRTP itself refuses (RFC 3711 3.3.1)."""
    for jump in (20_000, 5_000, 30_000):
        counts = {sink.track: sink.received for sink in call.ben.sinks.values()}
        for source in call.ann.sources.values():
            source.sequence = (source.sequence + jump) & 0xFFFF
        async with asyncio.timeout(10):
            while not all(sink.received > counts[sink.track] + 5 for sink in call.ben.sinks.values()):
                call.ann.send_audio()
                call.ann.send_picture()
                await asyncio.sleep(0.02)


async def lost(call: Call, pictures: int = 150) -> float:
    """The share of Ann's packets that did not reach Ben, at 50 pictures a second."""
    received = {sink.track: sink.received for sink in call.ben.sinks.values()}
    sent = sum(source.count for source in call.ann.sources.values())
    for _ in range(pictures):
        call.ann.send_audio()
        call.ann.send_picture()
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    arrived = sum(sink.received - received[sink.track] for sink in call.ben.sinks.values())
    return 1 - arrived / (sum(source.count for source in call.ann.sources.values()) - sent)


async def test_floods_of_strangers_do_not_raise_the_loss_of_a_call(call: Call) -> None:
    """Before and during the flood, in the same call."""
    before = await lost(call)
    command = (sys.executable, "-m", "tests.net.flood", str(call.stage.port), "4", "3000")
    flood = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    await asyncio.sleep(0.3)
    during = await lost(call)
    sent = int((await flood.communicate())[0])
    print(f"lost before {before:.2%}, during {during:.2%} while strangers sent {sent} datagrams in 4 s")
    assert sent > 4000
    assert during <= before + 0.005

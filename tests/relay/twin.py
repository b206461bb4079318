"""A publisher, its relay and two viewers in one process, on real sockets and with real keys but a clock of their own:
`python -m tests.relay.twin` does what the lines of its input say and tells what came of it. `test_native.py` asks one
of these with compiled code and one without.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import socket
import sys
import types
from typing import Any

from pylibsrtp import Policy, Session

import relay.mux
from relay import native, rtcp, rtp
from relay.bench.client import NUMBER_ID, OPUS, VP8, offer
from relay.connection import Context
from relay.dtls import Certificate
from relay.egress import Destination
from relay.mmsg import pack_address
from relay.mux import Mux, open_socket
from relay.outbound import OutboundTrack
from relay.publisher import Publisher
from relay.sdp import parse_offer
from relay.srtp import PacketBuffer, SrtpCipher
from relay.subscriber import Subscriber
from relay.tally import tally
from relay.track import AUDIO, VIDEO, Track
from relay.transport import Transport
from tests.relay.fakes import Clock

LEVEL_ID = 1
MEDIA_SSRC = {"audio": 77, "video": 88}
CERTIFICATE = Certificate()


def _session(inbound: bool) -> Session:
    kind = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
    return Session(Policy(key=bytes(range(28)), ssrc_type=kind, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM))


def _media_offer(direction: str, numbered: bool) -> str:
    sdp = offer("ufrag", "p" * 24, CERTIFICATE, direction, ["audio", "video"], numbered=numbered)
    return sdp.replace("a=rtpmap:111", f"a=extmap:{LEVEL_ID} {rtp.LEVEL_URI}\r\na=rtpmap:111")


class Peer:
    """Somebody's own socket and keys."""

    def __init__(self, transport: Transport, mux: Mux) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.cipher, self._opener, self._buffer = (
            SrtpCipher(_session(False)),
            SrtpCipher(_session(True)),
            PacketBuffer(),
        )
        address = self.socket.getsockname()
        mux._by_address[pack_address(address)] = transport
        transport._cipher = SrtpCipher(_session(True))
        transport.send_rtp.open(SrtpCipher(_session(False)))
        transport.send_rtp.aim(Destination(address))

    def protect(self, packet: bytes) -> bytes:
        self._buffer.view[: len(packet)] = packet
        size = self.cipher.protect(self._buffer, len(packet))
        return bytes(self._buffer.view[: max(size, 0)])

    def protect_rtcp(self, packet: bytes) -> bytes:
        size = self.cipher.protect_rtcp(packet, (self._buffer.view, self._buffer.pointer))
        return bytes(self._buffer.view[:size])

    def read(self) -> list[str]:
        """What arrived, decrypted, as hexadecimal."""
        found = []
        while True:
            try:
                length = self.socket.recv_into(self._buffer.view)
            except BlockingIOError:
                return found
            is_rtcp = rtp.is_rtcp(self._buffer.view[1])
            opened = self._opener.unprotect_rtcp if is_rtcp else self._opener.unprotect
            found.append(bytes(self._buffer.view[: opened(self._buffer, length)]).hex())


class Scene:
    """Everything, made anew for each scenario."""

    def __init__(self, numbered: bool) -> None:
        random_bits = random.Random(1)
        secrets.randbits = random_bits.getrandbits
        self.clock = Clock()
        relay.mux.time = types.SimpleNamespace(monotonic=self.clock)  # type: ignore[attr-defined]
        self.mux = Mux(open_socket("127.0.0.1", 0))
        self.mux._ingress.stamped = False
        self.to = ("127.0.0.1", self.mux.port)
        context = Context(self.mux, CERTIFICATE, (), self.clock.schedule, lambda *ended: None, self.clock)
        self.tracks = {kind: Track(kind, "ann", kind, source) for kind, source in ((AUDIO, "mic"), (VIDEO, "camera"))}
        parsed = parse_offer(_media_offer("sendonly", numbered))
        self.publisher = Publisher(context, parsed, "ann")
        self.publisher.negotiate(parsed, {"0": self.tracks[AUDIO], "1": self.tracks[VIDEO]})
        self.publisher.feedback_at = float("inf")
        self.ann = Peer(self.publisher.transport, self.mux)
        self.viewers: list[tuple[Subscriber, Peer]] = []
        for name, wants_numbers in (("ben", numbered), ("cid", False)):
            wanted = parse_offer(_media_offer("recvonly", wants_numbers))
            subscriber = Subscriber(context, wanted, name, lambda paused: None)
            peer = Peer(subscriber.transport, self.mux)
            subscriber.negotiate(wanted, {"0": self.tracks[AUDIO], "1": self.tracks[VIDEO]})
            self.viewers.append((subscriber, peer))
        for each in (self.publisher, *(viewer for viewer, _ in self.viewers)):
            each.transport.last_valid = 0.0  # set by the machine's clock, not by this one
        self.last = b""
        self.news: list[Any] = []

    def look(self) -> None:
        """The relay reads what is there; what everybody got."""
        self.mux._drain()
        self.news.append([peer.read() for peer in (self.ann, *(peer for _, peer in self.viewers))])

    def act(self, what: str, *given: Any) -> None:
        getattr(self, f"do_{what}")(*given)

    def do_rtp(self, kind: str, sequence: int, timestamp: int, extension: str, payload: str, marker: int) -> None:
        block = bytes.fromhex(extension)
        head = bytes([0x90 if block else 0x80, marker | (OPUS if kind == AUDIO else VP8)])
        head += (sequence & 0xFFFF).to_bytes(2, "big") + (timestamp & 0xFFFFFFFF).to_bytes(4, "big")
        head += MEDIA_SSRC[kind].to_bytes(4, "big")
        self.last = self.ann.protect(head + block + bytes.fromhex(payload))
        self.ann.socket.sendto(self.last, self.to)

    def do_raw(self, datagram: str) -> None:
        self.ann.socket.sendto(bytes.fromhex(datagram), self.to)

    def do_again(self, flip: int) -> None:
        """The last datagram once more, with one bit changed when `flip` says where."""
        changed = bytearray(self.last)
        if changed and flip >= 0:
            changed[flip % len(changed)] ^= 1 << flip % 8
        self.ann.socket.sendto(bytes(changed), self.to)

    def do_look(self) -> None:
        self.look()

    def do_wait(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds / 1000)
        self.mux.egress.flush()

    def _outs(self, viewer: int, kind: str) -> list[tuple[OutboundTrack, Peer]]:
        subscriber, peer = self.viewers[viewer]
        return [(out, peer) for out in subscriber._outs.values() if out.kind == kind]

    def do_ask(self, viewer: int, kind: str, behind: int) -> None:
        """A viewer asks for a packet again: so many before the newest."""
        for out, peer in self._outs(viewer, kind):
            nack = rtcp.pack_nack(1, out.ssrc, [(out._highest - behind) & 0xFFFF])
            peer.socket.sendto(peer.protect_rtcp(nack), self.to)

    def do_picture(self, viewer: int) -> None:
        """A viewer asks for a keyframe."""
        for out, peer in self._outs(viewer, VIDEO):
            peer.socket.sendto(peer.protect_rtcp(rtcp.pack_pli(1, out.ssrc)), self.to)

    def do_restart(self, viewer: int) -> None:
        """A viewer begins again at the next keyframe: its picture numbers then go on."""
        for out in self.viewers[viewer][0]._outs.values():
            out.restart()

    def do_leave(self, viewer: int) -> None:
        self.viewers[viewer][0].close()

    def do_end(self) -> None:
        self.publisher.close()

    def do_tell(self) -> None:
        """The publisher is told what arrived when."""
        self.news.append([packet.hex() for packet in self.publisher.arrivals.feedback(1, 2)])

    def state(self) -> list[Any]:
        """All that is counted."""
        streams = [
            [
                s.ssrc,
                s.received,
                s.lost,
                s.octets,
                s.accepted,
                s.duplicates,
                s.recovered,
                s.loudest,
                s.height,
                s.arrived,
            ]
            for s in self.publisher.media_streams()
        ]
        outs = [
            [[o.packets, o.octets, o.resends, o._highest, o._last_timestamp] for o in subscriber._outs.values()]
            for subscriber, _ in self.viewers
        ]
        logs = [subscriber._budget._downlink.send_rtp for subscriber, _ in self.viewers]
        kept = [[log.number, log.bytes, log.match(log.number - 30, [5] * 15 + [None, 7] * 7, 1, 3, [])] for log in logs]
        transports = [self.publisher.transport, *(subscriber.transport for subscriber, _ in self.viewers)]
        gates = [[t.rejected, t._allowance, t.last_valid] for t in transports]
        counted = self.mux.counters
        counts = [self.mux.received, counted.malformed, counted.stray, self.mux.egress.sent, self.mux.egress.dropped]
        return [streams, outs, kept, gates, counts]

    def close(self) -> None:
        self.publisher.close()
        for subscriber, peer in self.viewers:
            subscriber.close()
            peer.socket.close()
        self.ann.socket.close()
        self.mux.close(asyncio.get_running_loop())


def numbered_block(number: int, level: int | None = None) -> str:
    """A header extension block with a transport-wide number, and an audio level."""
    elements = bytes([NUMBER_ID << 4 | 1]) + number.to_bytes(2, "big")
    if level is not None:
        elements = bytes([LEVEL_ID << 4, level]) + elements
    elements += bytes(-len(elements) % 4)
    return (b"\xbe\xde" + (len(elements) // 4).to_bytes(2, "big") + elements).hex()


async def play(numbered: bool, acts: list[list[Any]]) -> list[Any]:
    """What came of `acts`."""
    scene = Scene(numbered)
    rejected = tally.rejected
    for act in acts:
        scene.act(*act)
    scene.look()
    result = [scene.news, scene.state(), tally.rejected - rejected, scene.mux._ingress.passed]
    scene.close()
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
    return result


def main() -> None:
    """A line in, a line out; the first line says what carries the packets."""
    print(json.dumps(native.IS_NATIVE), flush=True)
    for line in sys.stdin:
        print(json.dumps(asyncio.run(play(*json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()

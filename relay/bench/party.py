"""A participant of the load: sends canned media, receives and checks what the others send."""

from __future__ import annotations

import secrets
import time
from array import array
from collections.abc import Sequence

from relay import rtcp, rtp, twcc
from relay.bench import canned
from relay.bench.client import MID_ID, NUMBER_ID, OPUS, VP8, PacketConnection
from relay.bench.site import SiteEnd
from relay.dtls import Certificate
from relay.lane import Lane

RemoteTrack = dict[str, str]
"""A track somebody publishes: `id` at the server, `peer` whose it is, `kind` `audio` or `video`."""
MIDS = {"audio": "0", "video": "1"}
PAYLOAD_TYPES = {"audio": OPUS, "video": VP8}


class Source:
    """One track sent. Counts packets from 1."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.ssrc = secrets.randbits(31) | 1
        block = rtp.numbered_extension(NUMBER_ID, MID_ID, MIDS[kind])
        self.lane = Lane(self.ssrc, PAYLOAD_TYPES[kind], block, numbered=True)
        self.sequence = secrets.randbits(15)
        self.timestamp = secrets.randbits(31)
        self.count = 0
        self.octets = 0


class Sink:
    """One track received; `first` and `last` are the sender's counts."""

    def __init__(self, track: str) -> None:
        self.track = track
        self.first = self.last = self.received = self.repeated = 0

    def take(self, count: int) -> None:
        """Packet number `count` of the sender arrived."""
        if self.first == 0:
            self.first = count
        if count < self.first:
            return
        if count == self.last:
            self.repeated += 1
            return
        self.last = max(self.last, count)
        self.received += 1


class Party:
    """See the module. `delays` are nanoseconds between making a packet and having decrypted it at a receiver."""

    def __init__(self, site: SiteEnd, room: str, certificate: Certificate, profile: canned.Profile) -> None:
        self._site, self.room, self._profile = site, room, profile
        self.peer = secrets.token_hex(8)
        self.pub = PacketConnection(certificate, self._ignore, self._on_feedback)
        self.sub = PacketConnection(certificate, self._on_media, self._on_reports)
        self.sources = {kind: Source(kind) for kind in MIDS}
        self.sinks: dict[str, Sink] = {}
        self._by_ssrc: dict[int, Sink] = {}
        self.delays = array("q")
        self.measuring = False
        self.received = 0
        self.plis = 0
        self._picture = 0
        self._owed = 0.0
        self._keyframe = True
        self.tracks: dict[str, str] = {}
        self.publishes = False
        self.number_id = NUMBER_ID
        self._arrivals = twcc.ArrivalLog()

    async def join(self) -> None:
        """Enters the room."""
        await self._site.ask("join", room=self.room, peer=self.peer, username="load", mic=True, cam=True)

    async def publish(self) -> None:
        """Joins the room and starts to publish."""
        await self.join()
        sdp = self.pub.offer("sendonly", ["audio", "video"], numbered=True)
        tracks = [{"mid": "0", "source": "mic"}, {"mid": "1", "source": "camera"}]
        answer = await self._site.ask("offer", room=self.room, peer=self.peer, pc="pub", sdp=sdp, tracks=tracks)
        await self.pub.connect(answer["sdp"])

    async def subscribe(self, tracks: Sequence[RemoteTrack]) -> None:
        """Receives `tracks`."""
        kinds = [track["kind"] for track in tracks]
        want = {str(position): track["id"] for position, track in enumerate(tracks)}
        sdp = self.sub.offer("recvonly", kinds, numbered=True)
        answer = await self._site.ask("offer", room=self.room, peer=self.peer, pc="sub", sdp=sdp, want=want)
        sections = answer["sdp"].split("\r\nm=")[1:]
        for track, section in zip(tracks, sections, strict=True):
            sink = self.sinks[track["id"]] = Sink(track["id"])
            ssrc = int(section.split("a=ssrc:")[1].split(" ")[0])
            self._by_ssrc[ssrc] = sink
        await self.sub.connect(answer["sdp"])

    def send_audio(self) -> None:
        """20 ms of sound."""
        source = self.sources["audio"]
        source.timestamp += 960
        self._send(source, canned.audio_payload(self._mark(source)))
        self.pub.flush()

    def send_picture(self) -> None:
        """One picture; a keyframe when somebody asked for one."""
        source = self.sources["video"]
        keyframe, self._keyframe = self._keyframe, False
        self._owed += self._profile.video / canned.FRAMES_PER_SECOND
        size = canned.KEYFRAME_PACKETS if keyframe else int(self._owed)
        self._owed -= min(size, int(self._owed))
        source.timestamp += 90000 // canned.FRAMES_PER_SECOND
        self._picture += 1
        for position in range(size):
            marker = 0x80 if position == size - 1 else 0
            payload = canned.video_payload(self._picture, position, keyframe, self._mark(source))
            self._send(source, payload, marker)
        self.pub.flush()

    def send_reports(self) -> None:
        """The RTCP of one second, and the consent."""
        ntp = int((time.time() + 2208988800) * (1 << 32))
        for source in self.sources.values():
            report = rtcp.SenderReport(source.ssrc, ntp, source.timestamp & 0xFFFFFFFF, source.count, source.octets)
            self.pub.send_rtcp(rtcp.pack_sender_report(report) + rtcp.pack_cname(source.ssrc, self.peer))
        blocks = [rtcp.ReceptionReport(ssrc, 0, 0, 0, 0, 0, 0) for ssrc in self._by_ssrc]
        self.sub.send_rtcp(rtcp.pack_receiver_report(1, blocks) + rtcp.pack_cname(1, self.peer))
        self.pub.check()
        self.sub.check()

    def send_feedback(self) -> None:
        """Says when each numbered packet came, as browsers do."""
        for feedback in self._arrivals.feedback(1, 0):
            self.sub.send_rtcp(feedback)

    def ask_for_keyframes(self) -> None:
        """What a decoder does that lost the thread: a PLI for every track received."""
        for ssrc in self._by_ssrc:
            self.sub.send_rtcp(rtcp.pack_pli(1, ssrc))

    def close(self) -> None:
        """Leaves without telling the site."""
        self.pub.close()
        self.sub.close()

    def _mark(self, source: Source) -> bytes:
        return canned.stamp(source.count + 1, time.monotonic_ns())

    def _send(self, source: Source, payload: bytes, marker: int = 0) -> None:
        source.count += 1
        source.sequence += 1
        source.octets += len(payload)
        self.pub.send_rtp(source.lane, source.sequence, source.timestamp, payload, marker)

    def _ignore(self, packet: memoryview, length: int) -> None:
        pass

    def _on_feedback(self, packet: bytes) -> None:
        for item in rtcp.parse(packet):
            if isinstance(item, rtcp.KeyframeRequest):
                self._keyframe = True
                self.plis += 1

    def _on_reports(self, packet: bytes) -> None:
        pass

    def _on_media(self, packet: memoryview, length: int) -> None:
        sink = self._by_ssrc.get(int.from_bytes(packet[8:12], "big"))
        if sink is None:
            return
        at, size = rtp.find(packet, length, self.number_id)
        if size == 2:
            self._arrivals.arrived(packet[at] << 8 | packet[at + 1], time.monotonic())
        count, made_ns = canned.read_stamp(packet[:length])
        sink.take(count)
        if self.measuring:
            self.received += 1
            self.delays.append(time.monotonic_ns() - made_ns)

"""A client at packet level: full ICE towards one address, DTLS client, SRTP. No codecs, no jitter buffer."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
from collections.abc import Callable, Sequence

from aioice import stun

from relay import rtp, twcc
from relay.dtls import Certificate, DtlsAssociation, Fingerprint
from relay.egress import Destination, Egress
from relay.lane import Lane
from relay.mmsg import Address
from relay.srtp import PacketBuffer, SrtpCipher

OPUS, VP8, RTX = 111, 96, 97
NUMBER_ID, MID_ID = 3, 4
RTP_HANDLER = Callable[[memoryview, int], None]


def offer(
    ufrag: str,
    password: str,
    certificate: Certificate,
    direction: str,
    kinds: list[str],
    setup: str = "actpass",
    *,
    numbered: bool = False,
) -> str:
    """A browser-like offer with one m-line for each of `kinds`, mids "0", "1" and so on; `numbered` with transport-wide
    feedback."""
    mids = " ".join(str(position) for position in range(len(kinds)))
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {mids}"]
    for position, kind in enumerate(kinds):
        types = f"{OPUS}" if kind == "audio" else f"{VP8} {RTX}"
        lines += [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {types}",
            "c=IN IP4 0.0.0.0",
            f"a=ice-ufrag:{ufrag}",
            f"a=ice-pwd:{password}",
            f"a=fingerprint:{certificate.fingerprint.algorithm} {certificate.fingerprint.value}",
            f"a=setup:{setup}",
            f"a=mid:{position}",
            f"a=extmap:{MID_ID} {rtp.MID_URI}",
            *([f"a=extmap:{NUMBER_ID} {twcc.URI}"] if numbered else []),
            f"a={direction}",
            "a=rtcp-mux",
            "a=rtcp-rsize",
        ]
        if numbered:
            lines += [f"a=rtcp-fb:{OPUS if kind == 'audio' else VP8} {twcc.FEEDBACK}"]
        if kind == "audio":
            lines += [f"a=rtpmap:{OPUS} opus/48000/2", f"a=fmtp:{OPUS} minptime=10;useinbandfec=1"]
        else:
            lines += [
                f"a=rtpmap:{VP8} VP8/90000",
                f"a=rtcp-fb:{VP8} goog-remb",
                f"a=rtcp-fb:{VP8} nack",
                f"a=rtcp-fb:{VP8} nack pli",
                f"a=rtpmap:{RTX} rtx/90000",
                f"a=fmtp:{RTX} apt={VP8}",
            ]
    return "\r\n".join(lines) + "\r\n"


def answer(offered: str, ufrag: str, password: str, certificate: Certificate, more: Sequence[str]) -> str:
    """A browser-like answer that receives all that is `offered` and is the DTLS client."""
    head, *sections = offered.split("\r\nm=")
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:" + _find(head, r"a=group:(BUNDLE [^\r]*)")]
    for section in sections:
        first, *attributes = section.rstrip().split("\r\n")
        kept = ("a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=extmap:", "a=mid:", "a=rtcp-mux")
        lines += [
            f"m={first}",
            "c=IN IP4 0.0.0.0",
            f"a=ice-ufrag:{ufrag}",
            f"a=ice-pwd:{password}",
            f"a=fingerprint:{certificate.fingerprint.algorithm} {certificate.fingerprint.value}",
            "a=setup:active",
            "a=recvonly",
            *(line for line in attributes if line.startswith(kept)),
            *more,
        ]
    return "\r\n".join(lines) + "\r\n"


class PacketConnection:
    """One peer connection. `on_rtp` gets decrypted packets as (buffer, length), `on_rtcp` compound packets."""

    def __init__(self, certificate: Certificate, on_rtp: RTP_HANDLER, on_rtcp: Callable[[bytes], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_rtp, self._on_rtcp = on_rtp, on_rtcp
        self._open()
        self._buffer = PacketBuffer()
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(16)
        self._certificate = certificate
        self._dtls = DtlsAssociation(certificate, self._send, self._changed, "client")
        self._state: asyncio.Future[str] = self._loop.create_future()
        self._checked = asyncio.Event()
        self._is_controlling = True
        self.relay_ufrag = self.relay_password = ""
        self._destination: Destination | None = None
        self._receiving: SrtpCipher | None = None
        self._sending: SrtpCipher | None = None
        self._number = secrets.randbits(15)

    def _open(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        self._socket.bind(("0.0.0.0", 0))
        self._socket.setblocking(False)
        self._egress = Egress(self._socket)
        self._loop.add_reader(self._socket.fileno(), self._drain)

    def offer(self, direction: str, kinds: list[str], setup: str = "actpass", *, numbered: bool = False) -> str:
        """The offer to send to the server; `setup` is "active" for one that would like to be the DTLS client,
        `numbered` with transport-wide feedback."""
        return offer(self.ufrag, self.password, self._certificate, direction, kinds, setup, numbered=numbered)

    def answer(self, offered: str, more: Sequence[str] = ()) -> str:
        """The answer to a server that offers, with `more` lines for each m-line; `connect` with the offer follows."""
        self._is_controlling = False  # the offering side is, unless it is ICE lite (RFC 8445 section 6.1.1)
        return answer(offered, self.ufrag, self.password, self._certificate, more)

    @property
    def port(self) -> int:
        """The UDP port it sends from."""
        return int(self._socket.getsockname()[1])

    async def connect(self, answer: str) -> None:
        """Connects as the relay's `answer` says; media may be sent afterwards."""
        self.use(answer)
        async with asyncio.timeout(10):
            while not self._checked.is_set():
                self.check()
                try:
                    await asyncio.wait_for(self._checked.wait(), 0.1)
                except TimeoutError:
                    continue
            algorithm, value = _find(answer, r"a=fingerprint:(\S+ \S+)").split(" ")
            self._dtls.start([Fingerprint(algorithm, value)])
            state = await self._state
        if state != "connected":
            raise ConnectionError(f"DTLS {state}")
        self._receiving, self._sending = self._dtls.ciphers()

    def use(self, answer: str) -> None:
        """Takes credentials and address from an answer."""
        self.relay_ufrag = _find(answer, r"a=ice-ufrag:(\S+)")
        self.relay_password = _find(answer, r"a=ice-pwd:(\S+)")
        host, port = _find(answer, r"a=candidate:\S+ 1 udp \d+ (\S+ \d+)").split(" ")
        self._destination = Destination((host, int(port)))

    def check(self, nominate: bool = True) -> bytes:
        """Sends a connectivity check (RFC 8445 section 7.2), which is also the consent; the datagram."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self.relay_ufrag}:{self.ufrag}"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING" if self._is_controlling else "ICE-CONTROLLED"] = 1
        if nominate and self._is_controlling:
            request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self.relay_password.encode())
        request.add_fingerprint()
        self._send(bytes(request))
        return bytes(request)

    def send_rtp(self, lane: Lane, sequence: int, timestamp: int, payload: bytes, marker: int = 0) -> None:
        """Queues an RTP packet for `flush`, with the connection's next transport-wide number if the lane has numbers;
        `marker` is 0 or 0x80."""
        cipher, destination = self._sending, self._destination
        if cipher is None or destination is None:
            return
        packet = (sequence, marker, timestamp, payload)
        lengths = cipher.protect_all(lane, [packet], self._egress.slots(1), self._number)
        self._number += 1
        self._egress.queue(lengths, destination)

    def flush(self) -> None:
        """Sends what was queued."""
        self._egress.flush()

    def send_rtcp(self, packet: bytes) -> None:
        """Sends a compound packet."""
        if self._sending is not None and self._destination is not None:
            length = self._sending.protect_rtcp(packet, self._egress.slots(1)[0])
            if length > 0:
                self._egress.queue([length], self._destination)
                self._egress.flush()

    def send_raw(self, datagram: bytes) -> None:
        """Sends a datagram as it is, from this connection's address."""
        self._send(datagram)

    def send_protected(self, packet: bytes) -> None:
        """Encrypts a packet as it is, however wrong, and sends it."""
        buffer = PacketBuffer()
        buffer.view[: len(packet)] = packet
        if self._sending is not None:
            size = self._sending.protect(buffer, len(packet))
            if size > 0:
                self._send(bytes(buffer.view[:size]))

    def capture(self, send: Callable[[], None]) -> list[bytes]:
        """The datagrams that `send` sends; they are sent."""
        captured: list[bytes] = []
        egress, queue = self._egress, self._egress.queue

        def record(lengths: list[int], destination: Destination) -> None:
            slots = egress.slots(len(lengths))
            captured.extend(bytes(view[:length]) for (view, _), length in zip(slots, lengths, strict=True))
            queue(lengths, destination)

        egress.queue = record  # type: ignore[method-assign]
        try:
            send()
        finally:
            egress.queue = queue  # type: ignore[method-assign]
        return captured

    async def rebind(self) -> None:
        """Goes on from another port, as a machine that changed its network; waits for the first check's answer."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self._open()
        self._checked.clear()
        async with asyncio.timeout(5):
            while not self._checked.is_set():
                self.check()
                await asyncio.sleep(0.05)

    def abandon(self) -> None:
        """Sends nothing more, not even a farewell."""
        self._destination = None

    def close(self) -> None:
        """Closes the association and the socket."""
        self._dtls.close()
        self._receiving = self._sending = None
        self._loop.remove_reader(self._socket.fileno())
        self._loop.call_later(0.2, self._socket.close)

    def _send(self, datagram: bytes) -> None:
        if self._destination is not None and self._socket.fileno() >= 0:
            self._egress.send(datagram, self._destination.address)

    def _changed(self, state: str) -> None:
        if not self._state.done():
            self._state.set_result(state)

    def _drain(self) -> None:
        buffer, view = self._buffer, self._buffer.view
        for _ in range(64):
            try:
                length, address = self._socket.recvfrom_into(view)
            except OSError:
                return
            first = view[0] if length else 255
            if 128 <= first <= 191 and self._receiving is not None:
                if rtp.is_rtcp(view[1]):
                    size = self._receiving.unprotect_rtcp(buffer, length)
                    if size > 0:
                        self._on_rtcp(bytes(view[:size]))
                else:
                    size = self._receiving.unprotect(buffer, length)
                    if size > 0:
                        self._on_rtp(view, size)
            elif 20 <= first <= 63:
                self._dtls.feed(bytes(view[:length]))
            elif first <= 3:
                self._on_stun(bytes(view[:length]), address)

    def _on_stun(self, datagram: bytes, address: Address) -> None:
        """An answer to a check of ours, or a check of a server that is not ICE lite: such a one is answered."""
        try:
            message = stun.parse_message(datagram)
        except ValueError:
            return
        if message.message_class == stun.Class.REQUEST:
            answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id)
            answer.attributes["XOR-MAPPED-ADDRESS"] = address
            answer.add_message_integrity(self.password.encode())
            answer.add_fingerprint()
            self._egress.send(bytes(answer), address)
        elif message.check_message_integrity(self.relay_password.encode()):
            self._checked.set()


def _find(text: str, pattern: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise ValueError(f"the answer has no {pattern}")
    return match[1]

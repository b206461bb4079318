"""What every packet reads and writes, in Python: the twins of the types in `relay/native`, with the same attributes.

Each is a base class, or a part, of who decides about packets that are not ordinary; those stay the authority. Knows no
sockets. `relay.native` chooses between these and the compiled ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from relay.feedback import TICK, TICK_WRAP

if TYPE_CHECKING:
    from relay.follow import Follower
    from relay.lane import Lane, Send, SendNumbered
    from relay.srtp import SrtpCipher
    from relay.track import Packet

OVERHEAD = 64
"""Bytes on the wire besides a payload: IP and UDP 28, RTP 12, the extensions 8, the SRTP tag 16."""
REMEMBERED = 4096
"""Packets of a viewer whose feedback may still come: 5 s of 6 Mbit/s. A power of two."""
NOTHING_HEARD = 128
"""One more than the quietest audio level (RFC 6464)."""
Acked = tuple[float, int, float]
"""A packet that arrived: when it was sent, its bytes on the wire, when it arrived by the viewer's clock."""
_NOTHING: Packet = (-1, 0, 0, b"")
_Sent = tuple[int, float, int, int]
_UNSENT: _Sent = (-1, 0.0, 0, 0)


class Gate:
    """What a transport lets in: packets that its cipher opens, as many as are left of its allowance, for `_sink`.
    `last_valid` is when one came (monotonic seconds), `rejected` counts those that were not what they claimed."""

    def __init__(self) -> None:
        self._cipher: SrtpCipher | None = None
        self._sink: Any = None
        self._allowance = self.rejected = 0
        self.last_valid = 0.0


class Notes(Protocol):
    """Where transport-wide numbers are noted (`twcc.ArrivalLog`)."""

    def arrived(self, sequence: int, now: float) -> None: ...


class Desk:
    """How a publisher's packets find their streams: `streams` by SSRC. `number_extension` is the id of the header
    extension with the transport-wide number (0: none), noted in `arrivals`; at `feedback_at` (monotonic seconds) the
    next packet is answered with a feedback."""

    def __init__(self) -> None:
        self.streams: dict[int, Any] = {}
        self.number_extension = 0
        self.arrivals: Any = None
        self.feedback_at = 0.0


class Jotter:
    """Numbers and when they came (seconds), until somebody takes them; `limit` at most."""

    limit = 1024

    def __init__(self) -> None:
        self._jotted: list[tuple[int, float]] = []

    def __len__(self) -> int:
        return len(self._jotted)

    def arrived(self, sequence: int, now: float) -> None:
        """The packet with the 16-bit transport-wide `sequence` arrived at `now`."""
        if len(self._jotted) < self.limit:
            self._jotted.append((sequence, now))

    def take(self) -> list[tuple[int, float]]:
        """All since the last call."""
        taken, self._jotted = self._jotted, []
        return taken

    def written(self, sender: int, ssrc: int, first: int, count: int) -> bytes | None:
        """The feedback about all since the last call of `take`, which it then is, where compiled code can write it:
        every packet from `first` on, in order. None: `twcc.pack` has to."""
        return None


class Progress:
    """How far an incoming stream has come and how regularly. Sequence numbers are unwrapped; `timestamp` is the last
    one seen, `deviation` the interarrival jitter in clock units (RFC 3550 section A.8)."""

    def __init__(self, clock: int, first: int) -> None:
        self.highest = first
        self.received, self.timestamp = 0, -1
        self.deviation = 0.0
        self._clock = clock
        self._transit: float | None = None

    def time(self, timestamp: int, now: float) -> None:
        """The first packet of another picture, or a packet of sound, came. Those of one picture are sent one after
        another: what they wait for each other is not the network's doing."""
        self.timestamp = timestamp
        transit = now * self._clock - timestamp
        if self._transit is not None:
            change = abs(transit - self._transit)
            # A timestamp that wrapped or jumped says nothing of the network.
            if change < self._clock * 4:
                self.deviation += (change - self.deviation) / 16
        self._transit = transit


class Intake:
    """What an incoming stream keeps of its packets, the last `history` of them (a power of two), and who gets them.

    `viewers` get each packet, `waiting` wait for one to begin with. `octets` and `accepted` count what was kept,
    `arrived` is when the last one came. `wants_keyframe`: the next one is looked for. `loudest` is the loudest audio
    level in the header extension `level_extension` (0: none) since it was last taken."""

    def __init__(self, payload_type: int, is_video: bool, history: int, defer: Callable[[Callable[[], None]], None]):
        self._payload_type, self._is_video = payload_type, is_video
        self._defer, self._mask = defer, history - 1
        self._history: list[Packet] = [_NOTHING] * history
        self._fresh: list[Packet] = []
        self.viewers: tuple[Follower, ...] = ()
        self.waiting: tuple[Follower, ...] = ()
        self._reception: Any = None
        self._stopped = self.wants_keyframe = False
        self.arrived = 0.0
        self.octets = self.accepted = 0
        self.level_extension, self.loudest = 0, NOTHING_HEARD

    def keep(self, index: int, marker: int, timestamp: int, payload: bytes) -> None:
        """Remembers a packet: its unwrapped number, marker bit (0 or 0x80), timestamp and payload."""
        self._history[index & self._mask] = (index, marker, timestamp, payload)
        self.octets += len(payload)
        self.accepted += 1

    def pass_on(self, index: int) -> None:
        """The viewers get this packet, just kept, together with what arrived with it."""
        if self.viewers:
            self._fresh.append(self._history[index & self._mask])
            if len(self._fresh) == 1:
                self._defer(self.hand_on)

    def hand_on(self) -> None:
        """Gives the viewers what has arrived since the last time."""
        packets = self._fresh
        if packets:
            self._fresh = []
            packets.sort()  # what was overtaken on the way is back in its place
            for viewer in self.viewers:
                viewer.forward(packets)

    def packet(self, index: int) -> Packet | None:
        """The packet with unwrapped number `index`, while it is remembered."""
        found = self._history[index & self._mask]
        return found if found[0] == index else None

    def forget(self) -> None:
        """Remembers nothing any more."""
        self._history = [_NOTHING] * len(self._history)


class Leg:
    """The end of the way to a viewer. `_send` takes packets on, those of `_lane` as they are; without a lane each needs
    a look. `_highest` and `_last_timestamp` are what the viewer was sent last, `packets` and `octets` count it."""

    def __init__(self) -> None:
        self._send: Send | None = None
        self._lane: Lane | None = None
        self._highest = self._last_timestamp = 0
        self.packets = self.octets = 0


class SentLog:
    """Sends packets of numbered lanes by `send` (a transport's), each with a number of its own, and remembers when. The
    next one gets `number` (unwrapped); `bytes` counts those on the wire."""

    def __init__(self, send: SendNumbered, clock: Callable[[], float]) -> None:
        self._send, self._clock = send, clock
        self._sent: list[_Sent] = [_UNSENT] * REMEMBERED
        self.number, self.bytes = 0x10000, 0

    def __call__(self, lane: Lane, packets: Sequence[Packet]) -> int:
        """Sends `packets`; how many of them."""
        number = self.number
        sent = self._send(lane, packets, number)
        now, total, remembered = self._clock(), self.bytes, self._sent
        for _, _, _, payload in packets[:sent]:
            size = len(payload) + OVERHEAD
            total += size
            remembered[number & REMEMBERED - 1] = (number, now, size, total)
            number += 1
        self.number, self.bytes = number, total
        return sent

    def match(
        self, first: int, arrivals: Sequence[int | None], step: int, last: int | None, numbers: list[int] | None
    ) -> tuple[list[Acked], int, int, int | None]:
        """What arrived, at which ticks, of the packets from number `first` on: of every `step`th and the last one, each
        once only. Ticks go on from the `last` ones heard of. Those that arrived (their numbers go to `numbers`), how
        many did not, the bytes sent until the last of them (-1: none), and the ticks now heard of last."""
        acked: list[Acked] = []
        lost, told, shift, sent, end = 0, -1, None, self._sent, len(arrivals) - 1
        for place in (*range(0, end, step), end):
            number, ticks = first + place, arrivals[place]
            known, sent_at, size, total = sent[number & REMEMBERED - 1]
            if known != number:
                continue
            sent[number & REMEMBERED - 1] = _UNSENT
            if ticks is None:
                lost += 1
                continue
            if shift is None:
                before = last if last is not None else ticks
                last = before + ((ticks - before + TICK_WRAP // 2) & (TICK_WRAP - 1)) - TICK_WRAP // 2
                shift = last - ticks
            told = total
            acked.append((sent_at, size, (ticks + shift) * TICK))
            if numbers is not None:
                numbers.append(number)
        return acked, lost, told, last

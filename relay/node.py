"""One relay process: its socket, its rooms, its link to the site, and what has to be done every second."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from relay import __version__, metrics, native, protocol
from relay.answer import candidates
from relay.config import Config
from relay.connection import Connection, Context
from relay.dtls import Certificate
from relay.figures import INTERVAL, figures
from relay.link import Link, Message
from relay.mux import Mux, open_socket
from relay.publisher import Publisher
from relay.record import Recordings
from relay.room import Refusal, Room, Shown
from relay.sdp import SdpError, parse_offer
from relay.tally import tally
from relay.track import Track
from relay.upload import Uploader

log = logging.getLogger("relay")

TICK = 0.1
REPORT_INTERVAL = 1.0
LOAD_INTERVAL = 1.0
LOAD_MEMORY = 5.0
"""Seconds over which the CPU share is averaged: one burst makes no relay busy."""
DRAIN_LOOK = 0.1
PROBE_LIFETIME = 20.0
TIDY_INTERVAL = 10.0
"""Seconds between two searches for what connections that ended have left in memory."""


@dataclass(slots=True)
class ProbePeer:
    """A device check: media go to nobody. `until` is monotonic seconds."""

    connection: Publisher
    until: float


class Node:
    """See the module. Raises `mux.PortInUse` when the port is taken."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._mux = Mux(open_socket(config.bind, config.port))
        self.port = self._mux.port
        self._rooms: dict[str, Room] = {}
        self._probes: dict[str, ProbePeer] = {}
        self._due: dict[Connection, float] = {}
        self._draining = self._untidy = False
        self._load = self._lag = 0.0
        self._link = Link(config.site_url, config.secret, self.handle, self._greetings)
        folder = Path(config.recordings)
        self._recordings = Recordings(folder, self._link.send)
        url = f"{config.site_url.rstrip('/')}/recordings/"
        self._uploader = Uploader(url, config.secret, folder, self._recordings.is_whole)
        self._context = Context(
            registry=self._mux,
            certificate=Certificate(),
            candidates=candidates(config.public_addresses, config.public_port or self.port),
            schedule=self._schedule,
            on_ended=self._on_ended,
        )

    async def run(self) -> None:
        """Serves until cancelled, then ends every call cleanly."""
        loop = asyncio.get_running_loop()
        self._mux.attach(loop)
        log.info("listening udp=%d", self.port)
        log.info("packets are carried by %s", native.CARRIER)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._link.run())
                tasks.create_task(self._tick())
                tasks.create_task(self._report_load())
                tasks.create_task(self._keep_tidy())
                if self._config.metrics_port is not None:
                    tasks.create_task(self._serve_metrics(self._config.metrics_bind, self._config.metrics_port))
                tasks.create_task(self._report_quality())
                tasks.create_task(self._uploader.run())
        finally:
            for room in list(self._rooms.values()):
                self._close(room)
            for peer in list(self._probes):
                self._end_probe(peer)
            self._recordings.close()
            await asyncio.sleep(0.05)
            self._mux.close(loop)
            log.info("stopped")

    async def drain(self) -> None:
        """Asks the site to move the calls to other relays; over when none is left here, or after `drain_seconds`.

        Recordings go to the site first: this machine may not come back.
        """
        self._draining = True
        self._link.send(self._farewell())
        log.info("draining, %d participants", self._participants())
        deadline = time.monotonic() + self._config.drain_seconds
        while self._has_work() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(DRAIN_LOOK)

    def _has_work(self) -> bool:
        return any(True for _ in self._connections()) or bool(self._uploader.logs())

    def handle(self, command: protocol.Command) -> Message:
        """Carries out a command of the site; the fields of its answer. Raises Refusal."""
        match command:
            case protocol.Join():
                return self._join(command)
            case protocol.Offer():
                return {"sdp": self._offer(command)}
            case protocol.Probe():
                return {"sdp": self._probe(command)}
            case protocol.State():
                shown = Shown(command.mic, command.cam, command.screen, command.clinical, command.stethoscope)
                self._room(command.room).state(command.peer, shown)
            case protocol.Show():
                self._room(command.room).show(command.peer, command.heights)
            case protocol.Leave():
                if command.room in self._rooms:
                    self._drop(self._rooms[command.room], command.peer, "left")
            case protocol.Close():
                if command.room in self._rooms:
                    self._close(self._rooms[command.room])
            case protocol.Record():
                self._record(command)
        return {}

    def _join(self, command: protocol.Join) -> Message:
        room = self._rooms.get(command.room)
        known = room is not None and command.peer in room.participants
        if not known and self._participants() >= self._config.capacity:
            raise Refusal("relay_full", f"the relay has {self._config.capacity} participants already")
        if room is None:
            room = Room(command.room, self._config.room_size, self._context, self._on_change, self._renegotiate)
            self._rooms[command.room] = room
        tally.joins += not known
        fresh = room.join(command.peer, command.username, command.mic, command.cam)
        self._link.send({"t": "speaker", **room.voices()})
        tracks = [room.describe(track) for track in room.tracks(besides=command.peer)]
        return {"fresh": fresh, "tracks": tracks}

    def _offer(self, command: protocol.Offer) -> str:
        room = self._room(command.room)
        if command.pc == protocol.PUBLISH:
            return room.publish(command.peer, command.sdp, command.tracks)
        return room.subscribe(command.peer, command.sdp, command.want)

    def _probe(self, command: protocol.Probe) -> str:
        try:
            offer = parse_offer(command.sdp)
        except SdpError as error:
            raise Refusal("bad_offer", str(error)) from None
        known = self._probes.get(command.peer)
        if known is None or not known.connection.continues(offer):
            self._end_probe(command.peer)
            connection = Publisher(self._context, offer, f"probe/{command.peer}")
            self._probes[command.peer] = ProbePeer(connection, time.monotonic() + PROBE_LIFETIME)
        else:
            connection = known.connection
        tracks = {m.mid: Track(m.mid, command.peer, m.kind, "mic") for m in offer.media if not m.rejected}
        return connection.negotiate(offer, tracks)

    def _record(self, command: protocol.Record) -> None:
        if command.on:
            self._recordings.order(self._room(command.room), command.log, command.key, command.people)
        else:
            self._recordings.end(command.room)

    def _end_probe(self, peer: str) -> None:
        probe = self._probes.pop(peer, None)
        if probe is not None:
            probe.connection.close()

    def _room(self, name: str) -> Room:
        room = self._rooms.get(name)
        if room is None:
            raise Refusal("unknown_room", "nobody has joined this room")
        return room

    def _drop(self, room: Room, peer: str, reason: str) -> None:
        if peer not in room.participants:
            return
        self._tell_quality(room, peer)
        room.leave(peer)
        log.info("%s/%s gone: %s", room.name, peer, reason)
        self._link.send({"t": "gone", "room": room.name, "peer": peer, "reason": reason})
        if not room.participants:
            self._rooms.pop(room.name, None)

    def _close(self, room: Room) -> None:
        for peer in list(room.participants):
            self._drop(room, peer, "left")
        self._rooms.pop(room.name, None)

    def _on_change(self, room: Room) -> None:
        self._recordings.changed(room)
        self._link.send({"t": "room", **room.snapshot()})

    def _renegotiate(self, room: Room, peer: str) -> None:
        self._link.send({"t": "renegotiate", "room": room.name, "peer": peer})

    def _on_ended(self, connection: Connection, reason: str) -> None:
        now = time.monotonic()
        for room in self._rooms.values():
            room.ended(connection, now)
        for peer, probe in list(self._probes.items()):
            if probe.connection is connection:
                self._end_probe(peer)

    def _schedule(self, delay: float, callback: object) -> object:
        return asyncio.get_running_loop().call_later(delay, callback)  # type: ignore[arg-type]

    def _greetings(self) -> Iterable[Message]:
        rooms = {
            room.name: [{"peer": p.peer, "username": p.username} for p in room.participants.values()]
            for room in self._rooms.values()
        }
        yield {
            "t": "hello",
            "name": self._config.name,
            "address": self._config.public_addresses[0],
            "port": self._config.public_port or self.port,
            "capacity": self._config.capacity,
            "version": __version__,
            "rooms": rooms,
        }
        if self._draining:
            yield self._farewell()
        for room in self._rooms.values():
            yield {"t": "room", **room.snapshot()}
            yield {"t": "speaker", **room.voices()}

    def _farewell(self) -> Message:
        return {"t": "drain", "seconds": self._config.drain_seconds}

    def _participants(self) -> int:
        return sum(len(room.participants) for room in self._rooms.values())

    def figures(self) -> tuple[metrics.Family, metrics.Family]:
        """Gauges and counters for Prometheus."""
        counted = self._mux.counters
        gauges = {
            "rooms": (len(self._rooms), "Rooms with people"),
            "tasks": (len(asyncio.all_tasks()), "Tasks of the event loop"),
            "participants": (self._participants(), "People in rooms"),
            "connections": (sum(1 for _ in self._connections()), "Peer connections"),
            "capacity": (self._config.capacity, "People this relay accepts"),
            "load_ratio": (self._load, "CPU share of one core over 5 s"),
            "draining": (self._draining, "1 while its calls move away"),
            "native": (native.IS_NATIVE, "1 when compiled code carries the packets"),
            "link_up": (self._link.queued is not None, "1 while the site is connected"),
            "link_queue_length": (self._link.queued or 0, "Messages waiting for the site"),
            "loop_lag_seconds": (self._lag, "How late the last tick was"),
        }
        counters = {
            "packets_received": (self._mux.received, "RTP and RTCP datagrams received"),
            "packets_sent": (self._mux.egress.sent, "Datagrams sent"),
            "packets_dropped": (self._mux.egress.dropped, "Datagrams the kernel had no room for"),
            "datagrams_malformed": (counted.malformed, "Datagrams that are nothing of ours"),
            "datagrams_stray": (counted.stray, "Datagrams of strangers, and beyond their rate"),
        }
        return gauges, counters

    def _connections(self) -> Iterator[Connection]:
        for room in self._rooms.values():
            for participant in room.participants.values():
                yield from participant.connections()
        for probe in self._probes.values():
            yield probe.connection

    async def _serve_metrics(self, bind: str, port: int) -> None:
        """Media matter more: without its endpoint the relay goes on."""
        try:
            async with metrics.served(bind, port, self.figures) as bound:
                log.info("metrics tcp=%d", bound)
                await asyncio.Event().wait()
        except OSError as error:
            log.error("no metrics on %s:%d (%s): choose another RELAY_METRICS_PORT", bind, port, error.strerror)

    async def _tick(self) -> None:
        while True:
            due = time.monotonic() + TICK
            await asyncio.sleep(TICK)
            try:
                now = time.monotonic()
                self._lag = max(now - due, 0.0)
                self._on_tick(now)
            except Exception:
                # One peer's state is broken: the reports and deadlines of the others go on.
                log.exception("tick failed")

    def _on_tick(self, now: float) -> None:
        """Reports, each connection at its own moment, and the end of what is silent."""
        due: dict[Connection, float] = {}
        for connection in self._connections():
            connection.tick(now)
            # The first report comes at a random moment: all at once would delay media.
            at = self._due.get(connection, now + random.random() * REPORT_INTERVAL)  # noqa: S311
            if at <= now:
                connection.report(now)
                connection.transport.refill()
                at = max(at + REPORT_INTERVAL, now)
            due[connection] = at
        self._untidy = self._untidy or bool(self._due.keys() - due.keys())
        self._due = due
        self._recordings.tick(now)
        for room in list(self._rooms.values()):
            if room.listen(now):
                self._link.send({"t": "speaker", **room.voices()})
            room.turn_back(now)
            for peer, reason in room.overdue(now):
                self._drop(room, peer, reason)
        for peer in [peer for peer, probe in self._probes.items() if probe.until <= now]:
            self._end_probe(peer)

    async def _keep_tidy(self) -> None:
        """A connection is a ring of objects that hold each other, with a second of packets: only the collector frees
        it, and that hardly ever looks by itself, since media make so few objects (5 ms with thirty people)."""
        while True:
            await asyncio.sleep(TIDY_INTERVAL)
            if self._untidy:
                self._untidy = False
                gc.collect()

    def _tell_quality(self, room: Room, *only: str) -> None:
        """What was seen of everybody's line, or of those who are about to leave."""
        peers = [p for p in room.participants.values() if not only or p.peer in only]
        told = [seen for p in peers if (seen := figures(p)) is not None]
        if told:
            self._link.send({"t": "quality", "room": room.name, "peers": told})

    async def _report_quality(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            for room in list(self._rooms.values()):
                self._tell_quality(room)

    async def _report_load(self) -> None:
        busy, at = time.process_time(), time.monotonic()
        while True:
            await asyncio.sleep(LOAD_INTERVAL)
            busy_now, now = time.process_time(), time.monotonic()
            share = min((busy_now - busy) / (now - at), 1.0)
            self._load += (share - self._load) * min((now - at) / LOAD_MEMORY, 1.0)
            busy, at = busy_now, now
            self._mux.complain(now)
            self._link.send(
                {
                    "t": "load",
                    "rooms": len(self._rooms),
                    "participants": self._participants(),
                    "load": round(self._load, 3),
                    "packets_in": self._mux.counters.media,
                    "packets_out": self._mux.egress.sent,
                    "lost": sum(c.lost for c in self._connections() if isinstance(c, Publisher)),
                }
            )

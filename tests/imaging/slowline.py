"""A TCP line of so many bits a second: what is sent to the one side waits its turn, for all connections together."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

PIECE = 16 * 1024
TRIP = 0.02
"""Seconds a piece is under way, each way: 40 ms of round trip, as a county's line has."""


class Lane:
    """One direction: pieces go in their order, each as long on the line as its bits take."""

    def __init__(self, bits_per_s: float) -> None:
        self.bytes_per_s = bits_per_s / 8
        self._free_at = 0.0

    async def carry(self, size: int) -> None:
        """Waits until `size` bytes have left the line."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + size / self.bytes_per_s
        await asyncio.sleep(self._free_at - now)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lane: Lane) -> None:
    loop = asyncio.get_running_loop()
    try:
        while piece := await reader.read(PIECE):
            await lane.carry(len(piece))
            loop.call_later(TRIP, writer.write, piece)
            await writer.drain()
        await asyncio.sleep(TRIP)
    except ConnectionError:
        pass  # one side left: the other is told by the close below
    finally:
        writer.close()


@contextlib.contextmanager
def slow_line(port: int, bits_per_s: float) -> Iterator[int]:
    """The port of 127.0.0.1 behind which `port` is reached over the slow line, up and down each `bits_per_s`."""
    started = threading.Event()
    loop = asyncio.new_event_loop()
    here: list[int] = []

    async def serve() -> None:
        down, up = Lane(bits_per_s), Lane(bits_per_s)

        async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pump(reader, far_writer, up), _pump(far_reader, writer, down))

        server = await asyncio.start_server(joined, "127.0.0.1", 0)
        here.append(server.sockets[0].getsockname()[1])
        started.set()
        await server.serve_forever()

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        left = asyncio.all_tasks(loop)
        for each in left:
            each.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(asyncio.sleep(0))  # what they closed is told
        loop.close()

    task = loop.create_task(serve())
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield here[0]
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(5)

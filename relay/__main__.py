"""`python -m relay`: reads the settings, runs one node until SIGTERM (its calls move first) or SIGINT (at once)."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections.abc import Callable, Sequence

from relay.config import Config, ConfigError, load
from relay.mux import PortInUse
from relay.node import Node

EXIT_CONFIG = 2
EXIT_PORT_IN_USE = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the relay; the exit code: 0 stopped by a signal, 2 a setting is wrong, 3 the UDP port is in use."""
    try:
        config = load(sys.argv[1:] if argv is None else argv)
    except ConfigError as error:
        sys.stderr.write(f"relay: {error}\n")
        return EXIT_CONFIG
    logging.basicConfig(
        level=config.log_level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    # Its lines name addresses and headers, and the link logs what matters.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    # What media allocates lives for a second and has no cycles: the collector need not look at it all the time.
    gc.freeze()
    gc.set_threshold(2_000, 10, 50)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(config))
    except PortInUse as error:
        sys.stderr.write(f"relay: {error}; stop the other program or set RELAY_PORT\n")
        return EXIT_PORT_IN_USE
    return 0


async def _serve(config: Config) -> None:
    node = Node(config)
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(node.run())
    leave = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, leave.set)
    loop.add_signal_handler(signal.SIGINT, serving.cancel)
    leaving = asyncio.create_task(_leave(node, leave, serving))
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    leaving.cancel()


async def _leave(node: Node, asked: asyncio.Event, serving: asyncio.Task[None]) -> None:
    await asked.wait()
    await node.drain()
    serving.cancel()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    sys.exit(main())

"""A bare ASGI application under our launcher, as a process: `python -m tests.platform.stream_app PORT`."""

import asyncio
import json
import sys
from typing import Any
from urllib.parse import parse_qs

from telemed import launcher

PART = b"\0" * 65536


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await _socket(receive, send)
        return
    number = int(parse_qs(scope["query_string"].decode()).get("n", ["0"])[0])
    body = 0
    while True:
        message = await receive()
        body += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/stream":  # n parts of 64 KiB
        for _ in range(number):
            await send({"type": "http.response.body", "body": PART, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    elif scope["path"] == "/slow":  # n tenths of a second
        await asyncio.sleep(number / 10)
        await send({"type": "http.response.body", "body": b"done"})
    else:
        seen = {name.decode(): value.decode() for name, value in scope["headers"]}
        answer = {"body": body, "headers": seen, "root_path": scope["root_path"]}
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def _socket(receive: Any, send: Any) -> None:
    """`flood N` sends N messages of 32 KiB, anything else comes back."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text") or ""
        if text.startswith("flood "):
            for _ in range(int(text.split()[1])):
                await send({"type": "websocket.send", "text": "x" * 32768})
        else:
            await send({"type": "websocket.send", "text": text})


if __name__ == "__main__":
    if "--proxy" in sys.argv:
        sys.exit(launcher.run(application, endpoint=f"tcp:port={sys.argv[1]}:interface=127.0.0.1", behind_proxy=True))
    sys.exit(launcher.run(application, endpoint=f"tcp:port={sys.argv[1]}:interface=127.0.0.1"))

"""The server that `mediarelay` measures: stock `RTCPeerConnection`s and a `MediaRelay`, told what to do on stdin."""

from __future__ import annotations

import asyncio
import json
import sys

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay


async def main() -> None:
    """Answers each line of JSON (`room`, `peer`, `sdp`, and `want` of a viewer) with `{"sdp"}`, until stdin ends."""
    relay, cameras, connections = MediaRelay(), dict[str, MediaStreamTrack](), list[RTCPeerConnection]()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connections.append(connection)

        def on_track(track: MediaStreamTrack, peer: str = asked["peer"]) -> None:
            if track.kind == "video":
                cameras[peer] = track

        connection.on("track", on_track)
        await connection.setRemoteDescription(RTCSessionDescription(asked["sdp"], "offer"))
        for peer in asked.get("want", []):
            connection.addTrack(relay.subscribe(cameras[peer], buffered=False))
        await connection.setLocalDescription(await connection.createAnswer())
        print(json.dumps({"sdp": connection.localDescription.sdp}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())

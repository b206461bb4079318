"""Chromium as a participant: a page that negotiates as docs/media.md describes, driven from the test."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Browser, Page, sync_playwright

from relay.bench.process import RelayProcess, running_relay
from relay.bench.site import SiteEnd, site_end
from tests.browser.people import CHROMIUM
from tests.browser.people import FLAGS as MEDIA_FLAGS
from tests.net.proxy import Proxy
from tests.relay.conftest import SECRET

T = TypeVar("T")

FLAGS = [*MEDIA_FLAGS, "--autoplay-policy=no-user-gesture-required"]

CUSHION = Path(__file__).resolve().parents[2] / "static" / "js" / "room" / "cushion.js"
PAGE = b"""<!doctype html><meta charset="utf-8"><title>relay test</title><body>
<script type="module">
import { Cushion } from "/cushion.js";
new Cushion(() => window.pcs.sub ?? null);
</script>
<script>
const configuration = {iceServers: [], bundlePolicy: "max-bundle"};
const pcs = window.pcs = {}, errors = {};
async function localCandidate(name) {
  const rows = [...(await pcs[name].getStats()).values()];
  const chosen = rows.find((row) => row.type === "transport")?.selectedCandidatePairId;
  const pair = rows.find((row) => row.id === chosen);
  return pair ? rows.find((row) => row.id === pair.localCandidateId) : null;
}
async function offerOf(pc, options) {
  await pc.setLocalDescription(await pc.createOffer(options));
  return pc.localDescription.sdp;
}
const layered = [["q", 4, 150_000], ["h", 2, 500_000], ["f", 1, 1_500_000]].map(
  ([rid, scaleResolutionDownBy, maxBitrate]) => ({rid, scaleResolutionDownBy, maxBitrate}));
async function publish([size, layers]) {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: size || {width: 640, height: 480}});
  const pc = pcs.pub = new RTCPeerConnection(configuration);
  errors.pub = [];
  pc.onicecandidateerror = event => errors.pub.push(event.errorCode);
  const named = stream.getTracks().map(track => {
    const sendEncodings = layers && track.kind === "video" ? layered : [{}];
    const transceiver = pc.addTransceiver(track, {direction: "sendonly", streams: [stream], sendEncodings});
    return [transceiver, track.kind === "audio" ? "mic" : "camera"];
  });
  const sdp = await offerOf(pc);
  return {sdp, tracks: named.map(([transceiver, source]) => ({mid: transceiver.mid, source}))};
}
async function publishLayers(sources) {
  const pc = pcs.pub = new RTCPeerConnection(configuration);
  const named = [];
  for (const source of sources) {
    const stream = await navigator.mediaDevices.getUserMedia({video: {width: 960, height: 540}});
    const [track] = stream.getVideoTracks();
    if (source === "clinical") track.contentHint = "detail";
    named.push([pc.addTransceiver(track, {direction: "sendonly", streams: [stream], sendEncodings: layered}), source]);
  }
  const sdp = await offerOf(pc);
  return {sdp, tracks: named.map(([transceiver, source]) => ({mid: transceiver.mid, source}))};
}
async function share() {
  const canvas = document.body.appendChild(document.createElement("canvas"));
  canvas.width = 320; canvas.height = 240;
  const ink = canvas.getContext("2d");
  setInterval(() => { ink.fillStyle = `hsl(${Date.now() / 10 % 360} 80% 50%)`; ink.fillRect(0, 0, 320, 240); }, 50);
  const track = canvas.captureStream(20).getVideoTracks()[0];
  window.screenTransceiver = pcs.pub.addTransceiver(track, {direction: "sendonly"});
  const sdp = await offerOf(pcs.pub);
  return {sdp, mid: screenTransceiver.mid};
}
async function unshare() { screenTransceiver.stop(); return await offerOf(pcs.pub); }
async function subscribe(tracks) {
  const pc = pcs.sub = pcs.sub || new RTCPeerConnection(configuration);
  pc.ontrack = event => {
    const element = document.body.appendChild(document.createElement(event.track.kind));
    element.autoplay = true; element.srcObject = new MediaStream([event.track]);
  };
  const named = tracks.map(track => [pc.addTransceiver(track.kind, {direction: "recvonly"}), track.id]);
  const sdp = await offerOf(pc);
  return {sdp, want: Object.fromEntries(named.map(([transceiver, id]) => [transceiver.mid, id]))};
}
function onlyCodec(name, mimeType) {
  for (const transceiver of pcs[name].getTransceivers()) {
    const {codecs} = RTCRtpReceiver.getCapabilities(transceiver.receiver.track.kind);
    const wanted = codecs.filter(codec => [mimeType, "video/rtx"].includes(codec.mimeType));
    if (transceiver.receiver.track.kind === "video") transceiver.setCodecPreferences(wanted);
  }
}
async function renew(name) { return await offerOf(pcs[name]); }
async function codecsOf(name) {
  const report = await pcs[name].getStats();
  return [...report.values()].filter(row => ["inbound-rtp", "outbound-rtp"].includes(row.type) && row.codecId)
    .map(row => report.get(row.codecId).mimeType);
}
async function restart(name) { return await offerOf(pcs[name], {iceRestart: true}); }
async function answer(name, sdp) { await pcs[name].setRemoteDescription({type: "answer", sdp}); }
async function stats(name) {
  const found = [];
  for (const entry of (await pcs[name].getStats()).values()) {
    if (entry.type === "inbound-rtp" || entry.type === "outbound-rtp" || entry.type === "remote-inbound-rtp"
        || entry.type === "candidate-pair") found.push(entry);
  }
  return found;
}
</script>"""


class Background:
    """An event loop in a thread of its own: Playwright's synchronous interface wants this one free."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T], within: float = 30) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(within)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """The page, or what the room's own page does on a lossy line."""
        script = self.path == "/cushion.js"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(CUSHION.read_bytes() if script else PAGE)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served_page() -> Iterator[str]:
    """The page's address; 127.0.0.1 may use the camera without TLS."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


class Guest:
    """A browser page in a room."""

    def __init__(
        self, background: Background, site: SiteEnd, page: Page, room: str, peer: str, proxy: Proxy | None = None
    ) -> None:
        self._background, self._site, self.page = background, site, page
        self.room, self.peer, self.proxy = room, peer, proxy

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        return self._background.run(self._site.ask(kind, room=self.room, peer=self.peer, **fields))

    def join(self) -> dict[str, Any]:
        return self.ask("join", username="doctor", mic=True, cam=True)

    def negotiate(self, pc: str, sdp: str, **fields: Any) -> str:
        answer = str(self.ask("offer", pc=pc, sdp=sdp, **fields)["sdp"])
        if self.proxy is not None:
            answer = self.proxy.place(answer)
        self.page.evaluate("([name, sdp]) => answer(name, sdp)", [pc, answer])
        return answer

    def publish(self, size: dict[str, int] | None = None, layers: bool = False) -> list[dict[str, str]]:
        """Microphone and camera, that one in three sizes when `layers`."""
        offered = self.page.evaluate("how => publish(how)", [size, layers])
        self.negotiate("pub", offered["sdp"], tracks=offered["tracks"])
        return list(offered["tracks"])

    def publish_layers(self, sources: list[str]) -> list[dict[str, str]]:
        """Publishes cameras, each in three sizes."""
        offered = self.page.evaluate("sources => publishLayers(sources)", sources)
        self.negotiate("pub", offered["sdp"], tracks=offered["tracks"])
        return list(offered["tracks"])

    def subscribe(self, tracks: list[dict[str, str]], known: dict[str, str] | None = None) -> dict[str, str]:
        offered = self.page.evaluate("tracks => subscribe(tracks)", tracks)
        want = {**(known or {}), **offered["want"]}
        self.negotiate("sub", offered["sdp"], want=want)
        return want

    def restart(self, pc: str, **fields: Any) -> str:
        sdp = str(self.page.evaluate("name => restart(name)", pc))
        return self.negotiate(pc, sdp, **fields)

    def stats(self, pc: str, type_: str, kind: str) -> list[dict[str, Any]]:
        entries = self.page.evaluate("name => stats(name)", pc)
        found = [entry for entry in entries if entry["type"] == type_ and entry.get("kind") == kind]
        return sorted(found, key=lambda entry: int(entry.get("mid", 0)))

    def frames(self) -> list[int]:
        """Frames decoded so far, for each video received."""
        return [entry.get("framesDecoded", 0) for entry in self.stats("sub", "inbound-rtp", "video")]

    def energy(self) -> list[float]:
        """Sound energy received so far, for each audio track."""
        return [entry.get("totalAudioEnergy", 0.0) for entry in self.stats("sub", "inbound-rtp", "audio")]


def until(holds: Callable[[], bool], within: float = 20) -> None:
    """Waits until `holds()`."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


class BrowserStage:
    """A relay, the site's end, and a Chromium."""

    def __init__(self, background: Background, site: SiteEnd, relay: RelayProcess, browser: Browser, url: str) -> None:
        self.background, self.site, self.relay = background, site, relay
        self._browser, self.url = browser, url

    def guest(self, room: str, peer: str, proxy: Proxy | None = None) -> Guest:
        """Somebody with a page of their own; `proxy` is their network."""
        page = self._browser.new_context(permissions=["camera", "microphone"]).new_page()
        page.goto(self.url)
        return Guest(self.background, self.site, page, room, peer, proxy)

    def tracks(self, room: str, count: int, besides: str) -> list[dict[str, str]]:
        """The tracks of `room` once there are `count`, without those of `besides`."""

        def newest() -> list[dict[str, str]]:
            rooms = [e for e in self.site.events if e["t"] == "room" and e["room"] == room]
            return list(rooms[-1]["tracks"]) if rooms else []

        until(lambda: len(newest()) == count)
        return [track for track in newest() if track["peer"] != besides]


@contextmanager
def browser_stage(**env: str) -> Iterator[BrowserStage]:
    """A relay with `env`, and a Chromium."""
    background = Background()
    stack = contextlib.AsyncExitStack()
    try:
        site, port = background.run(stack.enter_async_context(site_end(SECRET)))
        relay = background.run(stack.enter_async_context(running_relay(port, SECRET, **env)))
        background.run(site.connected())
        with chromium() as browser, served_page() as url:
            yield BrowserStage(background, site, relay, browser, url)
    finally:
        background.run(stack.aclose())
        background.stop()

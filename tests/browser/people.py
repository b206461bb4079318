"""Chromium profiles, one a person, and looking into their peer connections."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "telemed-demo"
ARTIFACTS = Path(__file__).resolve().parents[2] / "test-artifacts"
# Every peer connection of the page, for its statistics.
REMEMBER_CONNECTIONS = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); window.connections.push(this); }
};
"""
RECEIVED = """async () => {
  const sum = {frames: 0, energy: 0, bytes: 0};
  for (const pc of window.connections) {
    if (pc.connectionState === "closed") continue;
    for (const row of (await pc.getStats()).values()) {
      if (row.type !== "inbound-rtp") continue;
      sum.frames += row.framesDecoded ?? 0;
      sum.energy += row.totalAudioEnergy ?? 0;
      sum.bytes += row.bytesReceived ?? 0;
    }
  }
  return sum;
}"""
VIDEO = """async () => {
  const wanted = ["rid", "frameHeight", "framesPerSecond", "framesDecoded", "targetBitrate", "bytesSent",
    "bytesReceived", "packetsLost", "qualityLimitationReason", "pliCount", "availableOutgoingBitrate"];
  const rows = [];
  for (const pc of window.connections) {
    if (pc.connectionState === "closed") continue;
    for (const row of (await pc.getStats()).values()) {
      if (row.kind !== "video" && !row.nominated) continue;
      rows.push([row.type, ...wanted.filter(key => row[key] !== undefined).map(key => `${key}=${row[key]}`)].join(" "));
    }
  }
  return rows.sort();
}"""
# What the browser says when a server is gone, which the tests do to it on purpose.
EXPECTED = (
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "WebSocket connection",
)


def eventually(question: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    """The first true answer, or an AssertionError that says what did not happen. The CSP forbids wait_for_function."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.1)
    return answer


@dataclass
class Person:
    """One signed-in profile."""

    username: str
    url: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def sign_in(self) -> None:
        self.go("/accounts/login/")
        self.page.fill("[name=username]", self.username)
        self.page.fill("[name=password]", PASSWORD)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url(lambda url: "login" not in url)

    @property
    def name(self) -> str:
        """As the top bar greets them."""
        return self.page.locator(".account-name").inner_text()

    def let_move_camera(self) -> None:
        """Answer the browser's own question whether this site may move the camera."""
        target = self.context.new_cdp_session(self.page).send("Target.getTargetInfo")["targetInfo"]
        where = {"setting": "granted", "origin": self.url, "browserContextId": target["browserContextId"]}
        assert self.context.browser
        session = self.context.browser.new_browser_cdp_session()
        for permission in ({"name": "camera"}, {"name": "microphone"}, {"name": "camera", "panTiltZoom": True}):
            session.send("Browser.setPermission", {"permission": permission, **where})

    def shot(self, name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")

    def sees(self, text: str, seconds: float = 20) -> None:
        self.page.get_by_text(text).locator("visible=true").first.wait_for(timeout=seconds * 1000)

    def received(self) -> dict[str, float]:
        """Frames decoded, audio energy and bytes so far, over all connections of the page."""
        return dict(self.page.evaluate(RECEIVED))

    def video(self) -> str:
        """What this browser says of the pictures it sends and gets: for who reads why a test failed."""
        return "\n".join(self.page.evaluate(VIDEO))


@contextlib.contextmanager
def profiles(playwright: Playwright) -> Iterator[Callable[[str, str], Person]]:
    """`meet(username, url)` opens a browser of its own for that person and signs in; two never share anything."""
    browsers: list[Browser] = []
    met: list[Person] = []

    def meet(
        username: str, url: str, *, devices: bool = True, cameras: int = 1, program: str = CHROMIUM, **options: Any
    ) -> Person:
        """`devices=False`: the browser refuses camera and microphone. `program` starts it."""
        flags = [
            f"{flag}=device-count={cameras}" if flag.endswith("-device-for-media-stream") else flag for flag in FLAGS
        ]
        if not devices:
            flags = [*(flag for flag in FLAGS if "fake" not in flag), "--deny-permission-prompts"]
        if not url.startswith("http://127.0.0.1:"):
            flags = [*flags, f"--unsafely-treat-insecure-origin-as-secure={url}"]  # camera and microphone without TLS
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        browsers.append(browser)
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, "locale": "en-US", "accept_downloads": True, **options}
        )
        context.add_init_script(REMEMBER_CONNECTIONS)
        person = Person(username, url, context, context.new_page())
        person.page.on("console", lambda message: _note(person, message))
        person.page.on("pageerror", lambda error: person.complaints.append(f"{username}: {error}"))
        met.append(person)
        person.sign_in()
        return person

    try:
        yield meet
    finally:
        for person in met:
            person.shot(f"last-{person.username}")
            print(person.page.url, person.video(), *person.complaints, sep="\n")  # shown when the test failed
        for browser in browsers:
            browser.close()


def _note(person: Person, message: ConsoleMessage) -> None:
    if message.type == "error" and not any(word in message.text for word in EXPECTED):
        person.complaints.append(f"{person.username}: {message.text}")

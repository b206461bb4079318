"""Debian's Firefox as a participant, driven over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/)."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

FIREFOX = "/usr/bin/firefox-esr"
PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.gmp-manager.updateEnabled": False,
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "http://127.0.0.1:1/",
    "browser.shell.checkDefaultBrowser": False,
}
_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


class FirefoxPage:
    """One tab; `evaluate` as Playwright's, for expressions that give what JSON can carry."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._context = ""

    def open(self, url: str) -> None:
        self._ask("session.new", capabilities={})
        self._context = self._ask("browsingContext.getTree")["contexts"][0]["context"]
        self._ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        body = f"""async (text) => {{
            const found = ({expression});
            const result = typeof found === "function" ? found(JSON.parse(text)) : found;
            return JSON.stringify((await result) ?? null);
        }}"""
        answer = self._ask(
            "script.callFunction",
            functionDeclaration=body,
            arguments=[{"type": "string", "value": json.dumps(argument)}],
            awaitPromise=True,
            target={"context": self._context},
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        request = next(self._ids)
        self._socket.send(json.dumps({"id": request, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=30))
            if message.get("id") == request:
                assert message["type"] == "success", message
                result: dict[str, Any] = message["result"]
                return result


@contextmanager
def firefox(url: str) -> Iterator[FirefoxPage]:
    """A Firefox with a fresh profile, a fake camera and microphone, and one tab at `url`."""
    with tempfile.TemporaryDirectory() as profile:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        Path(profile, "user.js").write_text("\n".join(lines))
        arguments = [FIREFOX, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        process = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            with connect(_address(process) + "/session", proxy=None, max_size=1 << 24) as socket:
                page = FirefoxPage(socket)
                page.open(url)
                yield page
        finally:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if found := _LISTENING.search(line):
            return found[1]
    raise RuntimeError("firefox did not start: " + "".join(said)[-2000:])

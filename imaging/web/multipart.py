"""multipart/related (RFC 2387, RFC 2046 section 5.1) read part by part while it arrives, and written."""

import re
from collections.abc import Callable, Iterator
from email.message import Message

from django.utils.translation import gettext as _

from consult.errors import Refusal

BLOCK = 256 * 1024
MOST_HEADERS = 8 * 1024
MOST_EPILOGUE = 64 * 1024
BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


class Malformed(Refusal):
    """The request is not what its type says."""

    status = 400


def malformed(what: str) -> Malformed:
    return Malformed("malformed", f"{_('This upload was not understood.')} ({what})")


def parameters(content_type: str) -> tuple[str, dict[str, str]]:
    """Media type and parameters of a Content-Type or one item of Accept, names and type in lower case."""
    message = Message()
    message["Content-Type"] = content_type
    pairs = message.get_params(failobj=[])
    kind = pairs[0][0].strip().lower() if pairs else ""
    return kind, {name.lower(): str(value) for name, value in pairs[1:]}


class Parts:
    """Iterates over (Content-Type, pieces): the pieces of a part are to be taken before the next part."""

    def __init__(self, read: Callable[[int], bytes], boundary: str) -> None:
        if not BOUNDARY.fullmatch(boundary):
            raise malformed("boundary")
        self._read = read
        self._mark = b"\r\n--" + boundary.encode()
        self._held = b"\r\n"  # the first mark may stand at the very beginning

    def __iter__(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        for _piece in self._until_mark():
            pass  # a preamble means nothing
        while self._is_another():
            content_type = self._headers()
            pieces = self._until_mark()
            yield content_type, pieces
            for _piece in pieces:
                pass

    def _until_mark(self) -> Iterator[bytes]:
        reserve = len(self._mark) - 1
        while True:
            at = self._held.find(self._mark)
            if at >= 0:
                piece, self._held = self._held[:at], self._held[at + len(self._mark) :]
                if piece:
                    yield piece
                return
            if len(self._held) > reserve:
                piece, self._held = self._held[:-reserve], self._held[-reserve:]
                yield piece
            self._more()

    def _more(self) -> None:
        came = self._read(BLOCK)
        if not came:
            raise malformed("cut short")
        self._held += came

    def _is_another(self) -> bool:
        """After a mark: `--` is the end, a line break begins a part."""
        while len(self._held) < 2:
            self._more()
        if not self._held.startswith(b"--"):
            return True
        rest = len(self._held)
        while came := self._read(BLOCK):
            rest += len(came)
            if rest > MOST_EPILOGUE:
                raise malformed("epilogue")
        return False

    def _headers(self) -> str:
        """Take the headers of a part; its Content-Type."""
        while (end := self._held.find(b"\r\n\r\n")) < 0 or end > MOST_HEADERS:
            if len(self._held) > MOST_HEADERS:
                raise malformed("headers of a part")
            self._more()
        lines, self._held = self._held[:end], self._held[end + 4 :]
        for line in lines.decode("latin1").split("\r\n"):
            name, _colon, value = line.partition(":")
            if name.strip().lower() == "content-type":
                return value.strip()
        return ""

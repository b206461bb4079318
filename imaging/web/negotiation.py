"""Which of the forms we have is asked for (PS3.18 sections 8.3.3 and 8.7.4; RFC 9110 section 12.5.1)."""

from dataclasses import dataclass

from django.http import HttpRequest

from consult.errors import Refusal
from imaging.web.multipart import malformed, parameters

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
JPEG = "image/jpeg"


class NotAcceptable(Refusal):
    """None of the asked media types can be made."""

    status = 406


@dataclass(frozen=True, slots=True)
class Wish:
    """One acceptable form: `kind` is that of the parts when `is_multipart`; `syntax` is "", "*" or a UID."""

    kind: str
    is_multipart: bool
    syntax: str


def wishes(request: HttpRequest) -> list[Wish]:
    """Best first; anything when nothing is said. The query parameter `accept` wins over the header."""
    header = request.GET.get("accept") or request.headers.get("Accept") or "*/*"
    found = []
    for item in _items(header):
        kind, said = parameters(item)
        try:
            quality = float(said.get("q", "1"))
        except ValueError:
            raise malformed("Accept") from None
        is_multipart = kind == "multipart/related"
        wish = Wish(
            said.get("type", "*/*").lower() if is_multipart else kind, is_multipart, said.get("transfer-syntax", "")
        )
        found.append((quality, wish))
    found.sort(key=lambda pair: -pair[0])
    return [wish for quality, wish in found if quality > 0]


def _items(header: str) -> list[str]:
    """Split at commas outside quotes."""
    items, quoted = [""], False
    for letter in header[:4000]:
        quoted ^= letter == '"'
        if letter == "," and not quoted:
            items.append("")
        else:
            items[-1] += letter
    return [item.strip() for item in items if item.strip()]


def chosen(request: HttpRequest, kinds: tuple[str, ...]) -> str:
    """The first of `kinds` that is accepted, in the order of the wishes. Raises NotAcceptable."""
    for wish in wishes(request):
        for kind in kinds:
            if wish.kind in (kind, "*/*", f"{kind.split('/')[0]}/*"):
                return kind
    raise NotAcceptable("not_acceptable", ", ".join(kinds))

"""Reads how a frame is wanted out of a query: finite, within bounds, or refused."""

import math
import re

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from consult.errors import Refusal
from imaging.models import Image
from imaging.raster.window import LIMIT
from imaging.services.key import Turned
from imaging.services.rendering import Look

SIDES = (64, 4096)


def look(request: HttpRequest, image: Image) -> Look:
    """Raises Refusal `bad_view` for anything but sensible numbers and names."""
    asked = request.GET
    preset = asked.get("preset", "")
    if not re.fullmatch(r"[a-z0-9]{0,20}", preset):
        raise _bad()
    center, width = _number(asked.get("center")), _number(asked.get("width"))
    if (center is None) != (width is None) or (width is not None and width <= 0):
        raise _bad()
    largest = asked.get("max", "0")
    if not re.fullmatch(r"[0-9]{1,5}", largest):
        raise _bad()
    side = min(max(int(largest), SIDES[0]), SIDES[1]) if int(largest) else 0
    return Look(preset=preset, center=center, width=width, largest=side, region=_region(asked.get("region", ""), image))


def _region(text: str, image: Image) -> tuple[int, int, int, int] | None:
    """`left,top,width,height` within a slide; what other images are asked for is all of it."""
    if not text or not image.has_tiles:
        return None
    if not re.fullmatch(r"[0-9]{1,7}(,[0-9]{1,7}){3}", text):
        raise _bad()
    left, top, width, height = (int(each) for each in text.split(","))
    if not (width and height and left + width <= image.width and top + height <= image.height):
        raise _bad()
    return left, top, width, height


def turned(request: HttpRequest) -> Turned:
    """Which way up: `turn` in quarters clockwise, after `flip`; and `invert`."""
    asked = request.GET
    turn = asked.get("turn", "0")
    if turn not in ("0", "1", "2", "3"):
        raise Http404
    return Turned(int(turn), asked.get("flip") == "1", asked.get("invert") == "1")


def _number(text: str | None) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        raise _bad() from None
    if not math.isfinite(number) or abs(number) > LIMIT:
        raise _bad()
    return number


def _bad() -> Refusal:
    return Refusal("bad_view", _("This view cannot be shown. Reset it."))

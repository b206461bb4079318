"""A window dragged in a real browser: what is on the screen against what the site draws."""

import base64
import io
import re

import numpy as np
from django.test import Client
from PIL import Image as Picture
from playwright.sync_api import Locator, Page

from imaging.models import Image
from tests.browser.people import eventually
from tests.windows import apart


def drawn_here_as_on_the_site(page: Page, view: Locator, image: Image, reader: Client) -> None:
    """A window that is dragged: once the values are in the page the site is asked no more, and it looks the same."""
    place = view.bounding_box()
    assert place
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    with page.expect_response(f"**/images/{image.pk}/frames/0/values/"):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 30, y + 20, steps=4)
    page.route(f"**/images/{image.pk}/frames/0/?*", lambda route: route.abort())
    page.mouse.move(x - 120, y + 60, steps=6)
    page.mouse.up()

    def alike() -> bool:
        """The screen and the site's picture of the window that the words name, within a grey level."""
        width, center = re.findall(r"W ([0-9]+) L (-?[0-9]+)", page.locator("[data-overlay-br]").inner_text())[0]
        assert int(width) < 1600
        url = f"/images/{image.pk}/frames/0/?center={center}&width={width}"
        drawn = page.evaluate("document.querySelector('.viewport canvas').toDataURL()").partition(",")[2]
        ours, theirs = (
            np.asarray(Picture.open(io.BytesIO(data)).convert("L"), int)
            for data in (base64.b64decode(drawn), apart(lambda: reader.get(url).content))
        )
        return ours.shape == theirs.shape and int(np.abs(ours - theirs).max()) <= 1

    eventually(alike, "the frame under the dragged window")

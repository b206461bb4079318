"""Real sites, real browsers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom.data
import pytest
from PIL import Image
from playwright.sync_api import Playwright, expect, sync_playwright

from tests.browser.people import Person, profiles

expect.set_options(timeout=20_000)  # ms; a busy machine is no fault


@pytest.fixture(scope="module")
def playwright_engine() -> Iterator[Playwright]:
    """One a module: a second engine cannot start while this one runs, and other folders have their own."""
    with sync_playwright() as engine:
        yield engine


@pytest.fixture
def meet(playwright_engine: Playwright) -> Iterator[Callable[..., Person]]:
    with profiles(playwright_engine) as opened:
        yield opened


@pytest.fixture
def ct() -> Path:
    return Path(pydicom.data.get_testdata_file("CT_small.dcm"))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "wound.jpg"
    Image.effect_noise((1200, 900), 60).convert("RGB").save(path, quality=88)
    return path

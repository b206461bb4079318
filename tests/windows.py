"""Chromium on Django's live server: signed-in windows that fail on a script error or a violated policy."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import Browser, Page, sync_playwright

from consult.models import User
from tests.browser.people import CHROMIUM
from tests.consult.pages.browsers import browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright's loop runs in this thread
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@contextmanager
def windows(
    chromium: Browser, live_server: Any, user: User, *, count: int = 1, width: int = 1280, script: str = "", **how: Any
) -> Iterator[list[Page]]:
    """`count` windows of one person's profile, each beginning with `script`."""
    cookie = browser(user).cookies[settings.SESSION_COOKIE_NAME].value
    size: Any = {"width": width, "height": 800}
    context = chromium.new_context(locale="en-US", viewport=size, base_url=live_server.url, **how)
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    if script:
        context.add_init_script(script)
    problems: list[str] = []
    pages = [context.new_page() for _ in range(count)]
    for page in pages:
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: problems.append(line.text) if "Content Security Policy" in line.text else None)
    yield pages
    context.close()
    assert problems == []


def apart(act: Callable[[], Any]) -> Any:
    """Run in a thread without playwright's loop, where news can be sent."""

    def run() -> Any:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()

"""The laboratory's own runner."""

from __future__ import annotations

import gc

import aioice.ice
import pytest

from tests.net.__main__ import measured, table
from tests.net.scenarios import Scenario, Step

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.lab]


def test_a_network_that_cannot_be_measured_does_not_take_the_next_one_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    broken = Scenario("broken", 1, (Step(0, "nobody"),), settle=0)
    whole = Scenario("whole", 3, settle=0)
    rows = list(measured([broken, whole], seed=1))
    gc.collect()  # Playwright's unfinished greenlets, now: collected while pytest compiles something they break that
    assert [row["scenario"] for row in rows] == ["broken", "whole"]
    assert rows[0]["failed"] == "KeyError: 'nobody'"
    assert rows[1]["frames_per_s"] > 0
    assert "failed" not in rows[1]
    assert table(rows[1:]).splitlines()[2].startswith("| whole |")

"""How fast losses are repaired, by the relay's own code in virtual time: the same on any machine."""

from __future__ import annotations

import pytest

from tests.net.line import Line
from tests.net.virtual import VirtualCall

SECONDS = 60
BUFFER = 0.18
"""What Chromium keeps of pictures at 80 ms once it knows its round trip time: that, and its own jitter."""


@pytest.mark.parametrize(("rate", "packets"), [(20, 3), (30, 6)])
def test_five_percent_at_80_ms_freezes_less_than_one_percent(rate: int, packets: int) -> None:
    calls = [VirtualCall(Line(loss=0.05, delay=0.04), rate, packets, seed) for seed in (1, 101, 201)]
    for call in calls:
        call.run(SECONDS)
    assert sum(call.frozen(BUFFER) for call in calls) / len(calls) < 0.01
    # Only the last picture may be waiting still: nothing was given up.
    assert all(len(call.viewer.whole) >= SECONDS * rate - 1 for call in calls)


def test_repeats_stay_near_what_is_lost() -> None:
    call = VirtualCall(Line(loss=0.05, delay=0.04))
    call.run(SECONDS)
    assert call.publisher.repeats / len(call.publisher.sent) < 0.08
    assert call.out.resends / call.out.packets < 0.15


def test_without_loss_nothing_is_repeated_and_nothing_freezes() -> None:
    call = VirtualCall(Line(delay=0.04))
    call.run(5)
    assert (call.publisher.repeats, call.out.resends, call.frozen(0.0)) == (0, 0, 0.0)

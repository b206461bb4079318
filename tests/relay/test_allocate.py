"""Who gets what of a viewer's line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.allocate import (
    CLINICAL,
    HOLD,
    HOLD_NOTHING,
    OTHERS,
    SLACK,
    SOUND,
    SPEAKER,
    Allocator,
    Demand,
    Layer,
    allocate,
)

LAYERS = (Layer(150_000, 180), Layer(500_000, 360), Layer(1_500_000, 720))
VOICE = Demand("voice", SOUND, (Layer(70_000, 0),), 0)
PROBE = Demand("ultrasound", CLINICAL, LAYERS, 2)
SPEAKING = Demand("speaker", SPEAKER, LAYERS, 2)
OTHER = Demand("other", OTHERS, LAYERS, 2)
ALL = [OTHER, SPEAKING, PROBE, VOICE]


@pytest.mark.parametrize(
    ("budget", "voice", "ultrasound", "speaker", "other"),
    [
        (20_000, 0, None, None, None),
        (100_000, 0, None, None, None),
        (300_000, 0, 0, None, None),
        (700_000, 0, 1, None, None),
        (900_000, 0, 1, 0, None),
        (1_100_000, 0, 1, 0, 0),
        (2_300_000, 0, 2, 0, 0),
        (2_700_000, 0, 2, 1, 0),
        (3_900_000, 0, 2, 2, 0),
        (5_500_000, 0, 2, 2, 2),
    ],
)
def test_the_more_important_first(
    budget: float, voice: int, ultrasound: int | None, speaker: int | None, other: int | None
) -> None:
    found = allocate(budget, ALL, {})
    assert found.layers == {"voice": voice, "ultrasound": ultrasound, "speaker": speaker, "other": other}
    assert found.paused == {name for name, layer in found.layers.items() if layer is None}


def test_nothing_is_given_to_who_is_not_seen_and_nothing_above_what_is_wanted() -> None:
    unseen = Demand("unseen", OTHERS, LAYERS, None)
    small = Demand("small", SPEAKER, LAYERS, 1)
    found = allocate(10_000_000, [unseen, small], {})
    assert found.layers == {"unseen": None, "small": 1}
    assert found.paused == frozenset()
    assert found.needed == 0


def test_what_is_missing_is_told() -> None:
    found = allocate(300_000, [VOICE, SPEAKING], {})
    assert found.layers["speaker"] == 0
    assert found.needed == pytest.approx((70_000 + 500_000) * 1.15)


def test_what_one_has_is_kept_without_margin() -> None:
    cost = 70_000 + 500_000
    assert allocate(cost, [VOICE, SPEAKING], {}).layers["speaker"] == 0
    assert allocate(cost, [VOICE, SPEAKING], {"speaker": 1}).layers["speaker"] == 1
    assert allocate(cost * SLACK + 1, [VOICE, SPEAKING], {"speaker": 1}).layers["speaker"] == 1
    assert allocate(cost * SLACK - 1, [VOICE, SPEAKING], {"speaker": 1}).layers["speaker"] == 0


def test_who_got_less_gets_no_more_for_a_while() -> None:
    allocator = Allocator()
    assert allocator.divide(1_000_000, [SPEAKING], 0.0).layers == {"speaker": 1}
    assert allocator.divide(100_000, [SPEAKING], 1.0).paused == {"speaker"}
    assert allocator.divide(1_000_000, [SPEAKING], 1.0 + HOLD_NOTHING / 2).paused == {"speaker"}
    assert allocator.divide(1_000_000, [SPEAKING], 1.1 + HOLD_NOTHING).layers == {"speaker": 0}
    assert allocator.divide(1_000_000, [SPEAKING], 0.9 + HOLD).layers == {"speaker": 0}
    assert allocator.divide(1_000_000, [SPEAKING], 1.1 + HOLD).layers == {"speaker": 1}


DEMANDS = st.lists(
    st.builds(
        Demand,
        id=st.integers(0, 10**9).map(str),
        rank=st.sampled_from([CLINICAL, SPEAKER, OTHERS]),
        layers=st.lists(st.floats(1000, 5e6), min_size=1, max_size=3).map(
            lambda rates: tuple(Layer(rate, 180 << i) for i, rate in enumerate(sorted(rates)))
        ),
        wanted=st.one_of(st.none(), st.just(0)),
    ),
    max_size=8,
    unique_by=lambda demand: demand.id,
)


@given(DEMANDS, st.floats(0, 2e7))
@settings(max_examples=150, deadline=None)
def test_pictures_never_take_more_than_there_is(demands: list[Demand], budget: float) -> None:
    found = allocate(budget, demands, {})
    used = sum(d.layers[layer].bitrate for d in demands if (layer := found.layers[d.id]) is not None)
    assert used <= budget

"""The bad network does what its table says: what is lost, late, overtaken, slow."""

from __future__ import annotations

import itertools

import pytest

from tests.net.line import IP_AND_UDP, Line, Link


def outs(line: Line, count: int, seed: int = 1, every: float = 0.001, size: int = 1000) -> list[float | None]:
    """When each of `count` datagrams comes out, one sent `every` seconds from 0 on."""
    link = Link(line, seed)
    return [link.departure(size, position * every) for position in range(count)]


def test_an_untouched_line_changes_nothing() -> None:
    assert outs(Line(), 3) == [0, 0.001, 0.002]


def test_a_seed_decides_every_loss() -> None:
    line = Line(loss=0.1, jitter=0.01)
    assert outs(line, 500, seed=7) == outs(line, 500, seed=7)
    assert outs(line, 500, seed=7) != outs(line, 500, seed=8)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_independent_loss_is_the_share_asked_for(share: float) -> None:
    assert outs(Line(loss=share), 20000).count(None) / 20000 == pytest.approx(share, rel=0.15)


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_bursts_have_the_share_and_the_length_asked_for(share: float) -> None:
    came = [out is not None for out in outs(Line(burst=share, burst_length=8), 100_000)]
    bursts = [len(list(run)) for passed, run in itertools.groupby(came) if not passed]
    assert came.count(False) / 100_000 == pytest.approx(share, rel=0.2)
    assert sum(bursts) / len(bursts) == pytest.approx(8, rel=0.15)


def test_delay_and_jitter_keep_the_order() -> None:
    came = [out for out in outs(Line(delay=0.04, jitter=0.03), 1000) if out is not None]
    assert came == sorted(came)
    late = [out - position * 0.001 for position, out in enumerate(came)]
    assert min(late) >= 0.04
    assert max(late) <= 0.07 + 0.001
    assert max(late) - min(late) > 0.01


def test_the_share_asked_for_is_overtaken() -> None:
    came = [out for out in outs(Line(delay=0.01, reorder=0.1), 5000) if out is not None]
    assert sum(1 for this, after in itertools.pairwise(came) if after < this) / 5000 == pytest.approx(0.1, rel=0.25)


def test_a_rate_spaces_datagrams_and_its_queue_is_bounded() -> None:
    size = 1000
    each = (size + IP_AND_UDP) * 8 / 1e6
    came = outs(Line(rate=1e6, queue=0.1), 50, every=0.0, size=size)
    assert came[:3] == pytest.approx([each, 2 * each, 3 * each])
    through = [out for out in came if out is not None]
    assert max(through) <= 0.1 + 2 * each
    assert came.count(None) == 50 - len(through) > 0


def test_a_cut_line_lets_nothing_through_until_it_is_mended() -> None:
    link = Link(Line(cut=True), 1)
    assert [link.departure(100, 0.0), link.departure(100, 1.0)] == [None, None]
    link.line = Line()
    assert link.departure(100, 2.0) == 2.0
    assert (link.count.lost, link.count.passed) == (2, 1)

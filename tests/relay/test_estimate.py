"""The rate of a viewer's line, found over a simulated one: no waiting, the same every time."""

from __future__ import annotations

import itertools
import random

import pytest

from relay.allocate import CLINICAL, Demand, Layer
from relay.estimate import LOWEST, START, Estimator
from relay.native import Trend
from relay.probe import Prober
from tests.relay.fakes import Clock
from tests.relay.line import LADDER, TALK, Line, Viewer

FULL = LADDER[2].bitrate + TALK.bitrate
SCAN = (Layer(400_000, 270), Layer(1_200_000, 540), Layer(3_000_000, 1080))


def first_time(viewer: Viewer, layer: int, since: float) -> float:
    """Seconds after `since` at which the picture came in `layer`."""
    return next(at for at, layers in viewer.changes if at >= since and layers["face"] == layer) - since


def test_a_wide_line_is_found_within_a_second() -> None:
    clock = Clock()
    viewer = Viewer(clock, Line(clock, 10_000_000))
    clock.advance(1.0)
    assert viewer.layers["face"] == 2
    assert viewer.downlink.estimator.bitrate > FULL
    clock.advance(30.0)
    assert len(viewer.changes) == 3  # up the ladder, once


def test_a_line_that_falls_and_rises_again() -> None:
    """3 Mbit/s -> 500 kbit/s -> 3 Mbit/s: down within 3 s, no queue above 300 ms, up within 15 s."""
    clock = Clock()
    line = Line(clock, 3_000_000)
    viewer = Viewer(clock, line)
    clock.advance(10.0)
    assert viewer.layers["face"] == 2
    line.rate, fallen_at = 500_000, clock()
    clock.advance(3.0)
    assert viewer.downlink.estimator.bitrate < 500_000
    longest = 0.0
    for _ in range(540):
        clock.advance(0.05)
        longest = max(longest, line.queue)
    assert longest < 0.3
    assert first_time(viewer, 0, fallen_at) < 6
    assert viewer.layers["face"] == 0
    line.rate, risen_at = 3_000_000, clock()
    clock.advance(15.0)
    assert first_time(viewer, 2, risen_at) < 15
    assert viewer.layers["face"] == 2
    assert line.dropped == 0


@pytest.mark.parametrize("seed", [0, 2])
def test_busy_machines_are_not_a_slow_line(seed: int) -> None:
    """Relay, socket and page stand still for 20 to 150 ms a third of the time; the line carries whatever is sent."""
    clock = Clock()
    scan = Demand("scan", CLINICAL, SCAN, 2)
    viewer = Viewer(clock, Line(clock, 1e9, delay=0.001), [scan], stalls=0.15, seed=seed)
    clock.advance(10.0)
    assert viewer.layers["scan"] == 2
    changed = len(viewer.changes)
    clock.advance(40.0)
    assert (viewer.layers["scan"], len(viewer.changes)) == (2, changed)
    assert viewer.downlink.estimator.limited_at == float("-inf")


@pytest.mark.parametrize("seed", [0, 1])
def test_a_slow_line_is_found_between_busy_machines(seed: int) -> None:
    clock = Clock()
    line = Line(clock, 3_000_000)
    viewer = Viewer(clock, line, stalls=0.1, seed=seed)
    clock.advance(10.0)
    line.rate = 500_000
    clock.advance(3.0)
    assert viewer.downlink.estimator.bitrate < 600_000
    clock.advance(27.0)
    assert viewer.layers["face"] == 0
    line.rate = 3_000_000
    clock.advance(15.0)
    assert viewer.layers["face"] == 2


def test_a_queue_that_is_gone_faster_than_it_can_be_was_none() -> None:
    """Packets come 150 ms late for 0.4 s, and then in time again."""
    estimator, now, rates = Estimator(), 100.0, []
    for late in [0.0] * 20 + [0.15] * 4 + [0.0] * 2:
        now += 0.1
        sent = [now - 0.1 + number * 0.02 for number in range(5)]
        estimator.on_feedback([(at, 1200, at + late) for at in sent], 0, now + late, len(sent), 1200 * len(sent))
        rates.append(estimator.bitrate)
    assert min(rates[20:24]) < rates[19]
    assert rates[-1] >= rates[19]
    assert estimator.limited_at == float("-inf")


@pytest.mark.parametrize("stalls", [0.0, 0.03])
@pytest.mark.parametrize("longer", [0.05, 0.15, 0.3])
def test_a_longer_path_is_no_queue(longer: float, stalls: float) -> None:
    """A phone changes its cell: every packet takes so much longer from now on, and the line carries what it did."""
    clock = Clock()
    line = Line(clock, 5_000_000)
    viewer = Viewer(clock, line, stalls=stalls)
    clock.advance(10.0)
    before = viewer.downlink.estimator.bitrate
    line.delay += longer
    clock.advance(2.0)
    assert viewer.downlink.estimator.bitrate > 0.95 * before
    clock.advance(4.0)
    assert viewer.layers["face"] == 2
    changes = [(at, layers["face"]) for at, layers in viewer.changes if at > 10.0]
    without = sum(end - begin for (begin, layer), (end, _) in itertools.pairwise(changes) if layer is None)
    assert without < 1.5  # less than anybody is told of


@pytest.mark.parametrize("rate", [100_000, 300_000, 1_000_000])
@pytest.mark.parametrize("longer", [0.0, 0.05])
def test_a_slow_line_is_not_taken_for_a_longer_path(rate: int, longer: float) -> None:
    """Falling at once, and the path longer too, as when a phone falls back to an older network."""
    clock = Clock()
    line = Line(clock, 5_000_000)
    viewer = Viewer(clock, line)
    clock.advance(10.0)
    line.rate, line.delay = rate, line.delay + longer
    clock.advance(6.0)
    for _ in range(400):
        clock.advance(0.05)
        assert viewer.downlink.estimator.bitrate < 1.3 * max(rate, 150_000)
        assert line.queue < 0.35


def test_at_a_hundred_kilobits_the_voice_goes_on_alone() -> None:
    clock = Clock()
    line = Line(clock, 100_000)
    viewer = Viewer(clock, line)
    clock.advance(5.0)
    assert viewer.paused == {"face"}
    sent, received = viewer.voice_sent, viewer.voice_received
    viewer.voice_delays.clear()
    clock.advance(25.0)
    assert viewer.paused == {"face"}
    assert viewer.voice_received - received >= viewer.voice_sent - sent - 20
    assert max(viewer.voice_delays) < 0.3
    line.rate = 3_000_000
    clock.advance(15.0)
    assert (viewer.paused, viewer.layers["face"]) == (frozenset(), 2)


@pytest.mark.parametrize("loss", [0.02, 0.05])
def test_random_loss_is_not_taken_for_a_slow_line(loss: float) -> None:
    clock = Clock()
    viewer = Viewer(clock, Line(clock, 3_000_000, loss=loss))
    clock.advance(5.0)
    assert viewer.layers["face"] == 2
    clock.advance(55.0)
    assert viewer.layers["face"] == 2
    assert viewer.downlink.estimator.bitrate > FULL


def test_heavy_loss_lowers_the_rate() -> None:
    clock = Clock()
    line = Line(clock, 3_000_000)
    viewer = Viewer(clock, line)
    clock.advance(5.0)
    before = viewer.downlink.estimator.bitrate
    line.loss = 0.4
    clock.advance(5.0)
    assert viewer.downlink.estimator.bitrate < before / 2


def test_two_viewers_share_a_line() -> None:
    clock = Clock()
    line = Line(clock, 2_000_000)
    early = Viewer(clock, line)
    clock.advance(10.0)
    late = Viewer(clock, line)
    clock.advance(10.0)
    before = early.received, late.received
    clock.advance(50.0)
    shares = early.received - before[0], late.received - before[1]
    assert 0.5 < shares[0] / shares[1] < 2
    assert line.dropped == 0


def test_a_clock_that_wraps_and_another_one_are_no_queue() -> None:
    """Arrival times wrap after 12 days; the viewer's clock may be anywhere."""
    clock = Clock()
    viewer = Viewer(clock, Line(clock, 3_000_000), offset=(1 << 32) / 4000 - clock() - 5.0)
    clock.advance(20.0)
    assert viewer.layers["face"] == 2
    assert abs(viewer.downlink.estimator.queue) < 0.1


def arriving(estimator: Estimator, late: float = 0.0) -> float:
    """A second of 960 kbit/s, the last tenths of it `late` seconds; the time it ends at."""
    for at in range(10):
        now = 100.0 + at / 10
        sent = [now - 0.1 + number * 0.01 for number in range(10)]
        acked = [(each, 1200, each + (late if at > 6 else 0.0)) for each in sent]
        estimator.on_feedback(acked, 0, now, len(acked), 12_000)
    return now


def test_one_burst_that_a_busy_machine_spread_is_no_limit() -> None:
    """A line that never was the limit, and carries 960 kbit/s without a queue."""
    estimator = Estimator()
    now = arriving(estimator)
    for _ in range(5):
        assert not estimator.on_probe(2_000_000, 700_000, now)  # less than arrives all the time
    assert not estimator.on_probe(2_000_000, 1_200_000, now)
    assert estimator.limited_at == float("-inf")
    assert estimator.on_probe(2_000_000, 1_300_000, now + 1)
    assert estimator.limited_at == now + 1
    assert estimator.bitrate == pytest.approx(0.95 * 1_300_000)


def test_bursts_that_come_as_sent_in_between_begin_the_count_anew() -> None:
    estimator = Estimator()
    now = arriving(estimator)
    for _ in range(3):
        assert not estimator.on_probe(2_000_000, 1_200_000, now)
        assert estimator.on_probe(2_000_000, 2_000_000, now)
    assert estimator.limited_at == float("-inf")


def test_the_burst_after_one_that_is_not_believed_is_three_times_as_long() -> None:
    """10 ms that a busy machine adds are a sixth of the first one, and make it look slower than it was sent."""
    clock, sent, lengths = Clock(), [0], []

    def pad() -> int:
        sent[0] += 250
        return 250

    prober = Prober(pad, lambda: None, lambda: sent[0], lambda: sent[0] // 250, clock.schedule, clock)
    for settle in (prober.doubted, prober.doubted, lambda now: prober.succeeded()):
        before = sent[0]
        prober.want(2_000_000, 1_000_000, False, clock())
        clock.advance(0.4)
        lengths.append((sent[0] - before) * 8 / 2_000_000)
        settle(clock())
        prober.busy = False
        clock.advance(1.0)
    prober.want(2_000_000, 1_000_000, False, clock())
    before = sent[0]
    clock.advance(0.4)
    assert lengths == pytest.approx([0.06, 0.18, 0.18], abs=0.01)
    assert (sent[0] - before) * 8 / 2_000_000 < 0.07


def test_a_burst_that_meets_a_queue_is_believed_at_once() -> None:
    estimator = Estimator()
    now = arriving(estimator, late=0.04)
    assert estimator.queue > 0.02
    assert estimator.on_probe(2_000_000, 700_000, now)
    assert estimator.limited_at == now


def test_nothing_a_viewer_says_breaks_the_estimate() -> None:
    generator = random.Random(3)
    for _ in range(200):
        estimator, now = Estimator(), 100.0
        for _ in range(30):
            now += generator.random() * 0.2
            acked = [(now - generator.random() * 9, 1200, generator.uniform(-1e6, 1e6)) for _ in range(10)]
            estimator.on_feedback(acked, generator.randrange(50), now, len(acked), 12_000)
            if generator.random() < 0.2:
                estimator.on_probe(generator.random() * 1e9, generator.random() * 1e9, now)
            assert estimator.bitrate >= LOWEST


def test_the_viewers_own_estimate_is_an_upper_bound() -> None:
    estimator = Estimator()
    assert estimator.bitrate == START
    estimator.reported = 120_000.0
    assert estimator.bitrate == 120_000


def test_reports_of_loss_alone_lower_the_rate_and_let_it_grow_again() -> None:
    """A viewer without transport-wide feedback says once a second what it lost."""
    estimator, now = Estimator(), 100.0
    rate = 1_500_000.0
    for _ in range(10):
        now += 1.0
        estimator.on_report(0.3, rate, now)
        rate = min(rate, estimator.loss_limit)
    assert rate < 700_000
    for _ in range(10):
        now += 1.0
        estimator.on_report(0.0, rate, now)
    lowest = estimator.loss_limit
    for _ in range(10):
        now += 1.0
        estimator.on_report(0.0, rate, now)
    assert estimator.loss_limit > lowest * 1.5


def test_the_slope_sees_a_queue_building_and_no_noise() -> None:
    noise, trend = random.Random(1), Trend()
    for number in range(400):
        trend.add(number * 0.02, number * 0.02 + noise.random() * 0.004)
        assert not trend.overused
    for number in range(400, 460):
        trend.add(number * 0.02, number * 0.02 + (number - 400) * 0.008)
    assert trend.overused

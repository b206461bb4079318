"""The benchmark measures what it says: everything sent is received, and the figures belong together."""

import xml.etree.ElementTree as ElementTree

from relay.bench.canned import Profile
from relay.bench.compare import compare
from relay.bench.load import Load
from relay.bench.report import plot


def test_a_small_load_loses_nothing_and_adds_up() -> None:
    load = Load(rooms=2, parties=3, publishers=1, seconds=1.0, profile=Profile(video=60, audio=50))
    report = compare(load, {}, repeat=2, with_floor=True)
    assert (report["lost"], report["silent_tracks"]) == (0, 0)
    assert report["expected"] > 0
    share = report["packets_out_per_s"] / report["packets_in_per_s"]
    assert 1.5 < share < 2.5, "each of two cameras goes to two viewers"
    assert report["us_cpu_per_packet_sent"] > report["floor"]["us"] > 0
    assert report["times_the_floor"] > 1


def test_the_plot_draws_a_bar_for_each_figure() -> None:
    result = {
        "us_cpu_per_packet_sent": 10.0,
        "against": {"janus": {"us_cpu_per_packet_sent": 40.0}},
        "floor": {"us": 5.0},
        "machine": {"cpu": "a <cpu>", "cores": 2},
    }
    drawn = ElementTree.fromstring(plot({"1 & 2": result, "without a peer": {"us_cpu_per_packet_sent": 1.0}}))
    widths = [float(bar.get("width", "0")) for bar in drawn.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert len(widths) == 3
    assert widths[0] / widths[1] == 0.25

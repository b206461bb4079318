"""When the relay asks for a packet again, and when it stops."""

from __future__ import annotations

from relay.nack import MAX_MISSING, MAX_TRIES, NackList


def test_a_gap_is_asked_for_after_the_reordering_delay() -> None:
    nacks = NackList()
    assert nacks.gap(10, 13, now=1.0) is True
    assert nacks.due(1.005) == []
    assert nacks.next_due() == 1.01
    assert nacks.due(1.01) == [10, 11, 12]


def test_an_overtaken_packet_is_never_asked_for() -> None:
    nacks = NackList()
    nacks.gap(10, 11, now=1.0)
    nacks.arrived(10, now=1.003)
    assert nacks.due(2.0) == []
    assert nacks.next_due() is None


def test_retries_follow_the_round_trip_time_and_end() -> None:
    nacks = NackList()
    nacks.gap(10, 11, now=0.0)
    asked = [at for at in range(10, 3000, 10) if nacks.due(at / 1000) == [10]]
    assert asked == [10 + 110 * n for n in range(MAX_TRIES)]  # 105 ms, looked at every 10
    assert (len(nacks), nacks.given_up) == (0, 1)


def test_the_round_trip_time_is_learnt_from_first_answers() -> None:
    nacks = NackList()
    for index in range(100):
        nacks.gap(index, index + 1, now=float(index))
        nacks.due(index + 0.01)
        nacks.arrived(index, now=index + 0.01 + 0.02)
    assert round(nacks.rtt, 3) == 0.02


def test_an_outage_is_not_repaired_packet_by_packet() -> None:
    nacks = NackList()
    nacks.gap(0, 10, now=0.0)
    assert nacks.gap(20, 20 + MAX_MISSING, now=0.0) is False
    assert (len(nacks), nacks.given_up) == (0, MAX_MISSING + 10)

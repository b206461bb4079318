"""Transport-wide feedback: what is written is read the same, what Chromium writes is read, nonsense is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay import twcc
from relay.twcc import ArrivalLog, Arrivals

ARRIVALS = st.lists(st.one_of(st.none(), st.integers(-300, 30_000)), min_size=1, max_size=400).filter(any)


def absolute(deltas: list[int | None], start: int) -> tuple[int | None, ...]:
    """Arrival ticks from the distances between packets."""
    ticks, found = start, []
    for delta in deltas:
        ticks += delta or 0
        found.append(None if delta is None else ticks)
    return tuple(found)


@given(ARRIVALS, st.integers(0, 1 << 30), st.integers(0, 0xFFFF), st.integers(0, 255))
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_the_same(deltas: list[int | None], start: int, base: int, count: int) -> None:
    feedback = Arrivals(0xFEEDBEEF, base, count, absolute(deltas, start))
    packet = twcc.pack(1, feedback)
    assert len(packet) % 4 == 0
    assert twcc.parse(packet[4:]) == feedback


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_nonsense_is_refused_or_bounded(body: bytes) -> None:
    try:
        feedback = twcc.parse(body)
    except ValueError:
        return
    assert len(feedback.arrivals) <= twcc.MAX_PACKETS


@given(ARRIVALS, st.data())
@settings(max_examples=100, deadline=None)
def test_a_truncated_feedback_is_refused(deltas: list[int | None], data: st.DataObject) -> None:
    packet = twcc.pack(1, Arrivals(1, 7, 0, absolute(deltas, 5000)))
    padding = packet[-1] if packet[0] & 0x20 else 0
    cut = data.draw(st.integers(4, len(packet) - padding - 1))
    with pytest.raises(ValueError, match="transport feedback"):
        twcc.parse(packet[4:cut])


def test_a_reserved_status_and_an_endless_count_are_refused() -> None:
    head = bytes.fromhex("00000001 00000002 0001 0001 000000 00".replace(" ", ""))
    with pytest.raises(ValueError, match="reserved"):
        twcc.parse(head + b"\x60\x01")
    huge = bytes.fromhex("00000001 00000002 0001 ffff 000000 00".replace(" ", ""))
    with pytest.raises(ValueError, match="too many"):
        twcc.parse(huge + b"\x1f\xff" * 9)


def test_each_kind_of_chunk() -> None:
    """The examples of section 3.1.3 and 3.1.4 of the draft, in one feedback."""
    head = bytes.fromhex("00000001 00000002 fffe 0020 000001 05".replace(" ", ""))
    run = b"\x20\x04"  # 4 small
    one_bit = bytes([0x80 | 0b011111, 0b00011100])  # 0 11111 000 111 00
    two_bit = bytes([0xC0 | 0b001101 & 0x3F, 0b01010000])  # 00 11 ... has a reserved status
    with pytest.raises(ValueError, match="reserved"):
        twcc.parse(head + run + one_bit + two_bit + b"\x20\x07" + bytes(40))
    two_bit = bytes([0xC0 | 0b001001, 0b01100000])  # 0 2 1 1 2 0 0
    feedback = twcc.parse(
        head + run + one_bit + two_bit + b"\x20\x07" + b"\x04" * 12 + b"\xff\xfc\x01\x01\x00\x08" + b"\x02" * 7
    )
    assert (feedback.base, feedback.count) == (0xFFFE, 5)
    assert [ticks is not None for ticks in feedback.arrivals] == (
        [True] * 4
        + [False]
        + [True] * 5
        + [False] * 3
        + [True] * 3
        + [False] * 2
        + [False, True, True, True, True, False, False]
        + [True] * 7
    )
    assert feedback.arrivals[:4] == (260, 264, 268, 272)
    assert feedback.arrivals[19:23] == (300, 301, 302, 310)


def read(packets: list[bytes]) -> list[tuple[int, int | None]]:
    """Every packet the feedbacks speak of, in order: 16-bit number and tick."""
    found = []
    for packet in packets:
        feedback = twcc.parse(packet[4:])
        found += [((feedback.base + i) & 0xFFFF, ticks) for i, ticks in enumerate(feedback.arrivals)]
    return found


def test_the_log_says_each_packet_once_across_the_wrap() -> None:
    log = ArrivalLog()
    for sequence in (65533, 65534, 0, 1):
        log.arrived(sequence, 1.0)
    assert read(log.feedback(1, 2)) == [(65533, 4000), (65534, 4000), (65535, None), (0, 4000), (1, 4000)]
    assert log.feedback(1, 2) == []
    log.arrived(3, 1.5)
    assert read(log.feedback(1, 2)) == [(2, None), (3, 6000)]


def test_a_late_packet_is_said_alone() -> None:
    log = ArrivalLog()
    log.arrived(10, 1.0)
    log.arrived(13, 1.0)
    log.feedback(1, 2)
    log.arrived(11, 1.25)
    log.arrived(14, 1.25)
    assert read(log.feedback(1, 2)) == [(11, 5000), (14, 5000)]


def test_a_pause_longer_than_a_delta_makes_two_feedbacks() -> None:
    log = ArrivalLog()
    log.arrived(1, 1.0)
    log.arrived(2, 20.0)
    packets = log.feedback(1, 2)
    assert len(packets) == 2
    assert read(packets) == [(1, 4000), (2, 80000)]


def test_few_packets_far_apart_make_feedbacks_of_bounded_length() -> None:
    log = ArrivalLog()
    arrived = [100 + 400 * n for n in range(8)]
    for sequence in arrived:
        log.arrived(sequence, 1.0)
    packets = log.feedback(1, 2)
    assert len(packets) > 1
    assert [sequence for sequence, ticks in read(packets) if ticks is not None] == arrived


def test_another_counting_starts_anew() -> None:
    log = ArrivalLog()
    log.arrived(1, 1.0)
    log.arrived(30000, 1.0)
    assert read(log.feedback(1, 2)) == [(30000, 4000)]


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.floats(0, 1e6)), max_size=200), st.integers(1, 50))
@settings(max_examples=100, deadline=None)
def test_no_arrival_breaks_the_log(events: list[tuple[int, float]], every: int) -> None:
    log = ArrivalLog()
    for number, (sequence, now) in enumerate(events):
        log.arrived(sequence, now)
        if number % every == 0:
            read(log.feedback(1, 2))
    read(log.feedback(1, 2))
    assert len(log) == 0

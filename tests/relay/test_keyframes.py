"""Keyframe requests: throttled, retried, and ended."""

from __future__ import annotations

from relay.keyframes import KeyframeRequester
from relay.native import Intake
from tests.relay.fakes import Clock


def requester(clock: Clock) -> tuple[KeyframeRequester, list[float]]:
    sent: list[float] = []
    stream = Intake(96, True, 1024, lambda call: call())
    return KeyframeRequester(stream, lambda: sent.append(clock.now), clock.schedule, clock), sent


def test_fifty_joins_in_a_second_cause_two_requests_a_second() -> None:
    clock = Clock()
    keyframes, sent = requester(clock)
    for _ in range(50):
        keyframes.request()
        keyframes._stream.accepted += 3
        clock.advance(1 / 50)
    assert [round(at, 1) for at in sent] == [100.0, 100.5]
    clock.advance(0.1)
    assert [round(at, 1) for at in sent] == [100.0, 100.5, 101.0]


def test_a_request_during_the_pause_is_kept() -> None:
    clock = Clock()
    keyframes, sent = requester(clock)
    keyframes.request()
    keyframes.satisfied()
    clock.advance(0.1)
    keyframes.request()
    clock.advance(0.4)
    assert [round(at, 6) for at in sent] == [100.0, 100.5]


def test_a_keyframe_ends_the_asking() -> None:
    clock = Clock()
    keyframes, sent = requester(clock)
    keyframes.request()
    keyframes.request()
    keyframes.satisfied()
    clock.advance(30)
    assert sent == [100.0]


def test_a_lost_request_is_repeated_while_packets_come() -> None:
    clock = Clock()
    keyframes, sent = requester(clock)
    keyframes.request()
    for _ in range(100):
        keyframes._stream.accepted += 1
        clock.advance(0.1)
    assert [round(at, 1) for at in sent] == [100.0, 101.0, 102.0, 103.0, 104.0, 105.0]


def test_a_silent_camera_is_asked_twice_only() -> None:
    clock = Clock()
    keyframes, sent = requester(clock)
    keyframes.request()
    clock.advance(30)
    assert sent == [100.0, 101.0]

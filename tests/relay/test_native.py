"""Compiled code and Python: the same datagrams in, the same datagrams, counts and logs out."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay import native, state, trend, twcc
from relay.feedback import read_feedback
from relay.native import build
from tests.relay.twin import numbered_block

ROOT = Path(__file__).resolve().parents[2]
KEYFRAME, PICTURE = "90808001" + "100200" + "9d012a0005d002" + "00" * 8, "90808001" + "1102000000"
"""VP8 with a picture id: the first packet of a keyframe, and of another picture."""


IS_SANITIZED = "SANITIZED" in os.environ


class Twin:
    """One `tests.relay.twin`."""

    def __init__(self, is_native: bool) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.relay.twin"],
            env={**os.environ, "RELAY_NATIVE": "1" if is_native else "0"},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._line() is is_native

    def _line(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise AssertionError(f"the twin died ({self._process.wait()}):\n{self._process.stderr.read()[-4000:]}")
        return json.loads(line)

    def play(self, numbered: bool, acts: list[list[Any]]) -> list[Any]:
        """What came of it; see `twin.play`."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then it says nothing either, and why is told there
            self._process.stdin.write(json.dumps([numbered, acts]) + "\n")
            self._process.stdin.flush()
        found: list[Any] = self._line()
        return found

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def twins() -> Iterator[tuple[Twin, Twin]]:
    assert build.build(IS_SANITIZED) == ""
    both = Twin(True), Twin(False)
    yield both
    for twin in both:
        twin.close()


def same(twins: tuple[Twin, Twin], numbered: bool, acts: list[list[Any]]) -> tuple[list[Any], int]:
    """What came of `acts`, the same with and without compiled code; and how many packets Python never saw."""
    *compiled, passed = twins[0].play(numbered, acts)
    *plain, none = twins[1].play(numbered, acts)
    assert compiled == plain
    assert none == 0
    return compiled, passed


def pictures(first: int, count: int, payload: str = PICTURE) -> list[list[Any]]:
    """So many packets of video, each with its transport-wide number."""
    numbers = range(first, first + count)
    return [["rtp", "video", n, 3000 * n, numbered_block(n & 0xFFFF), payload, 0x80] for n in numbers]


BEGIN = [*pictures(1000, 1, KEYFRAME), ["rtp", "audio", 5, 960, numbered_block(1, 30), "fc0102", 0], ["look"]]


@pytest.mark.parametrize("numbered", [True, False])
def test_ordinary_packets_never_reach_python(twins: tuple[Twin, Twin], numbered: bool) -> None:
    acts = [*BEGIN, *pictures(1001, 30), ["look"], *pictures(1031, 10), ["wait", 20]]
    (news, state, rejected), passed = same(twins, numbered, acts)
    assert passed == 40
    assert [len(got) for got in news[-1]] == [0, 10, 10]
    assert rejected == 0
    assert state[1][0][1][0] == 41, "packets of video sent to the first viewer"


def test_numbers_wrap(twins: tuple[Twin, Twin]) -> None:
    acts = [*pictures(65500, 1, KEYFRAME), ["look"], *pictures(65501, 60), ["look"], ["tell"]]
    (_, state, _), passed = same(twins, True, acts)
    assert (passed, state[0][0][1]) == (60, 61)


def test_forged_packets_and_repeats_of_the_network_are_refused(twins: tuple[Twin, Twin]) -> None:
    ordinary = ["rtp", "video", 1001, 9000, "", PICTURE, 0]
    acts = [*BEGIN, ordinary, ["again", -1], ["again", 100], ["again", 20], ["look"], *pictures(1002, 3)]
    (_, state, rejected), _ = same(twins, True, acts)
    assert rejected == 3 == state[3][0][0]


@pytest.mark.parametrize(
    "extension",
    [
        "bede0000", "bede000131002000", "bede000130002000", "bede00025f00000000000000", "bede0001f1000700",
        "bede00020000003100070000", "bede000110ff3100", "bedeffff", "1000000103020007", "1000000103ff0007",
        "1000000101000000", "1234000131000700",
    ],
)  # fmt: skip
def test_header_extensions_of_all_sorts(twins: tuple[Twin, Twin], extension: str) -> None:
    acts = [*BEGIN, ["rtp", "video", 1001, 9000, extension, PICTURE, 0], ["look"], *pictures(1002, 2)]
    acts += [["rtp", "audio", 6, 1920, extension, "fc", 0], ["rtp", "audio", 6, 1920, extension, "", 0], ["tell"]]
    same(twins, True, acts)


def test_who_leaves_in_the_middle_gets_nothing_more(twins: tuple[Twin, Twin]) -> None:
    acts = [
        *BEGIN,
        *pictures(1001, 3),
        ["leave", 0],
        *pictures(1004, 3),
        ["look"],
        ["end"],
        *pictures(1007, 3),
        ["look"],
    ]
    (news, _, _), passed = same(twins, True, acts)
    assert passed == 6, "nothing is known of who has ended"
    assert [len(got) for got in news[-1]][1:] == [0, 0]


PAYLOADS = st.sampled_from([PICTURE, PICTURE, PICTURE, KEYFRAME, "", "10", "ff" * 40, "90808001" + "11" * 1100])
VIDEO_PACKET = st.tuples(st.integers(-3, 4), st.sampled_from([0, 0, 3000, -3000]), PAYLOADS, st.sampled_from([0, 0x80]))
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("video"), VIDEO_PACKET),
        st.tuples(st.just("video"), st.just((1, 3000, PICTURE, 0x80))),
        st.tuples(st.just("video"), st.just((1, 0, PICTURE, 0))),
        st.tuples(st.just("audio"), st.tuples(st.sampled_from([1, 1, 1, 2, 0]), st.integers(0, 127))),
        st.tuples(st.just("ask"), st.integers(0, 1), st.sampled_from(["audio", "video"]), st.integers(-2, 20)),
        st.tuples(st.sampled_from(["picture", "restart"]), st.integers(0, 1)),
        st.tuples(st.just("again"), st.integers(-1, 400)),
        st.tuples(st.just("raw"), st.binary(max_size=60).map(lambda data: (b"\x80" + data).hex())),
        st.tuples(st.just("wait"), st.sampled_from([1, 20, 60, 600])),
        st.sampled_from([("look",), ("look",), ("tell",)]),
        st.tuples(st.just("leave"), st.integers(0, 1)),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbered=st.booleans(), drawn=ACTS)
def test_whatever_happens_both_do_the_same(
    twins: tuple[Twin, Twin], numbered: bool, drawn: list[tuple[Any, ...]]
) -> None:
    acts, sequence, timestamp, sound, count = list(BEGIN), 1000, 3_000_000, 5, 10
    for what, *given_ in drawn:
        count += 1
        if what == "video":
            step, later, payload, marker = given_[0]
            sequence, timestamp = sequence + step, timestamp + later
            acts.append(["rtp", "video", sequence, timestamp, numbered_block(count), payload, marker])
        elif what == "audio":
            step, level = given_[0]
            sound += step
            acts.append(["rtp", "audio", sound, 960 * sound, numbered_block(count, level), "fc0102", 0])
        else:
            acts.append([what, *given_])
    same(twins, numbered, acts)


@pytest.fixture(scope="module")
def engine() -> Any:
    """The compiled module, also where this process does without."""
    assert build.build(IS_SANITIZED) == ""
    return importlib.import_module("relay.native._engine")


FEEDBACK = st.one_of(
    st.binary(max_size=80),
    st.builds(
        lambda base, total, last, rest: struct.pack("!LLHHL", 1, 2, base, total, last) + rest,
        st.integers(0, 0xFFFF),
        st.integers(0, 60),
        st.integers(0, 0xFFFFFFFF),
        st.lists(st.sampled_from([0x2005, 0x4002, 0x6001, 0x0003, 0x9555, 0xD555, 0x2000, 0x3FFF]), max_size=12).map(
            lambda chunks: b"".join(chunk.to_bytes(2, "big") for chunk in chunks) + bytes(range(40))
        ),
    ),
)


@settings(max_examples=400, deadline=None)
@given(body=FEEDBACK)
def test_feedback_is_read_the_same(engine: Any, body: bytes) -> None:
    def outcome(read: Callable[[bytes], Any]) -> Any:
        try:
            return read(body)
        except ValueError as error:
            return str(error)

    assert outcome(engine.read_feedback) == outcome(read_feedback)


@settings(max_examples=200, deadline=None)
@given(
    first=st.integers(0, 0x2FFFF),
    steps=st.lists(st.sampled_from([0.0, 0.001, 0.0049, 0.06, 0.07, -0.001]), min_size=1, max_size=300),
    odd=st.integers(0, 400),
    start=st.floats(0, 5e6),
)
def test_feedback_is_written_the_same(engine: Any, first: int, steps: list[float], odd: int, start: float) -> None:
    times = list(itertools.accumulate(steps, initial=start))
    jotter = engine.Jotter()
    for place, at in enumerate(times):
        jotter.arrived((first + place + (place == odd)) & 0xFFFF, at)
    written = jotter.written(1, 2, first, 300 & 0xFF)
    ordinary = odd >= len(times) and (first & 0xFFFF) + len(times) <= 0x10000
    if written is None:
        assert len(jotter) == len(times)
    else:
        assert ordinary
        ticks = tuple(int(at / twcc.TICK) for at in times)
        assert written == twcc.pack(1, twcc.Arrivals(2, first & 0xFFFF, 300 & 0xFF, ticks))
        assert len(jotter) == 0
    if ordinary and all(0 <= step < 0.06 for step in steps):
        assert written is not None


@settings(max_examples=200, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 1200), max_size=40),
    asked=st.lists(
        st.tuples(
            st.integers(-5, 45),
            st.lists(st.one_of(st.none(), st.integers(-(1 << 33), 1 << 33)), max_size=30),
            st.sampled_from([1, 8]),
            st.booleans(),
        ),
        max_size=4,
    ),
)
def test_feedback_is_matched_the_same(
    engine: Any, sizes: list[int], asked: list[tuple[int, list[int | None], int, bool]]
) -> None:
    def outcome(kind: Any) -> list[Any]:
        clock = itertools.count(1)
        log = kind(lambda lane, packets, number: len(packets), lambda: next(clock) / 7)
        for size in sizes:
            log("lane", [(1, 0, 0, bytes(size))])
        told, last = [], None
        for first, arrivals, step, probing in asked:
            numbers: list[int] | None = [] if probing else None
            if arrivals:
                told.append([log.match(0x10000 + first, tuple(arrivals), step, last, numbers), numbers])
                last = told[-1][0][3]
        return [told, log.number, log.bytes]

    assert outcome(engine.SentLog) == outcome(state.SentLog)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.004, 0.02, 0.1, 4.0]), st.sampled_from([0.0, 0.02, 0.03, 0.12, -0.02])),
        max_size=150,
    )
)
def test_the_trend_is_the_same(engine: Any, steps: list[tuple[float, float]]) -> None:
    compiled, plain, sent, arrived = engine.Trend(), trend.Trend(), 10.0, 20.0
    for place, (later, longer) in enumerate(steps):
        sent, arrived = sent + later, arrived + later + longer
        for one in (compiled, plain):
            if place % 3:
                one.add(sent, arrived)
            else:
                packets = [(sent, 1, arrived), (sent + 0.001, 1, arrived - 0.001)]
                assert one.add_all(packets) == (arrived, pytest.approx(arrived - sent - 0.002))
            if place == 120:
                one.restart()
        assert (compiled.overused, compiled.underused) == (plain.overused, plain.underused)


def test_the_compiler_has_nothing_to_say(tmp_path: Path) -> None:
    done = build.compile_into(tmp_path / "engine.so", ["-Werror", "-Wshadow", "-Wstrict-prototypes", "-Wvla"])
    assert (done.returncode, done.stderr) == (0, "")


def test_what_was_built_of_other_sources_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout that was changed and not built again: Python carries the packets, and says why."""
    assert build.build(IS_SANITIZED) == ""
    monkeypatch.setenv("RELAY_NATIVE", "1")
    assert native._load()[0] is not None
    monkeypatch.setattr(build, "digest", lambda: "other")
    assert native._load() == (None, "what is built is older than its sources")
    monkeypatch.setenv("RELAY_NATIVE", "0")
    assert native._load() == (None, "RELAY_NATIVE=0")

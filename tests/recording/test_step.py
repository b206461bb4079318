"""Sound and picture stay in step, also when every clock drifts, and each person with the others."""

import io
import itertools
from pathlib import Path
from typing import Any

import av
import pytest

from consult.reel.cutting import Outcome, cut
from relay import recordlog
from tests.recording import logs
from tests.recording.logs import KEY, Publisher


class Sink(io.BytesIO):
    """A file that can be read after it is closed."""

    content = b""

    def close(self) -> None:
        self.content = self.getvalue()


def films(*paths: Path) -> tuple[Outcome, list[bytes]]:
    outcome = cut([(path, KEY) for path in paths], Sink)
    return outcome, [film.sink.content for film in outcome.films]


def packets(film: bytes, kind: str) -> list[tuple[float, bytes]]:
    with av.open(io.BytesIO(film)) as container:
        return [(float(p.pts * p.time_base), bytes(p)) for p in container.demux(**{kind: 0}) if p.size]


def decoded(film: bytes, kind: str) -> int:
    with av.open(io.BytesIO(film)) as container:
        return sum(1 for _ in container.decode(**{kind: 0}))


def lags(film: bytes, kind: str, offset: float = 0.0) -> dict[int, float]:
    """Second of the call -> how much later than it was captured something stands in the recording."""
    marked = [(at, content) for at, content in packets(film, kind) if content[-16:-12] == b"MARK"]
    captured = [(at + offset, int(content[-12:]) / 1e6) for at, content in marked]
    return {int(true): at - true for at, true in captured}


@pytest.mark.slow
def test_sound_and_picture_stay_within_40_ms_over_half_an_hour(tmp_path: Path) -> None:
    """All three clocks of a page drift, by 100, 80 and -50 ppm: the sound card makes 16 packets too many."""
    page = Publisher("li", 1, ntp_drift=100, audio_drift=80, video_drift=-50, mark_every=20)
    outcome, [film] = films(logs.conversation(tmp_path / "log", [page], 1800, fps=5))
    sound, picture = lags(film, "audio"), lags(film, "video")
    skews = {at: abs(sound[at] - picture[at]) for at in sound.keys() & picture.keys()}
    assert len(skews) > 80  # a packet left out for the drift may be a marked one
    assert max(skews.values()) <= 0.040
    assert abs(outcome.seconds - 1800) < 1
    placed = packets(film, "audio")
    assert max(after[0] - before[0] for before, after in itertools.pairwise(placed)) < 0.022  # no hole


def test_people_stay_in_step_with_each_other(tmp_path: Path) -> None:
    people = [
        Publisher("li", 1, ntp_drift=150, audio_drift=-30, mark_every=10),
        Publisher("zhang", 3, ntp_drift=-150, audio_drift=60, mark_every=10),
    ]
    outcome, [one, two] = films(logs.conversation(tmp_path / "log", people, 120, fps=10))
    offsets = [film.offset for film in outcome.films]
    left, right = lags(one, "video", offsets[0]), lags(two, "video", offsets[1])
    assert len(left) == len(right) == 12
    assert max(abs(left[at] - right[at]) for at in left) <= 0.040


def test_a_loss_stops_the_picture_and_never_breaks_it(tmp_path: Path) -> None:
    """Two of 30 pictures are lost: what follows waits for the next keyframe; sound is filled with silence."""
    page = Publisher("li", 1)
    lost = {80010, 80040} | {70000 + number for number in range(50, 75)}
    media = sorted(page.records(0, 4), key=lambda timed: timed[0])
    kept = [record for _, record in media if record[0] != recordlog.PACKET or index_of(record) not in lost]
    parts = [logs.head(), logs.mark("resumed", 0.0), page.streams(), *kept, logs.mark("paused", 4.0)]
    _, [film] = films(logs.sealed(tmp_path / "log", parts))
    assert len(packets(film, "video")) == decoded(film, "video") == 10 + 10 + 60
    assert len(packets(film, "audio")) in {199, 200}  # silence ends within 20 ms of the next packet


def index_of(record: bytes) -> int:
    return int.from_bytes(record[7:15], "big")


def test_packets_that_came_late_and_twice_are_in_order(tmp_path: Path) -> None:
    page = Publisher("li", 1, jitter=0.3)
    media = sorted(page.records(0, 4), key=lambda timed: timed[0])
    order = [index_of(record) for _, record in media if record[0] == recordlog.PACKET]
    assert order != sorted(order)
    twice = [part for _, record in media for part in (record, record)]
    parts = [logs.head(), logs.mark("resumed", 0.0), page.streams(), *twice, logs.mark("paused", 4.0)]
    _, [film] = films(logs.sealed(tmp_path / "log", parts))
    assert [content for _, content in packets(film, "video")] == [logs.pictures()[n % 30] for n in range(120)]
    assert decoded(film, "audio") > 185  # what overtook the very first packet is left out


def test_pauses_are_left_out_and_logs_are_joined(tmp_path: Path) -> None:
    """Two relays, one after the other, the first paused for 60 s: 2 + 2 and 2 seconds."""
    page = Publisher("li", 1)
    first = [record for _, record in sorted(page.records(0, 2), key=lambda timed: timed[0])]
    later = [record for _, record in sorted(page.records(62, 64), key=lambda timed: timed[0])]
    parts = [logs.head(), logs.mark("resumed", 0.0), page.streams(), *first, logs.mark("paused", 2.0)]
    again = Publisher("li", 3)
    tail = [record[:5] + shifted(record) for record in later]
    parts += [logs.mark("resumed", 62.0), again.streams(), *tail, logs.mark("paused", 64.0)]
    one = logs.sealed(tmp_path / "one", parts)
    two = logs.conversation(tmp_path / "two", [Publisher("li", 1)], 2)
    outcome, [film] = films(one, two)
    assert outcome.seconds == pytest.approx(6, abs=0.01)
    with av.open(io.BytesIO(film)) as container:
        assert container.duration / 1e6 == pytest.approx(6, abs=0.1)
    assert decoded(film, "video") == 180


def shifted(record: bytes) -> bytes:
    """The same record of the streams two numbers on."""
    return (int.from_bytes(record[5:7], "big") + 2).to_bytes(2, "big") + record[7:]


def test_a_log_that_ends_in_the_middle_plays_until_there(tmp_path: Path) -> None:
    path = logs.conversation(tmp_path / "log", [Publisher("li", 1)], 6)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    outcome, [film] = films(path)
    assert not outcome.is_whole
    assert 2 < outcome.seconds < 5
    assert decoded(film, "video") > 50
    assert decoded(film, "audio") > 100


def test_who_sends_only_sound_is_heard(tmp_path: Path) -> None:
    page = Publisher("li", 1)
    sound = [r for _, r in page.records(0, 2) if r[0] == recordlog.PACKET and index_of(r) < 80000]
    parts = [logs.head(), logs.mark("resumed", 0.0), page.streams(), *sound, logs.mark("paused", 2.0)]
    outcome, [film] = films(logs.sealed(tmp_path / "log", parts))
    assert [(each.content_type, each.has_video, each.has_sound) for each in outcome.films] == [
        ("audio/webm", False, True)
    ]
    assert decoded(film, "audio") == 100


def test_nothing_recorded_is_no_film(tmp_path: Path) -> None:
    empty: Any = films(logs.sealed(tmp_path / "log", [logs.head()]))
    assert (empty[0].films, empty[0].seconds, empty[0].is_whole) == ([], 0.0, True)

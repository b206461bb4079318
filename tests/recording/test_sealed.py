"""Sealed files: what was written comes back; what was changed, moved or cut does not pass for whole."""

import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consult.reel import sealed
from consult.reel.sealed import Frames, SealedReader, SealedWriter, Tampered
from relay.sealed import Sealer

KEY = bytes(range(32))
FRAME = 1000
STRIDE = 4 + FRAME + 16
CONTENT = random.Random(1).randbytes(3 * FRAME + 123)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film"
    writer = SealedWriter(path, KEY, FRAME)
    writer.write(CONTENT)
    writer.close()
    return path


def log(path: Path, *pieces: bytes, whole: bool = True) -> Path:
    """As a relay writes one."""
    sealer = Sealer(KEY, FRAME)
    frames = [sealer.frame(piece, last=whole and piece is pieces[-1]) for piece in pieces]
    path.write_bytes(sealer.header + b"".join(frames))
    return path


def whole(path: Path, key: bytes = KEY) -> bytes:
    reader = SealedReader(path, key)
    return b"".join(reader.parts(0, reader.size))


def test_a_film_comes_back_anywhere(film: Path) -> None:
    assert SealedReader(film, KEY).size == len(CONTENT)
    assert whole(film) == CONTENT
    for start, stop in [(0, 1), (999, 1001), (1000, 2000), (3100, 3123), (1, 3123)]:
        assert b"".join(SealedReader(film, KEY).parts(start, stop)) == CONTENT[start:stop]


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME])
def test_every_length_is_whole(tmp_path: Path, size: int) -> None:
    writer = SealedWriter(tmp_path / "film", KEY, FRAME)
    writer.write(CONTENT[:size])
    writer.close()
    assert whole(tmp_path / "film") == CONTENT[:size]
    frames = Frames(tmp_path / "film", KEY)
    assert (b"".join(frames), frames.is_whole) == (CONTENT[:size], True)


def test_the_head_is_written_last_and_nothing_else_twice(tmp_path: Path) -> None:
    """As muxers do: sizes and seek tables go to the head when all is known."""
    writer = SealedWriter(tmp_path / "film", KEY, FRAME)
    writer.write(CONTENT)
    writer.seek(10)
    writer.write(b"HEAD")
    writer.seek(FRAME + 5)
    with pytest.raises(ValueError, match="sealed"):
        writer.write(b"x")
    writer.seek(0, os.SEEK_END)
    writer.close()
    assert whole(tmp_path / "film") == CONTENT[:10] + b"HEAD" + CONTENT[14:]


def test_nothing_readable_is_on_the_disk(tmp_path: Path) -> None:
    canary = b"canary of a patient's voice" * 20
    writer = SealedWriter(tmp_path / "film", KEY)
    writer.write(canary)
    writer.close()
    log(tmp_path / "log", canary)
    for name in ("film", "log"):
        assert b"canary" not in (tmp_path / name).read_bytes()
        assert (tmp_path / name).stat().st_size > len(canary)


@given(place=st.integers(0, sealed.HEADER_BYTES + 3 * STRIDE + 4 + 123 + 16 - 1), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_any_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, place: int, bit: int) -> None:
    path = tmp_path_factory.mktemp("flip") / "film"
    writer = SealedWriter(path, KEY, FRAME)
    writer.write(CONTENT)
    writer.close()
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)
    for read in (lambda: whole(path), lambda: _all_of(Frames(path, KEY))):
        try:
            assert read() != CONTENT  # shorter, and said so
        except Tampered:
            continue
    shutil.rmtree(path.parent)


def _all_of(frames: Frames) -> bytes:
    content = b"".join(frames)
    if not frames.is_whole:
        raise Tampered("cut")
    return content


def test_swapped_repeated_and_foreign_frames_are_found(film: Path, tmp_path: Path) -> None:
    content = film.read_bytes()
    head, rest = content[: sealed.HEADER_BYTES], content[sealed.HEADER_BYTES :]
    frames = [rest[at : at + STRIDE] for at in range(0, len(rest), STRIDE)]
    other = tmp_path / "other"
    writer = SealedWriter(other, KEY, FRAME)
    writer.write(CONTENT)
    writer.close()
    foreign = other.read_bytes()[sealed.HEADER_BYTES :][:STRIDE]
    for wrong in (
        [frames[1], frames[0], *frames[2:]],
        [frames[0], frames[0], *frames[2:]],
        [foreign, *frames[1:]],
        [*frames[:2], frames[3]],
    ):
        film.write_bytes(head + b"".join(wrong))
        with pytest.raises(Tampered):
            whole(film)
        with pytest.raises(Tampered):
            list(Frames(film, KEY))


def test_a_film_without_its_end_is_not_played(film: Path) -> None:
    content = film.read_bytes()
    film.write_bytes(content[: sealed.HEADER_BYTES + 3 * STRIDE])
    with pytest.raises(Tampered):
        whole(film)
    film.write_bytes(content[: sealed.HEADER_BYTES + 2 * STRIDE + 100])
    with pytest.raises(Tampered):
        whole(film)


def test_another_key_opens_nothing(film: Path) -> None:
    with pytest.raises(Tampered):
        whole(film, bytes(32))


def test_a_log_that_was_cut_loses_only_its_last_frame(tmp_path: Path) -> None:
    """kill -9 in the middle of a write: everything before is there, and it is known that it is not all."""
    path = log(tmp_path / "log", b"one", b"two", b"three")
    content = path.read_bytes()
    frames = Frames(path, KEY)
    assert (list(frames), frames.is_whole) == ([b"one", b"two", b"three"], True)
    for cut in range(1, 4 + 5 + 16 + 1):
        path.write_bytes(content[:-cut])
        assert (list(frames), frames.is_whole) == ([b"one", b"two"], False)


def test_what_follows_the_last_frame_is_found(tmp_path: Path) -> None:
    path = log(tmp_path / "log", b"one", b"two")
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(Tampered):
        list(Frames(path, KEY))

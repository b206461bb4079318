"""The limited process in which hostile files are decoded. It never sees the database, the settings or the network.

`python -m imaging.services.child` waits for requests, one JSON object a line on stdin: `{"id", "kind", "source",
"into"}`, and `"more"` where a kind asks for it. It decodes nothing itself: each request is done by a fork with limits
of its own, so that one file's end is nobody else's. The answer, one line: `{"id", "facts"}` or `{"id", "refused":
code}`.
"""

import importlib.util
import json
import os
import resource
import signal
import sys
import traceback
import warnings
from pathlib import Path

MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 20
WALL_SECONDS = 40
FILE_BYTES = 1200 * 1024 * 1024
SLIDE_BYTES = 64 * 1024 * 1024 * 1024  # a pack of tiles; the parent bounds it by the size of the file


def main() -> None:
    """Import the decoders once, then serve until stdin ends."""
    import imaging.dicom.claims
    import imaging.dicom.normalise
    import imaging.raster.archive
    import imaging.raster.pages
    import imaging.raster.photo

    fonts = importlib.util.find_spec("noto_cjk_sans_otc")  # found, not imported: it belongs to the opinion's paper
    if fonts and fonts.origin:
        imaging.raster.pages.use_fonts(Path(fonts.origin).parent)

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"id": request["id"], **_in_fork(request)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _in_fork(request: dict) -> dict:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _work(request, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read(1_000_000)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return {"refused": _ended_by(os.WTERMSIG(status), request["kind"])}
    return json.loads(said) if said else {"refused": "damaged"}


def _ended_by(number: int, kind: str) -> str:
    if (number, kind) == (signal.SIGABRT, "document"):
        return "too_big_to_decode"  # pdfium gives up where others raise MemoryError
    slow = (signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL)
    return "took_too_long" if number in slow else "damaged"


def _work(request: dict, writer: int) -> None:
    """Never returns. Whatever goes wrong in a decoder ends here as a code; `trace` has places, never values."""
    try:
        _limit(SLIDE_BYTES if request["kind"] == "slide" else FILE_BYTES)
        _close_all_but(writer)
        source, into = Path(request["source"]), Path(request["into"])
        said: dict = {"facts": decode(request["kind"], source, into, **request.get("more", {}))}
    except MemoryError:
        said = {"refused": "too_big_to_decode"}
    except BaseException as error:
        code = getattr(error, "code", None)
        said = {"refused": code} if isinstance(code, str) else {"refused": "damaged", "trace": _places(error)}
    os.write(writer, json.dumps(said).encode())
    os._exit(0)


def _places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " < ".join([type(error).__name__, *(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))])


def _close_all_but(writer: int) -> None:
    """The fork keeps one pipe: it must not answer for others, and what decoders print goes nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.closerange(3, writer)
    os.closerange(writer + 1, 256)


def _limit(file_bytes: int) -> None:
    os.setsid()
    signal.alarm(WALL_SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)


def decode(kind: str, source: Path, into: Path, **more: int) -> dict:
    """Facts of the file; pixels, or an archive's files, are written below `into`. `header` and `claims` write none."""
    from imaging.dicom import claims, facts, stored
    from imaging.dicom import source as files
    from imaging.dicom.normalise import normalise as dicom
    from imaging.raster import archive, pages, trace
    from imaging.raster.photo import normalise as photo

    warnings.simplefilter("ignore")
    if kind == "header":
        return facts.header(files.read(source))
    if kind == "claims":
        return claims.answer(source)
    if kind == "archive":
        return archive.unpack(source, into, **more) if "first" in more else _looked_through(source, into, **more)
    if kind == "document":
        return pages.normalise(source, into, **more)
    if kind == "traces":
        return trace.draw(source, into, **more)
    if kind == "ecg":
        from imaging.raster.ecg import normalise as ecg  # seldom: its parsers cost memory

        return ecg(source, into)
    if kind == "slide":
        from imaging.raster import slide  # seldom

        return slide.cut(source, into, **more)
    if kind == "deidentify":
        from imaging.dicom import deidentify

        return deidentify.write(source, into)
    if kind == "objects":
        from imaging.dicom import derived  # seldom as well

        return derived.make(source, into)
    if kind == "stored":
        return stored.write(source, into)
    return dicom(source, into, trace.keep) if kind == "dicom" else photo(source, into)


def _looked_through(source: Path, into: Path, *, largest: int) -> dict:
    """An archive's counts; `directory`, where a disc's index lies in it, says what that names and is not there."""
    from imaging.dicom import directory
    from imaging.raster import archive

    said, folder, names = archive.look_through(source, into, largest=largest)
    if folder is not None:
        try:
            said["directory"] = directory.missing(into / archive.INDEX, folder, names)
        except Exception:  # the files are read by themselves: an index that cannot be read costs nothing
            said["directory"] = {"files": 0, "lost": 0, "names": []}
    return said


if __name__ == "__main__":
    main()

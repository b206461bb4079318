"""A zip of a study, looked through and unpacked. Its names are never used as paths. Runs only in the limited child."""

import stat
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from imaging.raster.beside import lies_beside
from imaging.raster.sniff import Unreadable

MAX_ENTRIES = 10_000
MAX_FILES = 2000
FREE = 64 * 1024 * 1024
RATIO = 100
MOST = 1024 * 1024 * 1024
BATCH_BYTES = 64 * 1024 * 1024
BLOCK = 1024 * 1024
INDEX, INDEX_BYTES = "DICOMDIR", 32 * 1024 * 1024
DOCUMENTS = frozenset({"[Content_Types].xml", "META-INF/MANIFEST.MF", "META-INF/container.xml"})
PLAIN = (0, stat.S_IFREG, stat.S_IFDIR)
UTF8, LOCKED = 0x800, 0x1  # flag bits (APPNOTE.TXT 4.4.4)


def look_through(source: Path, into: Path, *, largest: int) -> tuple[dict[str, object], str | None, set[str]]:
    """Count `files`, their `bytes` and what is `skipped`, having read every file to its end. Raises Unreadable.

    A file longer than `largest` bytes refuses the archive: it is taken whole or not at all. Where it has the index of
    a disc, that is written to `into`/DICOMDIR, and its folder answered with all names in small letters.
    """
    with _opened(source) as archive:
        members, skipped = _members(archive, source.stat().st_size, largest)
        for member in members:
            _copy(archive, member, None)
        folder = _index(archive, into)
        names = {entry.filename.replace("\\", "/").lower() for entry in archive.infolist()}
    size = sum(member.file_size for member in members)
    return {"kind": "archive", "files": len(members), "bytes": size, "skipped": skipped}, folder, names


def _index(archive: zipfile.ZipFile, into: Path) -> str | None:
    """The folder, with its last /, of the first DICOMDIR that is not too large to be one; written as a file."""
    for entry in archive.infolist():
        folder, _, name = entry.filename.replace("\\", "/").rpartition("/")
        if name.upper() == INDEX and 0 < entry.file_size <= INDEX_BYTES:
            with (into / INDEX).open("xb") as out:
                _copy(archive, entry, out)
            return f"{folder}/" if folder else ""
    return None


def unpack(source: Path, into: Path, *, largest: int, first: int, most: int) -> dict[str, object]:
    """Write files from number `first` on to `into`/<number>, at most `most` and BATCH_BYTES; their names in order."""
    names: list[str] = []
    size = 0
    with _opened(source) as archive:
        members, _ = _members(archive, source.stat().st_size, largest)
        for number, member in enumerate(members[first : first + most], first):
            size += member.file_size
            if names and size > BATCH_BYTES:
                break
            with (into / str(number)).open("xb") as out:
                _copy(archive, member, out)
            names.append(_shown(member))
    return {"kind": "archive", "names": names}


def _opened(source: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise Unreadable("damaged") from None


def _members(archive: zipfile.ZipFile, packed: int, largest: int) -> tuple[list[zipfile.ZipInfo], int]:
    """The files that may be images, and how many others there are; refuses by what the directory claims."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise Unreadable("too_many_files")
    if any(entry.filename in DOCUMENTS for entry in entries):
        raise Unreadable("not_an_image")
    for entry in entries:
        _check(entry)
    files = [entry for entry in entries if not entry.is_dir()]
    members = [entry for entry in files if entry.file_size and not lies_beside(entry.filename)]
    if not members:
        raise Unreadable("nothing_inside")
    if len(members) > MAX_FILES:
        raise Unreadable("too_many_files")
    if sum(entry.file_size for entry in members) > min(MOST, max(FREE, packed * RATIO)):
        raise Unreadable("bomb")
    if any(entry.file_size > largest for entry in members):
        raise Unreadable("too_large")
    return members, len(files) - len(members)


def _check(entry: zipfile.ZipInfo) -> None:
    """No way out of the archive, no links or devices, no password, no compression but deflate."""
    name = entry.orig_filename
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or parts[0].endswith(":") or "\0" in name:
        raise Unreadable("archive_unsafe")
    if stat.S_IFMT(entry.external_attr >> 16) not in PLAIN:
        raise Unreadable("archive_unsafe")
    if entry.flag_bits & LOCKED:
        raise Unreadable("encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable("archive")


def _copy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, out: BinaryIO | None) -> None:
    """All of a file, its length and CRC compared with what the directory says."""
    size = 0
    try:
        with archive.open(member) as packed:
            while block := packed.read(BLOCK):
                size += len(block)
                if out:
                    out.write(block)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise Unreadable("damaged") from None
    if size != member.file_size:
        raise Unreadable("damaged")


def _shown(member: zipfile.ZipInfo) -> str:
    """The name without folders; what older Windows packed in GBK reads as Chinese."""
    name = member.filename
    if not member.flag_bits & UTF8:
        raw = name.encode("cp437", "replace")
        for coding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(coding)
                break
            except UnicodeDecodeError:
                continue
    return name.replace("\\", "/").rsplit("/", 1)[-1][:300]

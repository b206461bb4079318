"""Zips as people and attackers make them."""

import io
import stat
import struct
import zipfile

from tests.imaging.doors import photo, real

CD = {"IMG/CT1": real("CT_small.dcm"), "IMG/MR1": real("MR_small.dcm"), "foto.jpg": photo(64, 48)}
BESIDE = {"DICOMDIR": b"x" * 99, "AUTORUN.INF": b"[autorun]", "viewer/start.exe": b"MZ" * 99, "__MACOSX/._foto": b"x"}


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def bomb() -> bytes:
    """A hundred kilobytes that open to a hundred megabytes."""
    return packed({"CT1": bytes(100 * 1024 * 1024)})


def lying_bomb() -> bytes:
    """Says it holds ten bytes and unpacks to a megabyte."""
    content = packed({"CT1": bytes(1024 * 1024)})
    return content.replace(struct.pack("<I", 1024 * 1024), struct.pack("<I", 10))


def with_link() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("CT1")
        entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def locked() -> bytes:
    """The bit that says: encrypted (APPNOTE.TXT 4.4.4), in both headers."""
    content = bytearray(packed({"CT1": real("CT_small.dcm")}))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def many(count: int = 100_000) -> bytes:
    return packed({f"{number}": b"" for number in range(count)}, zipfile.ZIP_STORED)


def broken() -> bytes:
    """One byte of the second file has changed: its CRC says so."""
    content = bytearray(packed(CD, zipfile.ZIP_STORED))
    content[content.index(b"MR1") + 5000] ^= 0xFF
    return bytes(content)


HOSTILE_ZIPS = [
    ("bomb.zip", bomb, "bomb"),
    ("lying.zip", lying_bomb, "damaged"),
    ("up.zip", lambda: packed({"../../etc/cron.d/x": b"x"}), "archive_unsafe"),
    ("back.zip", lambda: packed({"a\\..\\..\\x": b"x"}), "archive_unsafe"),
    ("root.zip", lambda: packed({"/etc/passwd": b"x"}), "archive_unsafe"),
    ("drive.zip", lambda: packed({"C:/windows/x": b"x"}), "archive_unsafe"),
    ("link.zip", with_link, "archive_unsafe"),
    ("locked.zip", locked, "encrypted"),
    ("many.zip", many, "too_many_files"),
    ("broken.zip", broken, "damaged"),
    ("half.zip", lambda: packed(CD)[:-60], "damaged"),
    ("empty.zip", lambda: packed({}), "nothing_inside"),
    ("viewer.zip", lambda: packed(BESIDE), "nothing_inside"),
    ("letter.docx", lambda: packed({"[Content_Types].xml": b"<x/>", "a.png": photo(kind="PNG")}), "not_an_image"),
]

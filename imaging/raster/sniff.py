"""What a file is, from its first bytes and its name. Reads no more than `HEAD` bytes and decodes nothing."""

from pathlib import PurePosixPath

HEAD = 4096
DICOM = "dicom"
PHOTO = "photo"
DOCUMENT = "document"
ARCHIVE = "archive"
ECG = "ecg"
SLIDE = "slide"
JPEG, PNG, WEBP, PDF = "image/jpeg", "image/png", "image/webp", "application/pdf"
TIFF = "image/tiff"
SCP, AECG, EDF = "application/x-scp-ecg", "application/x-hl7-aecg", "application/x-edf"

# Names under which nobody keeps a medical image, whatever is inside.
_ACTIVE = "exe dll com scr bat cmd msi ps1 vbs js mjs jar sh py php html htm xhtml svg hta lnk swf apk elf so"
_ARCHIVE = "rar 7z gz tgz tar bz2 xz iso cab"
ACTIVE_NAMES = frozenset(_ACTIVE.split())
ARCHIVE_NAMES = frozenset(_ARCHIVE.split())
# Slide scanners whose files are not read: Hamamatsu, Leica, 3DHistech, Ventana, Zeiss, Olympus.
SLIDE_NAMES = frozenset(("svslide", "ndpi", "vms", "vmu", "scn", "mrxs", "bif", "czi", "vsi"))
# Names under which a whole slide may be larger than other files.
LARGE_NAMES = frozenset(("svs", "tif", "tiff", "dcm", ""))

_BLANK = b"\x00\t\r\n \xef\xbb\xbf"
_PROGRAMS = (b"MZ", b"\x7fELF", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!")
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_ARCHIVES = (*_ZIPS, b"PK\x07\x08", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
_TIFF = (b"II*\x00", b"MM\x00*")
_OTHER_PICTURES = (b"GIF8", b"BM", b"\x00\x00\x00\x1cftyp", b"\x00\x00\x00\x18ftyp")
_BIG_TIFF = (b"II+\x00\x08\x00\x00\x00", b"MM\x00+\x00\x08\x00\x00")  # for files beyond 4 GB
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<?xml", b"<?php", b"<iframe", b"<!--")


class Unreadable(ValueError):
    """`code` names the reason; its sentence is in imaging/models/refusal.py."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def extension(name: str) -> str:
    """The last extension in lower case, without its dot."""
    return PurePosixPath(name.replace("\\", "/")).suffix.lower().lstrip(".")


def check_name(name: str) -> None:
    """Raise Unreadable for a name that says: program, page, archive other than zip, or slide of a scanner."""
    if extension(name) in ARCHIVE_NAMES:
        raise Unreadable("archive")
    if extension(name) in ACTIVE_NAMES:
        raise Unreadable("active_content")
    if extension(name) in SLIDE_NAMES:
        raise Unreadable("slide")


def sniff(head: bytes) -> tuple[str, str]:
    """(Kind: `dicom`, `photo`, ..., MIME type) of a file by its first HEAD bytes. Raises Unreadable."""
    if not head:
        raise Unreadable("empty")
    if head[128:132] == b"DICM":
        _check_preamble(head[:128])
        return DICOM, "application/dicom"
    if head.startswith(b"\xff\xd8\xff"):
        return PHOTO, JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PHOTO, PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return PHOTO, WEBP
    if head.lstrip(_BLANK).startswith(b"%PDF-"):
        return DOCUMENT, PDF
    if head.startswith(_ZIPS):
        return ARCHIVE, "application/zip"
    if _is_bare_dicom(head):
        return DICOM, "application/dicom"
    if head.startswith((*_TIFF, *_BIG_TIFF)):
        return SLIDE, TIFF  # tiled or not is seen later, in the limited child
    if mime := _ecg(head):
        return ECG, mime
    raise Unreadable(_what_else(head))


def _ecg(head: bytes) -> str:
    """The kind of electrocardiogram, empty for anything else: EN 1064 section 5.3.2, HL7 aECG, EDF."""
    if head[16:22] == b"SCPECG":
        return SCP
    if head[:8] == b"0       " and head[184:192].strip().isdigit():
        return EDF
    start = head.lstrip(_BLANK)
    if start.startswith((b"<?xml", b"<AnnotatedECG")) and b"<AnnotatedECG" in head and b"urn:hl7-org:v3" in head:
        return AECG
    return ""


def _check_preamble(preamble: bytes) -> None:
    """PS3.10 leaves 128 bytes to the writer: enough for the head of a program or page (CVE-2019-11687)."""
    start = preamble.lstrip(_BLANK).lower()
    disguises = (*_PROGRAMS, *_ARCHIVES, *_MARKUP, b"%pdf", b"<")
    if any(start.startswith(mark.lower()) for mark in disguises) or any(mark in start for mark in (*_MARKUP, b"%pdf")):
        raise Unreadable("disguised")


def _is_bare_dicom(head: bytes) -> bool:
    """A data set without preamble begins with group 0002 or 0008 and a small element number."""
    if len(head) < 8:
        return False
    little = head[1] == 0 and head[0] in (2, 8) and head[3] == 0
    big = head[0] == 0 and head[1] in (2, 8) and head[2] == 0
    return little or big


def _what_else(head: bytes) -> str:
    start = head.lstrip(_BLANK)
    lowered = start[:1024].lower()
    if head.startswith(_PROGRAMS):
        return "program"
    if head.startswith(_ARCHIVES):
        return "archive"
    if any(mark in lowered for mark in _MARKUP):
        return "active_content"
    if head.startswith(_OTHER_PICTURES) or head[4:8] == b"ftyp":
        return "other_picture"
    return "not_an_image"

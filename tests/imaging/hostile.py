"""Files made to hurt, and what each is answered: a refusal code, or `shown`."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache

from PIL import Image as Picture
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, RLELossless, generate_uid

from imaging.dicom.slide import CLASS as SLIDE
from imaging.raster import sniff
from tests.imaging import papers, reports
from tests.imaging.doors import photo, real
from tests.imaging.ways import Fate


def with_preamble(start: bytes) -> bytes:
    return start.ljust(128, b"\0") + real("CT_small.dcm")[128:]


def changed(name: str = "CT_small.dcm", **elements: object) -> bytes:
    dataset = dcmread(io.BytesIO(real(name)))
    for key, value in elements.items():
        setattr(dataset, key, value)
    return saved(dataset)


def saved(dataset: Dataset) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def deflated_bomb() -> bytes:
    """260 kB that would inflate to 268 MB before the reader reaches the pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    meta.ImplementationClassUID = generate_uid()
    out = DicomBytesIO()
    out.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(out, meta)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = struct.pack("<HH2sHI", 0x0009, 0x0010, b"OB", 0, 268_000_000)
    parts = [squeeze.compress(head)] + [squeeze.compress(bytes(1_000_000)) for _ in range(268)]
    return bytes(out.getvalue()) + b"".join(parts) + squeeze.flush()


def nested_sequences(depth: int = 10_000) -> bytes:
    head = real("CT_small.dcm")
    start = 132 + 12 + dcmread(io.BytesIO(head)).file_meta.FileMetaInformationGroupLength
    sequence = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return head[:start] + (sequence + item) * depth


def endless_element() -> bytes:
    head = real("CT_small.dcm")
    start = 132 + 12 + dcmread(io.BytesIO(head)).file_meta.FileMetaInformationGroupLength
    return head[:start] + struct.pack("<HH2sHI", 0x0008, 0x0008, b"OB", 0, 0xFFFFFFF0) + b"x" * 50


def lying_rle() -> bytes:
    return changed("MR_small_RLE.dcm", Rows=65535, Columns=65535)


def rle_that_never_ends() -> bytes:
    """Its one segment names itself as lying beyond the fragment."""
    dataset = dcmread(io.BytesIO(real("MR_small_RLE.dcm")))
    dataset.PixelData = dataset.PixelData[:16] + struct.pack("<16I", 15, *([0xFFFFFFF0] * 15)) + dataset.PixelData[80:]
    return saved(dataset)


def huge_png() -> bytes:
    out = io.BytesIO()
    Picture.new("1", (13_000, 13_000)).save(out, "PNG", optimize=True)
    return out.getvalue()


def png_with_html() -> bytes:
    return photo(kind="PNG") + b"<html><script>alert(1)</script></html>"


def gps_photo() -> bytes:
    exif = Picture.Exif()
    exif[0x010F] = "SpyCam"
    exif[0x0112] = 6  # turned by 90 degrees
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (37.0, 51.0, 12.0)
    return photo(exif=exif)


def gb18030_name() -> bytes:
    dataset = dcmread(io.BytesIO(real("CT_small.dcm")))
    dataset.SpecificCharacterSet = "GB18030"
    dataset.PatientName = "Wang^XiaoDong=王^小东"
    return saved(dataset)


def signed_nonsense() -> bytes:
    dataset = dcmread(io.BytesIO(real("CT_small.dcm")))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.ReferencedImageSequence = Sequence([Dataset() for _ in range(50)])
    dataset.WindowCenter = ["nan", "1e300"]
    dataset.WindowWidth = ["0", "-5"]
    return saved(dataset)


def unknown_syntax() -> bytes:
    dataset = dcmread(io.BytesIO(real("MR_small_RLE.dcm")))
    assert dataset.file_meta.TransferSyntaxUID == RLELossless
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"  # MPEG2
    return saved(dataset)


# name, how it is made, what is answered at once or after decoding
HOSTILE: list[tuple[str, Callable[[], bytes], str]] = [
    ("program.dcm", lambda: with_preamble(b"MZ\x90\x00"), "disguised"),
    ("elf.dcm", lambda: with_preamble(b"\x7fELF\x02\x01"), "disguised"),
    ("paper.dcm", lambda: with_preamble(b"%PDF-1.7\n"), "disguised"),
    ("page.dcm", lambda: with_preamble(b"<html><script>alert(1)</script>"), "disguised"),
    ("zip.dcm", lambda: with_preamble(b"PK\x03\x04"), "disguised"),
    ("bomb.dcm", deflated_bomb, "bomb"),
    ("nested.dcm", nested_sequences, "damaged"),
    ("endless.dcm", endless_element, "damaged"),
    ("lying-rle.dcm", lying_rle, "too_many_pixels"),
    ("rle-outside.dcm", rle_that_never_ends, "damaged"),
    ("frames.dcm", lambda: changed(NumberOfFrames=2**31 - 1), "too_many_frames"),
    ("wide.dcm", lambda: changed(Rows=9000, Columns=9000), "truncated"),
    ("truncated.dcm", lambda: real("MR_truncated.dcm"), "truncated"),
    ("syntax.dcm", unknown_syntax, "unsupported_syntax"),
    ("plan.dcm", lambda: real("rtplan.dcm"), "no_pixels"),
    ("cut-report.dcm", lambda: reports.measurements("1.2")[:-200], "truncated"),
    ("ecg.dcm", lambda: real("waveform_ecg.dcm"), "shown"),
    ("DICOMDIR", lambda: real("DICOMDIR"), "directory"),
    ("huge.png", huge_png, "too_many_pixels"),
    ("half.jpg", lambda: photo(1200, 900)[:5000], "truncated"),
    ("half.png", lambda: photo(kind="PNG")[:300], "truncated"),
    ("noise.jpg", lambda: b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20, "damaged"),
    ("code.jpg", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "active_content"),
    ("page.png", lambda: b"<!DOCTYPE html><script>alert(1)</script>", "active_content"),
    ("setup.jpg", lambda: b"MZ\x90\x00" + bytes(2000), "program"),
    ("letter.jpg", lambda: b"%PDF-1.4\n%...", "truncated"),
    ("half.pdf", lambda: papers.pdf()[:-200], "truncated"),
    ("noise.pdf", lambda: b"%PDF-1.4\n" + bytes(range(256)) * 20 + b"%%EOF", "damaged"),
    ("locked.pdf", papers.locked, "encrypted"),
    ("book.pdf", papers.many_pages, "too_many_pages"),
    ("lines.pdf", papers.too_many_lines, "too_big_to_decode"),
    ("report-cda.dcm", lambda: papers.encapsulated(b"<ClinicalDocument/>", "text/XML"), "other_document"),
    ("page-as-pdf.dcm", lambda: papers.encapsulated(b"<html><script>alert(1)</script></html>"), "other_document"),
    ("half-inside.dcm", lambda: papers.encapsulated(papers.pdf()[:-200]), "truncated"),
    ("bomb.pdf", lambda: papers.squeezed(b" " * 100_000_000), "shown"),
    ("vast.pdf", papers.vast_picture, "shown"),
    ("scripts.pdf", papers.scripted, "shown"),
    ("wide.pdf", lambda: papers.pdf((14.4e9, 14.4e9)), "shown"),
    ("study.jpg", lambda: b"PK\x03\x04" + bytes(100), "damaged"),
    ("packed.jpg", lambda: b"Rar!\x1a\x07" + bytes(100), "archive"),
    ("anim.png", lambda: b"GIF89a" + bytes(100), "other_picture"),
    ("big.tif", lambda: b"II+\0\x08\0\0\0" + bytes(100), "damaged"),
    ("aperio.tif", lambda: photo(64, 64, "TIFF", description="Aperio Image Library v12"), "other_picture"),
    ("plain.tif", lambda: photo(64, 64, "TIFF"), "other_picture"),
    ("slide.dcm", lambda: changed("SC_rgb_rle_2frame.dcm", SOPClassUID=SLIDE), "damaged"),
    ("words.dcm", lambda: b"The quick brown fox jumps over the lazy dog", "not_an_image"),
    ("wrong-ending.jpg", lambda: photo(kind="PNG"), "shown"),
    ("no-ending", lambda: photo(kind="WEBP"), "shown"),
    ("ct-as-photo.jpg", lambda: real("CT_small.dcm"), "shown"),
    ("html-inside.png", png_with_html, "shown"),
    ("gps.jpg", gps_photo, "shown"),
    ("names.dcm", gb18030_name, "shown"),
    ("nonsense.dcm", signed_nonsense, "shown"),
]


@cache
def files() -> dict[str, bytes]:
    """The table's files by name, made once."""
    return {name: make() for name, make, _outcome in HOSTILE}


def expected(way: str) -> dict[str, Fate]:
    """What each file is answered on a way in, and what becomes of it."""
    told = {"by_browser": _browser, "by_zip": _zip, "by_stow": _stow, "by_c_store": _c_store}[way]
    return {name: told(name, files()[name], outcome) for name, _make, outcome in HOSTILE}


def _browser(name: str, content: bytes, outcome: str) -> Fate:
    return Fate(204, outcome)


def _zip(name: str, content: bytes, outcome: str) -> Fate:
    """An archive inside is not opened; the index of a disc is left out."""
    inside = {"study.jpg": "archive", "DICOMDIR": ""}
    return Fate("", inside.get(name, outcome))


DECODED = {"rle-outside.dcm", "half-inside.dcm", "slide.dcm"}
"""What is wrong only in the pixels, or in the pages: that comes out when they are decoded, after the answer."""


def _stow(name: str, content: bytes, outcome: str) -> Fate:
    """What is no DICOM is not kept unless its first bytes say what it is."""
    if content[128:132] != b"DICM":
        return Fate(0xC000, "" if _looks_fine(content) else outcome)
    other_class = ("no_pixels", "slide", "other_document", "directory")
    code = 0xC122 if outcome == "unsupported_syntax" else 0x0122 if outcome in other_class else 0xC000
    return Fate(0 if name in DECODED or outcome == "shown" else code, outcome)


def _c_store(name: str, content: bytes, outcome: str) -> Fate:
    """Preambles are not sent; what is no DICOM is the data set of a CT."""
    if content[128:132] != b"DICM":
        return Fate((0xC000, "damaged"))
    if outcome == "directory":
        return Fate("no context")
    if outcome in ("shown", "disguised"):
        return Fate((0, ""), "shown")
    if name in DECODED or outcome in ("no_pixels", "slide", "other_document", "unsupported_syntax"):
        return Fate((0, ""), outcome)
    return Fate((0xC000, outcome.replace("_", " ")))


def _looks_fine(content: bytes) -> bool:
    try:
        sniff.sniff(content[: sniff.HEAD])
    except sniff.Unreadable:
        return False
    return True

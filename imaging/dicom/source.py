"""A file to a pydicom data set: preamble or none, deflated within bounds, transfer syntax always known."""

import io
import zlib
from pathlib import Path

from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_file_meta_info, read_preamble
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from imaging.dicom.refused import Unreadable

UNDEFINED = 0xFFFFFFFF
INFLATED_FREE = 64 * 1024 * 1024
INFLATED_RATIO = 20
INFLATED_MOST = 400 * 1024 * 1024


def read(path: Path) -> Dataset:
    """The data set of the file at `path`, with `file_meta.TransferSyntaxUID` set. Raises Unreadable."""
    with path.open("rb") as file:
        has_preamble = read_preamble(file, force=True) is not None
    try:
        if has_preamble and _syntax(path) == DeflatedExplicitVRLittleEndian:
            dataset = dcmread(io.BytesIO(_inflated(path)))
        else:
            dataset = dcmread(path, force=True)
    except MemoryError:  # an element that claims to be longer than the file
        raise Unreadable("damaged" if path.stat().st_size < INFLATED_FREE else "too_big_to_decode") from None
    if dataset.get("SOPClassUID") == MediaStorageDirectoryStorage or "DirectoryRecordSequence" in dataset:
        raise Unreadable("directory")
    if not len(dataset):
        raise Unreadable("damaged")
    _name_syntax(dataset)
    return dataset


def is_cut(dataset: Dataset) -> bool:
    """Whether an element is shorter than it says: the reader takes what there is of the last one without a word.

    To be asked before elements are looked at: then they are still as they were read.
    """
    return any(_is_short(dataset.get_item(tag)) for tag in list(dataset.keys()))


def _is_short(element: object) -> bool:
    if not isinstance(element, RawDataElement) or element.length == UNDEFINED:
        return False
    return isinstance(element.value, bytes) and len(element.value) < element.length


def _syntax(path: Path) -> UID | None:
    meta: FileMetaDataset = read_file_meta_info(path)
    syntax = meta.get("TransferSyntaxUID")
    return UID(syntax) if syntax else None


def _inflated(path: Path) -> bytes:
    """The same file as Explicit VR Little Endian. A bomb stops at its bound instead of at the end of memory."""
    size = path.stat().st_size
    most = min(INFLATED_MOST, max(INFLATED_FREE, size * INFLATED_RATIO))
    with path.open("rb") as file:
        read_preamble(file, force=False)
        meta = read_file_meta_info(path)
        file.seek(132 + 12 + int(meta.FileMetaInformationGroupLength))
        squeezed = file.read()
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = inflater.decompress(squeezed, most)
    except zlib.error:
        raise Unreadable("damaged") from None
    if inflater.unconsumed_tail:
        raise Unreadable("bomb")
    if not inflater.eof:
        raise Unreadable("truncated")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = DicomBytesIO()
    out.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(out, meta, enforce_standard=False)
    return bytes(out.getvalue()) + body


def _name_syntax(dataset: Dataset) -> None:
    """Files without meta information say nothing of their encoding: use what the reader found out."""
    meta = getattr(dataset, "file_meta", None)
    if meta is None:
        meta = dataset.file_meta = FileMetaDataset()
    if meta.get("TransferSyntaxUID"):
        return
    implicit, little = dataset.original_encoding
    if implicit:
        meta.TransferSyntaxUID = ImplicitVRLittleEndian
    else:
        meta.TransferSyntaxUID = ExplicitVRLittleEndian if little else ExplicitVRBigEndian

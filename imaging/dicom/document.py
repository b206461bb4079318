"""The document inside a DICOM file (Encapsulated PDF, PS3.3 section A.45.1). Runs only in the limited child."""

from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from imaging.dicom.refused import Unreadable

PDF = "application/pdf"
NAME = "document.pdf"


def is_in(dataset: Dataset) -> bool:
    return "EncapsulatedDocument" in dataset


def check(dataset: Dataset) -> None:
    """Raise Unreadable `other_document` for CDA, models and whatever else is no PDF."""
    kind = str(dataset.get("MIMETypeOfEncapsulatedDocument") or PDF).strip().lower()
    content = dataset.EncapsulatedDocument
    if kind != PDF or not content.lstrip(b"\0\t\r\n \xef\xbb\xbf").startswith(b"%PDF-"):
        raise Unreadable("other_document")


def take_out(dataset: Dataset, into: Path) -> dict[str, Any]:
    """Write `into`/document.pdf; `document` in the facts names it, `description` is its title where it has one.

    It was checked before.
    """
    content = dataset.EncapsulatedDocument
    length = int(dataset.get("EncapsulatedDocumentLength") or 0)
    (into / NAME).write_bytes(content[:length] if 0 < length <= len(content) else content)
    title = str(dataset.get("DocumentTitle") or "").strip()[:120]
    return {"document": NAME, **({"description": title} if title else {})}

"""The content of a structured report (PS3.3 section C.17.3) as a plain tree. Runs only in the limited child."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from imaging.dicom.facts import person_name
from imaging.dicom.names import REPORT, REPORT_DEPTH
from imaging.dicom.refused import Unreadable

MAX_ITEMS = 3000
MAX_TEXT = 20_000  # letters of one value
UNITS = {"mm2": "mm²", "cm2": "cm²", "mm3": "mm³", "cm3": "cm³", "m2": "m²", "[hnsf'U]": "HU", "Cel": "°C", "ug": "µg"}
"""UCUM codes that read otherwise (PS3.16 CID 82)."""


def is_in(dataset: Dataset) -> bool:
    return "ContentSequence" in dataset and dataset.get("ValueType") == "CONTAINER"


def take_out(dataset: Dataset, into: Path) -> dict[str, Any]:
    """Write `into`/report.json: title, whether complete and verified, by whom, and the items, each with its items.

    A report is shown whole or not: `too_many_pages` for more than MAX_ITEMS items or REPORT_DEPTH levels.
    """
    count = [0]
    items = _items(dataset, "", 1, count)
    title = _meaning(dataset, "ConceptNameCodeSequence")
    tree = {
        "title": title,
        "complete": dataset.get("CompletionFlag") == "COMPLETE",
        "verified": dataset.get("VerificationFlag") == "VERIFIED",
        "by": [_verifier(each) for each in (dataset.get("VerifyingObserverSequence") or [])[:20]],
        "at": _when(_text(dataset, "ContentDate") + _text(dataset, "ContentTime")),
        "items": items,
    }
    (into / REPORT).write_text(json.dumps(tree))
    said = {"description": title[:120]} if title else {}
    return {"report": count[0], "width": 0, "height": 0, "frames": 1, **said}


def _verifier(observer: Dataset) -> dict[str, str]:
    return {
        "name": person_name(observer.get("VerifyingObserverName")),
        "place": _text(observer, "VerifyingOrganization"),
        "at": _when(_text(observer, "VerificationDateTime")),
    }


def _items(parent: Dataset, number: str, depth: int, count: list[int]) -> list[dict[str, Any]]:
    found = []
    for place, item in enumerate(parent.get("ContentSequence") or [], 1):
        count[0] += 1
        if count[0] > MAX_ITEMS or depth > REPORT_DEPTH:
            raise Unreadable("too_many_pages")
        own = f"{number}.{place}" if number else f"1.{place}"
        found.append(_item(item, own) | {"items": _items(item, own, depth + 1, count)})
    return found


def _item(item: Dataset, number: str) -> dict[str, Any]:
    """One content item: its place in the tree, relationship, kind, name, value, unit, and what it points at."""
    kind = _text(item, "ValueType")[:16]
    value, unit, points = VALUES.get(kind, _nothing)(item)
    if not kind and (target := item.get("ReferencedContentItemIdentifier")):
        kind, value = "REFERENCE", ".".join(str(int(each)) for each in _several(target))
    return {
        "number": number,
        "relation": _text(item, "RelationshipType")[:32],
        "kind": kind,
        "name": _meaning(item, "ConceptNameCodeSequence"),
        "value": value[:MAX_TEXT],
        "unit": unit[:64],
        "images": points,
    }


Value = tuple[str, str, list[dict[str, Any]]]


def _nothing(_item: Dataset) -> Value:
    """A container, or a kind of value that is for machines (TABLE)."""
    return "", "", []


def _number(item: Dataset) -> Value:
    measured = item.get("MeasuredValueSequence")
    if not measured:
        return _meaning(item, "NumericValueQualifierCodeSequence"), "", []
    units = measured[0].get("MeasurementUnitsCodeSequence")
    unit = ""
    if units:
        code, scheme = _text(units[0], "CodeValue"), _text(units[0], "CodingSchemeDesignator")
        unit = UNITS.get(code, code) if scheme == "UCUM" else _text(units[0], "CodeMeaning") or code
        unit = "" if unit == "1" or unit.startswith("{") else unit
    return _text(measured[0], "NumericValue"), unit, []


def _pointed(item: Dataset) -> Value:
    """The instances that an IMAGE, COMPOSITE or WAVEFORM item names, and their frames from 1."""
    points = []
    for each in (item.get("ReferencedSOPSequence") or [])[:200]:
        frames = [int(frame) for frame in _several(each.get("ReferencedFrameNumber"))][:50]
        points.append({"sop": _text(each, "ReferencedSOPInstanceUID")[:64], "frames": frames})
    return "", "", points


def _shape(item: Dataset) -> Value:
    """A region's kind and how many points it has; where they lie is for a viewer, not for readers."""
    return _text(item, "GraphicType").lower(), "", []


def _plain(name: str) -> Callable[[Dataset], Value]:
    return lambda item: (_text(item, name), "", [])


def _moment(name: str) -> Callable[[Dataset], Value]:
    return lambda item: (_when(_text(item, name)), "", [])


VALUES: dict[str, Callable[[Dataset], Value]] = {
    "TEXT": _plain("TextValue"),
    "NUM": _number,
    "CODE": lambda item: (_meaning(item, "ConceptCodeSequence"), "", []),
    "DATE": _moment("Date"),
    "TIME": _moment("Time"),
    "DATETIME": _moment("DateTime"),
    "UIDREF": _plain("UID"),
    "PNAME": lambda item: (person_name(item.get("PersonName")), "", []),
    "IMAGE": _pointed,
    "COMPOSITE": _pointed,
    "WAVEFORM": _pointed,
    "SCOORD": _shape,
    "SCOORD3D": _shape,
    "TCOORD": _plain("TemporalRangeType"),
}


def _meaning(item: Dataset, name: str) -> str:
    """The words of a coded entry, its code where it has none (PS3.3 section 8.8)."""
    coded = item.get(name)
    if not coded:
        return ""
    return (_text(coded[0], "CodeMeaning") or _text(coded[0], "CodeValue"))[:1000]


def _text(item: Dataset, name: str) -> str:
    value = item.get(name)
    return "" if value is None else str(value).replace("\r\n", "\n").replace("\r", "\n").strip()


def _several(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list | tuple) or hasattr(value, "append") else [value]


def _when(text: str) -> str:
    """`20010213184746.5` reads 2001-02-13 18:47, `184746` 18:47:46; anything else as it is."""
    digits = text.partition(".")[0].partition("+")[0]
    if not digits.isdigit():
        return text
    if len(digits) in (4, 6) and not 1800 < int(digits[:4]) < 2200:
        return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
    if len(digits) < 8:
        return text
    day = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}"
    return f"{day} {digits[8:10]}:{digits[10:12]}" if len(digits) >= 12 else day

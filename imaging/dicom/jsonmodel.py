"""A data set in the DICOM JSON model (PS3.18 annex F), large values beside it. Runs in the limited child."""

import json
from itertools import count
from pathlib import Path

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from imaging.dicom.names import LARGEST, SEARCH, TAGS

THRESHOLD = 1024  # characters of base64 above which a value is kept beside
PIXELS = {0x7FE00008: "OF", 0x7FE00009: "OD", 0x7FE00010: "OW"}


def write(dataset: Dataset, into: Path, syntax: str) -> None:
    """`into`/metadata.json, and `bulk-1`, `bulk-2` … for what it names `@1`, `@2`; the pixels are `@pixels`.

    `into`/search.json is what searches are for. See names.MARK and names.SEARCH. Text is UTF-8
    whatever the file's character set. An element that cannot be read is left out.
    """
    numbers = count(1)

    def aside(element: DataElement) -> str:
        number = next(numbers)
        (into / f"bulk-{number}").write_bytes(element.value)
        return f"@{number}"

    described = {"00080005": _text("CS", "ISO_IR 192"), "00083002": _text("UI", syntax)}
    for tag in list(dataset.keys()):
        if tag in PIXELS:
            described[f"{tag:08X}"] = json.dumps({"vr": PIXELS[tag], "BulkDataURI": "@pixels"})
        elif tag.element and f"{tag:08X}" not in described:
            try:
                described[f"{tag:08X}"] = json.dumps(dataset[tag].to_json_dict(aside, THRESHOLD), allow_nan=False)
            except Exception:  # noqa: S112  (conversion happens here, and fails in as many ways as there are devices)
                continue
    _put(described, into / "metadata.json")
    searched = {tag: described[tag] for tag in TAGS.values() if tag in described}
    _put({tag: text if len(text) <= LARGEST else "null" for tag, text in searched.items()}, into / SEARCH)


def _put(described: dict[str, str], path: Path) -> None:
    pairs = ", ".join(f'"{tag}": {described[tag]}' for tag in sorted(described))
    path.write_text(f"{{{pairs}}}")


def _text(vr: str, value: str) -> str:
    return json.dumps({"vr": vr, "Value": [value]})

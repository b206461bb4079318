"""A letter of a referral as an A4 PDF/A-2b; the page of an opinion with other parts. Knows no rows."""

import json
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import typst

from consult.paper.labels import CODES
from consult.paper.labels import LABELS as AGE_LABELS
from consult.paper.letter_labels import LABELS
from consult.paper.opinion import LONG_IN_TABLE, LONG_WORD, age, breakable, file_time, fonts, moment, printable

SOURCE = Path(__file__).with_name("letter.typ")


def render(said: dict[str, Any], sha256: str, signed_at: datetime, language: str, certificate: str) -> bytes:
    """What a letter says (`Letter.said`) as a PDF; the same bytes for the same letter."""
    words, codes = LABELS[language], CODES[language]
    english = language == "en"
    document = printable(_document(said, words, codes, english, signed_at))
    document |= {"sha256": sha256, "certificate": breakable(certificate, LONG_IN_TABLE)}
    with tempfile.TemporaryDirectory(prefix="paper-") as folder:
        main = Path(folder) / SOURCE.name
        main.write_bytes(SOURCE.read_bytes())
        return typst.compile(
            str(main),
            root=folder,
            font_paths=fonts(),
            sys_inputs={"data": json.dumps(document, ensure_ascii=False)},
            pdf_standards="a-2b",
            timestamp=file_time(signed_at),
        )


def _document(
    said: dict[str, Any], words: dict[str, str], codes: dict[str, str], english: bool, signed_at: datetime
) -> dict[str, Any]:
    signer, patient = said["signer"], said["patient"]
    born = date.fromisoformat(patient["birth_date"])
    ages = AGE_LABELS["en" if english else "zh-hans"]
    title = words[f"{said['kind']}_{said['direction']}"]
    name = signer["name_en"] if english and signer["name_en"] else signer["name"]
    pairs = [
        [words["name"], patient["name"]],
        [words["record_number"], patient["record_number"]],
        [words["sex"], codes[patient["sex"]]],
        [
            words["birth_date"],
            f"{born.isoformat()}  ({age(born, signed_at.date(), ages)})",
        ],
        [words["from"], _place(said["from"], english)],
        [words["to"], _place(said["to"], english)],
        [words["consultation"], said["consultation"] or "–"],
        [words["signed_at"], moment(signed_at)],
    ]
    parts = []
    for part, text in said["parts"].items():
        if text:
            parts.append([words[part], breakable(text, LONG_WORD)])
        if part == "diagnosis" and said["codes"]:
            named = [f"{one['code']}  {one['name_en' if english else 'name']}" for one in said["codes"]]
            parts.append([words["codes"], "\n".join(named)])
    return {
        "labels": words,
        "lang": "en" if english else "zh",
        "region": "GB" if english else "CN",
        "title": title,
        "number": said["number"],
        "hospital": signer["hospital_en" if english else "hospital"],
        "hospital_other": signer["hospital" if english else "hospital_en"],
        "patient_line": patient["name"],
        "pairs": [[label, breakable(value, LONG_IN_TABLE)] for label, value in pairs],
        "parts": parts,
        "signer": name,
        "signer_title": codes.get(signer["title"], signer["title"]),
        "signer_place": _place(signer, english),
        "licence": signer["licence"],
        "signed_at": moment(signed_at),
    }


def _place(place: dict[str, str], english: bool) -> str:
    if english:
        return f"{place['hospital_en']}, {place['department_en']}"
    return f"{place['hospital']} {place['department']}"

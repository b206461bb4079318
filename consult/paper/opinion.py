"""A signed opinion as an A4 PDF/A-2b. Data go in as JSON, so no word of theirs is ever markup. Knows no rows.

The same facts give the same bytes: the file's own time is the time of signing.
"""

import json
import re
import tempfile
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import typst

from consult.paper.glyphs import FOLDER, shown
from consult.paper.labels import CODES, LABELS

SOURCE = Path(__file__).with_name("opinion.typ")
REQUEST = ("reason", "record_summary", "tests", "present_diagnosis", "question")
OPINION = ("findings", "diagnosis", "recommendation")
JOINT = {"findings": "discussion", "diagnosis": "joint_diagnosis", "recommendation": "joint_recommendation"}
CODED = frozenset({"present_diagnosis", "diagnosis"})
UNBROKEN = r"[^\s\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"  # a line never ends here by itself
LONG_WORD, LONG_IN_TABLE = 40, 14  # characters: less than a line of full-width ones


@dataclass(frozen=True, slots=True)
class Facts:
    """What is printed. `about` is OpinionVersion.about; `signed_at` in the zone to be printed."""

    number: int
    texts: dict[str, str]
    amendment_reason: str
    signer_name: str
    signer_title: str
    licence_number: str
    signed_at: datetime
    submitted_at: datetime | None
    sha256: str
    about: dict[str, Any]
    certificate: str = ""
    """Which certificate will sign the file; empty: none."""
    pictures: list[bytes] = field(default_factory=list)
    """JPEGs, one for each of `about`'s key images."""


def render(facts: Facts, language: str = "zh-hans") -> bytes:
    """The PDF with labels in `language` (zh-hans or en; anything else is Chinese)."""
    language = language if language in LABELS else "zh-hans"
    document = printable(_document(facts, language))
    for part, longest in (("request", LONG_WORD), ("opinion", LONG_WORD), ("pairs", LONG_IN_TABLE)):
        document[part] = [[label, breakable(words, longest), *more] for label, words, *more in document[part]]
    document["amendment_reason"] = breakable(document["amendment_reason"], LONG_WORD)
    with tempfile.TemporaryDirectory(prefix="paper-") as folder:  # all that the typesetter may read
        main = Path(folder) / SOURCE.name
        main.write_bytes(SOURCE.read_bytes())
        for number, picture in enumerate(facts.pictures, 1):
            (Path(folder) / f"{number}.jpg").write_bytes(picture)
        return typst.compile(
            str(main),
            root=folder,
            font_paths=fonts(),
            sys_inputs={"data": json.dumps(document, ensure_ascii=False)},
            pdf_standards="a-2b",
            timestamp=file_time(facts.signed_at),
        )


def file_time(at: datetime) -> datetime:
    """Typst takes whole seconds at a fixed offset."""
    return at.replace(microsecond=0, tzinfo=timezone(at.utcoffset() or timedelta()))


@cache
def fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FOLDER)])


def printable(value: Any) -> Any:
    """Every text made printable, however deep."""
    if isinstance(value, str):
        return shown(value.replace("\r\n", "\n").replace("\t", "    "))
    if isinstance(value, dict):
        return {key: printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [printable(item) for item in value]
    return value


def breakable(words: str, longest: int) -> str:
    """Words longer than a line may break: they would run off the paper."""
    return re.sub(f"{UNBROKEN}{{{longest}}}(?={UNBROKEN})", "\\g<0>\u200b", words)


def _document(facts: Facts, language: str) -> dict[str, Any]:
    words, codes, about = LABELS[language], CODES[language], facts.about
    english = language == "en"
    answering, asking = about["answering"], about["asking"]
    signer = answering["signer_en"] if english and answering["signer_en"] else facts.signer_name
    both = f"{signer}（{facts.signer_name}）" if signer != facts.signer_name else signer
    version = words["version_n"].format(n=facts.number)
    if "team" in about:
        words = words | {"title": words["title_joint"]} | {name: words[label] for name, label in JOINT.items()}
    return {
        "labels": words,
        "lang": "en" if english else "zh",
        "region": "GB" if english else "CN",
        "title": f"{words['title']} {about['number']} {version}",
        "number": about["number"],
        "version": version,
        "amended": bool(facts.amendment_reason),
        "amendment_reason": facts.amendment_reason,
        "hospital": answering["hospital_en" if english else "hospital"],
        "hospital_other": answering["hospital" if english else "hospital_en"],
        "patient_line": about["patient"]["name"],
        "pairs": _pairs(facts, words, codes, english),
        "request": _parts(REQUEST, about["request"], _coded(about, "present", english), words),
        "opinion": [
            *([[words["critical"], about["critical"], True]] if about.get("critical") else []),
            *_parts(OPINION, facts.texts, _coded(about, "diagnosis", english), words),
        ],
        "signer": both,
        "signer_title": codes.get(facts.signer_title, facts.signer_title),
        "signer_place": _place(answering, english),
        "licence": facts.licence_number,
        "signed_at": moment(facts.signed_at),
        "sha256": facts.sha256,
        "certificate": breakable(facts.certificate, LONG_IN_TABLE),
        "asked_by": asking["asker"],
        "team": [_member(one, words, codes, english) for one in about.get("team", [])],
        "pictures": [_figure(number, each, words) for number, each in enumerate(about.get("key_images", []), 1)],
    }


def _member(one: dict[str, Any], words: dict[str, str], codes: dict[str, str], english: bool) -> dict[str, Any]:
    """A specialist of the team: who, the own opinion, the word on the report."""
    own = one["opinion"]
    labels = LABELS["en" if english else "zh-hans"]
    name = one["name_en"] if english and one["name_en"] else one["name"]
    title = codes.get(own["title"], own["title"]) if own else ""
    verdict = words[one["verdict"]] if one["verdict"] else words["not_confirmed"]
    notes = [] if one["chair"] else [f"{verdict}{words['colon']}{one['words']}" if one["words"] else verdict]
    if one["excused"]:
        notes.append(f"{words['excused']}{words['colon']}{one['excused']}")
    return {
        "name": name,
        "title": title,
        "place": _place(one, english),
        "role": words["chair"] if one["chair"] else "",
        "parts": [[labels[part], breakable(own[part], LONG_WORD)] for part in OPINION] if own else [],
        "missing": "" if own else words["no_own"],
        "verdict": one["verdict"],
        "notes": [breakable(note, LONG_WORD) for note in notes],
        "hash": words["own_hash"].format(n=own["number"], at=own["signed_at"], hash=own["sha256"][:32]) if own else "",
    }


def _parts(names: tuple[str, ...], texts: dict[str, str], codes: str, words: dict[str, str]) -> list[list[Any]]:
    """Label, words, whether in bold; codes follow the diagnosis they stand for."""
    parts: list[list[Any]] = []
    for name in names:
        if texts[name]:
            parts.append([words[name], texts[name], name == "diagnosis"])
        if codes and name in CODED:
            parts.append([words["codes"], codes, False])
    return parts


def _coded(about: dict[str, Any], which: str, english: bool) -> str:
    """One to a line: the code, and its name as it was when it was signed."""
    chosen = about.get("codes", {}).get(which, [])
    return "\n".join(f"{each['code']}  {each['name_en' if english else 'name']}" for each in chosen)


def _figure(number: int, picture: dict[str, Any], words: dict[str, str]) -> dict[str, Any]:
    """File name, caption, and in small letters what it shows and the hashes of picture and original."""
    shows = picture["shows"]
    day = str(shows.get("taken_on", ""))
    parts = [str(shows.get("title", "")), f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 else day]
    if shows.get("frames", 1) > 1:
        parts.append(words["image_of"].format(n=shows["frame"], all=shows["frames"]))
    if shows.get("window"):
        parts.append(words["window"].format(width=shows["window"][1], center=shows["window"][0]))
    figure = words["figure"].format(n=number)
    original = str(shows.get("original_sha256", ""))
    return {
        "file": f"{number}.jpg",
        "caption": f"{figure}{words['colon']}{picture['caption']}" if picture["caption"] else figure,
        "about": breakable(" · ".join(part for part in parts if part), LONG_WORD),
        "hashes": f"SHA-256 {picture['sha256'][:32]}… · {words['original']} {original[:32]}…",
    }


def _pairs(facts: Facts, words: dict[str, str], codes: dict[str, str], english: bool) -> list[list[str]]:
    """The table under the heading, label and value, two to a line."""
    about = facts.about
    patient, asking, answering = about["patient"], about["asking"], about["answering"]
    born = date.fromisoformat(patient["birth_date"])
    asker = asking["asker_en"] if english and asking["asker_en"] else asking["asker"]
    values = {
        "name": patient["name"],
        "record_number": patient["record_number"],
        "sex": codes[patient["sex"]],
        "birth_date": f"{born.isoformat()}  ({age(born, facts.signed_at.date(), words)})",
        "asking": _place(asking, english),
        "asker": asker,
        "answering": _place(answering, english),
        "submitted_at": moment(facts.submitted_at) if facts.submitted_at else "",
        "urgency": codes[about["request"]["urgency"]],
        "purpose": codes[about["request"]["purpose"]],
    }
    return [[words[name], value] for name, value in values.items()]


def _place(place: dict[str, str], english: bool) -> str:
    if english:
        return f"{place['hospital_en']}, {place['department_en']}"
    return f"{place['hospital']} {place['department']}"


def age(born: date, day: date, words: dict[str, str]) -> str:
    """Whole years; months below two years."""
    months = (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
    if months < 24:
        return words["age_months"].format(n=max(0, months))
    return words["age_years"].format(n=months // 12)


def moment(at: datetime) -> str:
    """Date, time and offset from UTC, so that the paper can be read anywhere."""
    offset = at.strftime("%z")
    return f"{at:%Y-%m-%d %H:%M:%S} (UTC{offset[:3]}:{offset[3:5]})"

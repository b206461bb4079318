"""Why a consultation was found: which of its fields have the words, and where."""

import re
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consult.codes import icd10, sought
from consult.models import Consultation

AROUND = 24  # characters beside a hit
Words = str | Promise


@dataclass(frozen=True, slots=True)
class Hit:
    """A field's label, and its text in pieces: (words, whether they were looked for)."""

    label: Words
    pieces: list[tuple[str, bool]]


def hits(row: Consultation, text: str) -> list[Hit]:
    """Of the fields that say what is looked for; a name found by its sound is marked as a whole."""
    wanted = [word.strip() for word in sought.words(text)]
    if not wanted:
        return []
    pattern = re.compile("|".join(re.escape(word) for word in sorted(wanted, key=len, reverse=True)), re.IGNORECASE)
    found = []
    for label, said, sounds in _fields(row):
        if pattern.search(said):
            found.append(Hit(label, _pieces(said, pattern)))
        elif any(sound.startswith(word) or (len(word) > 2 and word in sound) for word in wanted for sound in sounds):
            found.append(Hit(label, [(said, True)]))
    return found


def _fields(row: Consultation) -> list[tuple[Words, str, list[str]]]:
    fields: list[tuple[Words, str, list[str]]] = [(_("Number"), row.number or "", [])]
    if row.patient:
        fields += [
            (_("Patient"), row.patient.name, row.patient.name_index.split()),
            (_("Record number"), row.patient.record_number, []),
            (_("Resident identity number"), row.patient.id_number, []),
        ]
    fields += [(_("Question"), row.question, []), (_("Present diagnosis"), row.present_diagnosis, [])]
    entries = [found for code in row.present_codes if (found := icd10.entry(code))]
    fields += [("ICD-10", f"{one.code} {one.name_zh or one.name_en} {one.name_en}", []) for one in entries]
    for label, person in ((_("Asking doctor"), row.asker), (_("Specialist"), row.expert)):
        if person:
            fields += [(label, person.name, person.name_index.split()), (label, person.name_en, [])]
    for hospital in filter(None, (row.hospital, row.asked_hospital)):
        fields += [(_("Hospital"), hospital.name, []), (_("Hospital"), hospital.name_en, [])]
    return fields


def _pieces(said: str, pattern: re.Pattern[str]) -> list[tuple[str, bool]]:
    """Shortened around the first hit."""
    first = pattern.search(said)
    start = max(0, first.start() - AROUND) if first else 0
    end = min(len(said), (first.end() if first else 0) + 3 * AROUND)
    cut = said[start:end]
    pieces: list[tuple[str, bool]] = [("…", False)] if start else []
    at = 0
    for hit in pattern.finditer(cut):
        pieces += [(cut[at : hit.start()], False), (hit[0], True)]
        at = hit.end()
    pieces.append((cut[at:] + ("…" if end < len(said) else ""), False))
    return [piece for piece in pieces if piece[0]]

"""Whether the patient in a file is the patient of the consultation. Pure questions."""

import re
import unicodedata
from datetime import date

from pypinyin import lazy_pinyin

from consult.models import Patient


def differences(*, name: str, number: str, sex: str, birth: date | None, patient: Patient | None) -> list[str]:
    """What the file says otherwise than our record: some of `name`, `number`, `sex`, `birth`, or `unknown`.

    What the file leaves empty does not differ. A file number only counts when the name does not agree, since each
    device counts its own. Without a patient in the consultation anything named is `unknown`.
    """
    says_something = bool(name or number)
    if patient is None:
        return ["unknown"] if says_something else []
    found = []
    same_name = bool(name) and is_same_name(name, patient.name)
    if name and not same_name:
        found.append("name")
    if number and not same_name and number not in (patient.record_number, patient.id_number):
        found.append("number")
    if sex in ("male", "female") and patient.sex in ("male", "female") and sex != patient.sex:
        found.append("sex")
    if birth and birth != patient.birth_date:
        found.append("birth")
    return found


def is_same_name(in_file: str, ours: str) -> bool:
    """Han characters are compared as they are, Latin letters with the name's pinyin in either order."""
    han = "".join(letter for letter in in_file if "\u3400" <= letter <= "\U0003ffff")
    if han:
        return han == "".join(ours.split())
    syllables = lazy_pinyin("".join(ours.split()))
    family, given = (syllables[0], "".join(syllables[1:])) if syllables else ("", "")
    return _letters(in_file) in {family + given, given + family, _letters(ours)} - {""}


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return re.sub(r"[^a-z]", "", plain)

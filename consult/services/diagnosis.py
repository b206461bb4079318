"""ICD-10 codes beside the words of a diagnosis: checked, and written out as they are when something is signed."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from consult.codes import icd10
from consult.errors import Refusal

Coded = dict[str, str]


def codes(typed: Iterable[str]) -> list[str]:
    """Tidy, each once, in their order. Refuses what is no code, and more than `icd10.MOST`."""
    tidy = list(dict.fromkeys(icd10.tidy(code) for code in typed))
    wrong = [code for code in tidy if icd10.entry(code) is None]
    if wrong:
        words = _("%(codes)s is no ICD-10 code. Search for the diagnosis, or leave the code out.")
        raise Refusal("unknown_code", words % {"codes": ", ".join(wrong)})
    if len(tidy) > icd10.MOST:
        raise Refusal("too_many_codes", _("These are too many codes: 20 are the most."))
    return tidy


def written(chosen: Iterable[str]) -> list[Coded]:
    """The codes with their names of today, for what is signed: a later table does not change it."""
    entries = [found for code in chosen if (found := icd10.entry(code))]
    return [{"code": one.code, "name": one.name_zh or one.name_en, "name_en": one.name_en} for one in entries]

"""ICD-10: found by code, English, Chinese, pinyin and initials; kept, signed and printed beside the words."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from consult.codes import icd10
from consult.codes.chinese import NAMES
from consult.errors import Refusal
from consult.models import Consultation, Decision
from consult.services import consultation, decision, diagnosis, opinion
from tests import cast as people
from tests.cast import PASSWORD, Cast
from tests.consult.pages.browsers import JSON, browser, page_of


@pytest.mark.parametrize(
    ("sought", "first"),
    [
        ("I20.0", "I20.0"), ("i200", "I20.0"), ("i20", "I20"), ("不稳定型心绞痛", "I20.0"), ("心绞痛", "I20.9"),
        ("buwending", "I20.0"), ("bwdxxjt", "I20.0"), ("肺炎", "J18.9"), ("unstable angina", "I20.0"),
        ("angina unst", "I20.0"), ("appendicitis acute", "K35"), ("高血压", "I10"),
        ("yfxgxy", "I10"), ("  ", ""), ("ᚠᚢᚦ", ""),
    ],
)  # fmt: skip
def test_a_code_is_found_by_what_a_doctor_types(sought: str, first: str) -> None:
    found = icd10.search(sought)
    assert (found[0].code if found else "") == first
    assert len(found) <= icd10.MOST


def test_the_chinese_names_are_of_codes_that_exist_and_of_one_each() -> None:
    assert [code for code in NAMES if icd10.entry(code) is None] == []
    assert len(set(NAMES.values())) == len(NAMES) > 250


def test_codes_are_tidied_and_what_is_none_is_refused() -> None:
    assert diagnosis.codes(["i200", "I20.0", " i10"]) == ["I20.0", "I10"]
    many = [found.code for letter in "ABCD" for found in icd10.search(f"{letter}1")]
    for wrong, code in ((["I20.0", "X"], "unknown_code"), (many, "too_many_codes")):
        with pytest.raises(Refusal) as refused:
            diagnosis.codes(wrong)
        assert refused.value.code == code


def test_they_are_kept_signed_printed_and_taken_over_by_an_amendment(cast: Cast, tmp_path: Path) -> None:
    thing = people.opinion_due(cast, present_codes=["I20.0", "I10"])
    version = people.sign(cast, thing, diagnosis_codes=["I21.4"])  # type: ignore[arg-type]
    assert version.about["codes"]["present"][0] == {
        "code": "I20.0",
        "name": "不稳定型心绞痛",
        "name_en": "Unstable angina",
    }
    assert opinion.digest(version) == version.sha256
    (tmp_path / "paper.pdf").write_bytes(opinion.printed(version=version))
    text = subprocess.run(["pdftotext", tmp_path / "paper.pdf", "-"], capture_output=True, check=True).stdout.decode()
    bare = "".join(text.split())
    assert [words in bare for words in ("I20.0不稳定型心绞痛", "I10原发性高血压", "I21.4急性心内膜下心肌梗死")] == [
        True
    ] * 3
    draft = opinion.amend(consultation=thing, by=cast.expert, reason="补充")
    assert draft.diagnosis_codes == ["I21.4"]
    second = opinion.sign(consultation=thing, by=cast.expert, password=PASSWORD, draft_rev=draft.draft_rev)
    made = decision.record(
        version=second,
        by=cast.doctor,
        verdict="adopted",
        reason="",
        final_diagnosis="心梗",
        final_codes=["i214", "E11.9"],
    )
    assert Decision.objects.get(pk=made.pk).final_codes == ["I21.4", "E11.9"]


def test_the_forms_keep_them_and_free_text_is_always_enough(cast: Cast) -> None:
    draft = people.draft(cast)
    url = f"/consultations/{draft.pk}/autosave/?step=question"
    page = browser(cast.doctor)

    def saved(**fields: str) -> Any:
        answer = page.post(url, fields).json()
        return Consultation.objects.get(pk=draft.pk).present_codes, list(answer["unkept"])

    assert saved(present_codes="i200 I10") == (["I20.0", "I10"], [])
    assert saved(present_codes="I20.0 nonsense") == (["I20.0", "I10"], ["present_codes"])
    assert "I20.0 I10" in page_of(page.get(f"/consultations/{draft.pk}/edit/question/"))
    assert saved(present_codes="") == ([], [])
    assert consultation.missing(Consultation.objects.get(pk=draft.pk)) == []


def test_the_search_answers_in_the_language_of_the_page(cast: Cast) -> None:
    page = browser(cast.doctor)
    found = page.get("/diagnoses/?q=i20.0", headers={**JSON, "Accept-Language": "en"}).json()["found"]
    assert found == [{"code": "I20.0", "name": "Unstable angina"}]
    chinese = page.get("/diagnoses/?codes=I20.0+X+I10", headers={**JSON, "Accept-Language": "zh-hans"}).json()["found"]
    assert chinese == [{"code": "I20.0", "name": "不稳定型心绞痛"}, {"code": "I10", "name": "原发性高血压"}]

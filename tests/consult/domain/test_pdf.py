"""The printed opinion: all words are there as they were written, the same bytes each time, a file for the archive."""

import re
import subprocess
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from consult.models import OpinionVersion
from consult.paper import glyphs
from consult.paper.labels import CODES, EN, ZH
from consult.paper.opinion import Facts, age, render
from consult.services import opinion, patient
from tests import cast as people
from tests.cast import OPINION, REQUEST, Cast

CHINA = timezone(timedelta(hours=8))
FACTS = Facts(
    number=1,
    texts=OPINION,
    amendment_reason="",
    signer_name="张文博",
    signer_title="chief",
    licence_number="110100000000004",
    signed_at=datetime(2026, 11, 22, 15, 4, 5, tzinfo=CHINA),
    submitted_at=datetime(2026, 11, 22, 14, 0, tzinfo=CHINA),
    sha256="0123456789abcdef" * 4,
    about={
        "number": "C20261122-0001",
        "patient": {"name": "王桂英", "sex": "female", "birth_date": "1956-03-08", "record_number": "N-0001"},
        "request": {name: words for name, words in REQUEST.items() if isinstance(words, str)},
        "asking": {
            "hospital": "泥屯镇中心卫生院", "hospital_en": "Nitun Township Health Centre", "department": "全科",
            "department_en": "General Practice", "asker": "李秀兰", "asker_en": "Li Xiulan",
        },
        "answering": {
            "hospital": "山西省人民医院", "hospital_en": "Shanxi Provincial People's Hospital",
            "department": "心血管内科", "department_en": "Cardiology", "signer_en": "Zhang Wenbo",
        },
    },
)  # fmt: skip
MARKUP = """#set page(fill: red) #panic("x") $x^2$ *粗* _斜_ `code` @ref <label> = 标题
- 列 + 项 / 词: 义 \\ \\u{41} "引" '号' [块] {组} ~ // 注 /* 注 */ #include "/etc/passwd" %s {0} &amp; <b>x</b>"""


def _run(program: str, content: bytes, folder: Path, *options: str) -> str:
    file = folder / "opinion.pdf"
    file.write_bytes(content)
    after = ["-"] if program == "pdftotext" else []
    done = subprocess.run([program, *options, file, *after], capture_output=True, check=True)
    return done.stdout.decode()


def _bare(words: str) -> str:
    return re.sub(r"[\s\u200b]+", "", words).replace("’", "'")


def _text(content: bytes, folder: Path) -> str:
    """All words of a PDF in reading order, without the white space that lines and columns bring."""
    return _bare(_run("pdftotext", content, folder))


def _pages(content: bytes, folder: Path) -> int:
    found = re.search(r"^Pages:\s+(\d+)$", _run("pdfinfo", content, folder), re.MULTILINE)
    assert found
    return int(found[1])


def _named(name: str) -> Facts:
    about: dict[str, Any] = {**FACTS.about, "patient": {**FACTS.about["patient"], "name": name}}
    return replace(FACTS, about=about)


def test_what_was_signed_is_on_the_paper_and_always_the_same_bytes(cast: Cast, tmp_path: Path) -> None:
    version = people.sign(cast, people.opinion_due(cast))
    first = opinion.printed(version=version)
    text = _text(first, tmp_path)
    asked = [REQUEST[name] for name in ("reason", "record_summary", "tests", "present_diagnosis", "question")]
    wanted = [
        *OPINION.values(), *asked, "王桂英", "N-0001", "女", "1956-03-08", "泥屯镇中心卫生院 全科", "李秀兰",
        "山西省人民医院 心血管内科", "张文博 主任医师", version.licence_number, version.sha256, version.about["number"],
        "第1版", ZH["title"], ZH["note"], "加急", "明确诊断", "第 1 页，共 1 页",
    ]  # fmt: skip
    assert [words for words in wanted if _bare(words) not in text] == []
    patient.correct(patient=cast.patient, by=cast.doctor, fields={"name": "另一个人"})
    again = OpinionVersion.objects.get(pk=version.pk)
    assert opinion.printed(version=again) == first
    assert opinion.printed(version=again, language="xx") == first


def test_the_labels_speak_english_when_asked(tmp_path: Path) -> None:
    text = _text(render(FACTS, "en"), tmp_path)
    wanted = [
        *OPINION.values(), EN["title"], "Findings", "Recommendation", "Shanxi Provincial People's Hospital",
        "Chief physician", "Zhang Wenbo（张文博）", "王桂英", "Li Xiulan", "Female", "Page 1 of 1", EN["note"],
    ]  # fmt: skip
    assert [words for words in wanted if _bare(words) not in text] == []
    assert ZH["title"] not in text


def test_every_label_and_code_is_there_in_both_languages() -> None:
    assert ZH.keys() == EN.keys()
    assert CODES["zh-hans"].keys() == CODES["en"].keys()


def test_it_is_a4_and_says_pdf_a_2b(tmp_path: Path) -> None:
    content = render(FACTS)
    facts = dict(line.split(":", 1) for line in _run("pdfinfo", content, tmp_path).splitlines() if ":" in line)
    assert [facts[name].strip() for name in ("Page size", "Pages", "JavaScript", "Encrypted", "Form")] == [
        "595.276 x 841.89 pts (A4)", "1", "no", "no", "none",
    ]  # fmt: skip
    assert FACTS.about["number"] in facts["Title"]
    assert re.search(rb"pdfaid:part>\s*2\s*<", content)
    assert re.search(rb"pdfaid:conformance>\s*B\s*<", content)
    fonts = _run("pdffonts", content, tmp_path).splitlines()[2:]
    assert fonts
    assert {line.split()[-5] for line in fonts} == {"yes"}  # embedded


def test_words_are_never_markup(tmp_path: Path) -> None:
    sly = '#set*王_$<桂>"英\\@'
    facts = replace(_named(sly), texts={name: f"{name} {MARKUP}" for name in OPINION}, amendment_reason=MARKUP)
    text = _text(render(facts), tmp_path)
    assert [text.count(_bare(MARKUP)), text.count(_bare(sly))] == [4, 2]


@pytest.mark.parametrize("char", "㛃䶮𠅤𬱖·")
def test_a_rare_name_is_shown_or_its_code_is(tmp_path: Path, char: str) -> None:
    shown = f"〔U+{ord(char):04X}〕" if glyphs.unprintable(char) else char
    assert f"王{shown}英" in _text(render(_named(f"王{char}英")), tmp_path)


def test_what_the_font_has_and_has_not() -> None:
    assert glyphs.unprintable("王䶮，A–Z 0.1mV ≥ ℃ μg\n\t（）“”") == []
    bad = ["\u202e", "\u200b", "\x07", "\ue000", "\U0001f600"]
    assert glyphs.unprintable("a".join(bad) + bad[0]) == bad
    assert glyphs.shown("王\ue000英") == "王〔U+E000〕英"


def test_a_long_opinion_goes_on_overleaf_and_every_page_says_whose_it_is(tmp_path: Path) -> None:
    lines = "\n".join(f"第{count}行：窦性心律，V1-V4 ST段压低0.1mV，血压145/90mmHg。" for count in range(1, 121))
    content = render(replace(FACTS, texts={**OPINION, "findings": lines}))
    pages, text = _pages(content, tmp_path), _text(content, tmp_path)
    assert pages >= 3
    assert [count for count in range(1, 121) if f"第{count}行：" not in text] == []
    assert text.count(FACTS.sha256) == pages
    assert [f"第{page}页，共{pages}页" in text for page in range(1, pages + 1)] == [True] * pages


@pytest.mark.parametrize("words", ["长" * 20_000, "W" * 20_000, "）" * 500, "\n" * 500 + "终"])
def test_the_longest_words_stay_on_the_paper(tmp_path: Path, words: str) -> None:
    content = render(replace(FACTS, texts={**OPINION, "recommendation": words}))
    assert _text(content, tmp_path).count(words[-1]) >= words.count(words[-1])
    boxes = re.findall(r'xMax="([\d.]+)"', _run("pdftotext", content, tmp_path, "-bbox"))
    assert max(map(float, boxes)) < 595.276 - 50  # the margin is 22 mm; punctuation may hang into it
    assert render(_named("W" * 60))  # the longest name of a patient


def test_an_amended_version_says_so_and_why(tmp_path: Path) -> None:
    text = _text(render(replace(FACTS, number=2, amendment_reason="补充肌钙蛋白结果")), tmp_path)
    assert [words in text for words in ("第2版", ZH["amended"], "补充肌钙蛋白结果")] == [True] * 3
    plain = _text(render(FACTS), tmp_path)
    assert [words in plain for words in ("第1版", ZH["amended"], ZH["amendment_reason"])] == [True, False, False]


@pytest.mark.parametrize(
    ("born", "words"),
    [
        ("1956-03-09", "70 岁"),
        ("1956-11-23", "69 岁"),
        ("2026-11-22", "0 个月"),
        ("2024-11-23", "23 个月"),
        ("2024-11-22", "2 岁"),
    ],
)
def test_ages_are_years_and_months_below_two(born: str, words: str) -> None:
    assert age(date.fromisoformat(born), date(2026, 11, 22), ZH) == words


def test_the_page_has_ink_from_head_to_foot_and_clean_margins(tmp_path: Path) -> None:
    (tmp_path / "opinion.pdf").write_bytes(render(FACTS))
    subprocess.run(["pdftoppm", "-r", "50", "-gray", tmp_path / "opinion.pdf", tmp_path / "page"], check=True)
    header, size, _depth, pixels = (tmp_path / "page-1.pgm").read_bytes().split(b"\n", 3)
    width, height = map(int, size.split())
    rows = [pixels[row * width : (row + 1) * width] for row in range(height)]
    darkest = [min(min(row) for row in rows[part * height // 4 : (part + 1) * height // 4]) for part in range(4)]
    assert header == b"P5"
    assert [dark < 200 for dark in darkest] == [True] * 4
    assert min(min(row[: width // 20] + row[-width // 20 :]) for row in rows) == 255

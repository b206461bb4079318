"""Both languages complete: every text of the code has a Chinese translation with the same placeholders."""

from pathlib import Path

import polib
import pytest

from telemed.management.commands.translations import compile_catalogue, entry_problems, problems


@pytest.mark.slow
def test_every_text_is_translated() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        (polib.POEntry(msgid="Save", msgstr="保存"), []),
        (polib.POEntry(msgid="Save", msgstr=""), ["not translated: 'Save' ()"]),
        (polib.POEntry(msgid="Save", msgstr="保存", flags=["fuzzy"]), ["fuzzy: 'Save' ()"]),
        (polib.POEntry(msgid="%(n)s files", msgstr="%(n)s 个文件"), []),
        (polib.POEntry(msgid="%(n)s files", msgstr="几个文件"), ["other placeholders: '%(n)s files' ()"]),
        (polib.POEntry(msgid="{n} files", msgstr="{m} 个文件"), ["other placeholders: '{n} files' ()"]),
        (polib.POEntry(msgid="One", msgid_plural="%(n)s", msgstr_plural={0: "%(n)s"}), []),
        (polib.POEntry(msgid="One", msgid_plural="%(n)s", msgstr_plural={0: ""}), ["not translated: 'One' ()"]),
    ],
)
def test_what_counts_as_a_problem(entry: polib.POEntry, found: list[str]) -> None:
    assert entry_problems(entry) == found


def test_compiling_needs_no_gettext_and_happens_once(tmp_path: Path) -> None:
    source = tmp_path / "django.po"
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    catalogue.append(polib.POEntry(msgid="Save", msgstr="保存"))
    catalogue.save(str(source))
    compile_catalogue(source)
    compiled = source.with_suffix(".mo")
    assert [(entry.msgid, entry.msgstr) for entry in polib.mofile(str(compiled))] == [("Save", "保存")]
    before = compiled.stat().st_mtime_ns
    compile_catalogue(source)
    assert compiled.stat().st_mtime_ns == before

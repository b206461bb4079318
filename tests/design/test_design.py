"""The design system keeps its promises: icons exist, nothing inline, every tag says what it means."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.template import Context, Template
from django.utils import timezone, translation

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static/js").rglob("*.js"))
STYLES = sorted((ROOT / "static/css").glob("*.css"))
ICONS = set((ROOT / "static/icons/names.txt").read_text().split())


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def draw(source: str, **context: object) -> str:
    return Template("{% load ui %}" + source).render(Context(context))


def test_every_icon_named_in_a_template_or_script_is_in_the_sprite():
    named = set()
    for path in TEMPLATES:
        named |= set(re.findall(r"{% icon \"([a-z0-9-]+)\"", path.read_text()))
    for path in SCRIPTS:
        named |= set(re.findall(r"\bicon\(\"([a-z0-9-]+)\"", path.read_text()))
    from consult.templatetags import ui

    named |= {name for _, name in ui.STATES.values()} | set(ui.URGENCIES.values()) | set(ui.CLOCK_ICONS.values())
    assert len(named) > 40
    assert named - ICONS == set()


def test_no_template_has_inline_style_or_script():
    offenders = []
    for path in TEMPLATES:
        text = path.read_text()
        inline = re.search(r"\sstyle=|<style|\son[a-z]+=\"|javascript:", text)
        script = re.search(r"<script(?![^>]*(?:src=|application/json))", text)
        if inline or script:
            offenders.append(str(path.relative_to(ROOT)))
    assert offenders == []


def test_style_sheets_and_modules_stay_small():
    long = [p.name for p in STYLES if len(p.read_text().splitlines()) > 400]
    long += [p.name for p in SCRIPTS if len(p.read_text().splitlines()) > 200]
    assert long == []


def test_every_class_colour_comes_from_a_token():
    """Raw colours stand only where the page is always dark, and in the tokens."""
    allowed = {
        "tokens.css",
        "room.css",
        "tiles.css",
        "viewer.css",
        "marks.css",
        "panes.css",
        "volume.css",
        "slides.css",
        "devices.css",
        "equipment.css",
        "print.css",
        "recording.css",
    }
    raw = {p.name for p in STYLES if re.search(r"#[0-9a-fA-F]{3,8}\b", p.read_text())} - allowed
    assert raw == {"record.css", "steps.css"}  # the black of an image, the white of signing paper


def test_both_dark_themes_are_the_same():
    text = (ROOT / "static/css/tokens.css").read_text()
    system, chosen = re.findall(r"color-scheme: dark;(.*?)}", text, re.S)
    assert [line.strip() for line in system.split("\n")] == [line.strip() for line in chosen.split("\n")]


def test_lock_file_names_no_registry():
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


@pytest.mark.parametrize(
    ("minutes", "state", "words"),
    [
        (-12, "late", "12 min late"),
        (8.5, "soon", "8 min left"),
        (200, "ok", "3 h left"),
        (-5000, "late", "3 days late"),
    ],
)
def test_clock_says_in_words_how_late_it_is(minutes: float, state: str, words: str):
    html = draw("{% clock due %}", due=timezone.now() + timedelta(minutes=minutes))
    assert f'data-clock="{state}"' in html
    assert f"<span data-clock-text>{words}</span>" in html


def test_a_paused_clock_and_no_clock():
    assert "<span data-clock-text>Clock paused</span>" in draw("{% clock due paused=True %}", due=None)
    assert draw("{% clock due %}", due=None) == ""


def test_state_and_urgency_have_colour_icon_and_word():
    state = draw('{% state_badge "IN_SESSION" %}')
    assert "tone-live" in state
    assert "#video" in state
    assert "In session</span>" in state
    urgency = draw('{% urgency_badge "emergency" %}')
    assert "urgency-emergency" in urgency
    assert "#siren" in urgency
    assert "Emergency</span>" in urgency


def test_badge_words_are_escaped():
    assert "<b>" not in draw("{% state_badge 'DRAFT' label %}", label="<b>x</b>")


class Question(forms.Form):
    reason = forms.CharField(label="Reason", help_text="Say why", widget=forms.Textarea)
    urgency = forms.ChoiceField(widget=forms.RadioSelect, choices=[("a", "Now"), ("b", "Later")])
    note = forms.CharField(required=False)


def test_a_field_has_label_hint_and_error_tied_to_its_control():
    html = draw("{% field form.reason %}", form=Question({"urgency": "a"}))
    assert '<label for="id_reason">Reason</label>' in html
    assert 'id="id_reason_helptext"' in html
    assert 'id="id_reason_error"' in html
    assert re.search(r'<textarea[^>]*class="textarea"', html)
    assert re.search(r'aria-describedby="id_reason_helptext[^"]*"', html)
    assert 'aria-invalid="true"' in html


def test_choices_are_a_fieldset_and_optional_is_said():
    form = Question()
    html = draw("{% field form.urgency cards=True %}{% field form.note %}", form=form)
    assert html.count("<legend>") == 1
    assert html.count('type="radio"') == 2
    assert "(optional)" in html

"""Coded diagnoses in a page: code and name, in the reader's language."""

from collections.abc import Iterable

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from consult.codes import icd10

register = template.Library()


@register.simple_tag
def diagnoses(coded: Iterable[str | dict[str, str]] | None) -> SafeString | str:
    """A list of codes, or of what `services.diagnosis.written` kept of them; nothing when it is empty."""
    language = get_language() or ""
    pairs = [_pair(one, language) for one in coded or []]
    if not pairs:
        return ""
    items = format_html_join("", '<li class="chip"><code>{}</code> {}</li>', pairs)
    return format_html('<ul class="chips" aria-label="ICD-10">{}</ul>', items)


def _pair(one: str | dict[str, str], language: str) -> tuple[str, str]:
    if isinstance(one, dict):
        return one["code"], one["name_en" if language.startswith("en") else "name"]
    entry = icd10.entry(one)
    return one, entry.name(language) if entry else ""

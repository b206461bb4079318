"""The pieces every page is made of: icons, badges, clocks, times, fields, the import map. Knows no model."""

import json
from datetime import datetime
from typing import Any

from django import template
from django.contrib.staticfiles.storage import staticfiles_storage
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, FileInput, RadioSelect, Select, Textarea
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from consult.states import State

register = template.Library()

# state code -> (tone, icon)
STATES = {
    "draft": ("neutral", "pencil"),
    "submitted": ("info", "send"),
    "triage": ("info", "clipboard-list"),
    "needs_info": ("warn", "circle-help"),
    "returned": ("warn", "undo-2"),
    "offered": ("info", "user-check"),
    "declined": ("warn", "user-x"),
    "accepted": ("accent", "check"),
    "scheduled": ("accent", "calendar-clock"),
    "waiting": ("accent", "hourglass"),
    "in_session": ("live", "video"),
    "interrupted": ("danger", "wifi-off"),
    "async_review": ("accent", "file-search"),
    "opinion_due": ("warn", "file-pen"),
    "signed": ("ok", "file-check"),
    "acknowledged": ("ok", "check-check"),
    "follow_up": ("ok", "calendar-check"),
    "closed": ("neutral", "archive"),
    "cancelled": ("neutral", "ban"),
    "no_show": ("danger", "user-x"),
    "expired": ("danger", "timer-off"),
    "referred": ("info", "arrow-right-left"),
}
URGENCIES = {"emergency": "siren", "urgent": "triangle-alert", "routine": "clock"}
CLOCK_ICONS = {"late": "alarm-clock", "soon": "clock-alert", "paused": "circle-pause", "ok": "clock"}


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """An icon of static/icons/names.txt, hidden from screen readers: the word beside it is the name."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css,
        static("vendor/icons.svg"),
        name,
    )


@register.simple_tag
def state_badge(code: str, label: str = "") -> SafeString:
    """Colour, icon and word of a consultation's state; `label` says it in other words than the state table."""
    key = str(code).lower()
    tone, name = STATES.get(key, ("neutral", "circle"))
    words = label or dict(State.choices).get(key.upper(), key)
    return format_html('<span class="badge tone-{}" data-state="{}">{}{}</span>', tone, key, icon(name), words)


@register.simple_tag
def duration(seconds: float) -> str:
    """05:07, 1:05:07."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


@register.simple_tag
def urgency_badge(code: str, label: str = "") -> SafeString:
    """The first thing seen in a list: a pill, filled red or amber, or outlined."""
    key = str(code).lower()
    words = label or {"emergency": _("Emergency"), "urgent": _("Urgent"), "routine": _("Routine")}.get(key, key)
    name = URGENCIES.get(key, "clock")
    return format_html(
        '<span class="badge urgency urgency-{}" data-urgency="{}">{}{}</span>', key, key, icon(name), words
    )


@register.simple_tag
def relative_time(value: datetime | None, missing: str = "–") -> SafeString | str:
    """A `<time>` that base/times.js turns into "5 min ago" in the viewer's zone; the exact time on hover."""
    if value is None:
        return missing
    exact = date_format(timezone.localtime(value), "DATETIME_FORMAT")
    return format_html('<time datetime="{}" data-relative title="{}">{}</time>', value.isoformat(), exact, exact)


@register.simple_tag
def exact_time(value: datetime | None, missing: str = "–") -> SafeString | str:
    """A `<time>` with date and minute, put into the viewer's zone by base/times.js."""
    if value is None:
        return missing
    exact = date_format(timezone.localtime(value), "DATETIME_FORMAT")
    return format_html('<time datetime="{}" data-exact>{}</time>', value.isoformat(), exact)


@register.simple_tag
def clock(due: datetime | None, paused: bool = False, soon: int = 15) -> SafeString:
    """Time left until `due`, kept moving by base/times.js; amber from `soon` minutes before, red with a word after."""
    if due is None and not paused:
        return mark_safe("")
    left = (due - timezone.now()).total_seconds() if due else 0
    state = "paused" if paused else "late" if left < 0 else "soon" if left <= soon * 60 else "ok"
    icons = mark_safe("".join(icon(name, f"clock-{key}") for key, name in CLOCK_ICONS.items()))  # noqa: S308
    return format_html(
        '<span class="clock" data-clock="{}" data-due="{}" data-soon="{}">{}<span data-clock-text>{}</span></span>',
        state,
        due.isoformat() if due else "",
        soon * 60,
        icons,
        _clock_words(state, abs(left)),
    )


def _clock_words(state: str, seconds: float) -> str:
    """The same words as base/times.js, so that nothing jumps when the script takes over."""
    if state == "paused":
        return _("Clock paused")
    minutes = int(seconds // 60)
    if minutes < 100:
        span = _("%(count)s min") % {"count": minutes}
    elif minutes < 48 * 60:
        span = _("%(count)s h") % {"count": minutes // 60}
    else:
        span = _("%(count)s days") % {"count": minutes // 1440}
    return (_("%(span)s late") if state == "late" else _("%(span)s left")) % {"span": span}


@register.inclusion_tag("_field.html")
def field(bound: BoundField, cards: bool = False, short: bool = False) -> dict[str, Any]:
    """One form field with label, hint and errors. `cards` draws radio choices as boxes, `short` narrows the input."""
    widget = bound.field.widget
    kind = "input"
    for name, types in {
        "choices": (RadioSelect, CheckboxSelectMultiple),
        "check": (CheckboxInput,),
        "textarea": (Textarea,),
        "select": (Select,),
        "file": (FileInput,),
    }.items():
        if isinstance(widget, types):
            kind = name
            break
    classes = {"input": "input", "textarea": "textarea", "select": "select", "file": "input"}.get(kind, "")
    own = widget.attrs.get("class", "")
    words = " ".join(filter(None, [classes, "input-short" if short else "", own]))
    attrs: dict[str, str | bool] = {"class": words} if classes else {}
    return {"field": bound, "kind": kind, "cards": cards, "control": bound.as_widget(attrs=attrs)}


@register.simple_tag(takes_context=True)
def importmap(context: template.Context) -> SafeString:
    """Where `import "@/base/toasts.js"` and `import "@vendor/tus.js"` lead, also when file names carry hashes."""
    imports = {"@/": static("js/"), "@vendor/": static("vendor/")}
    for path in getattr(staticfiles_storage, "hashed_files", {}):
        for prefix, folder in (("@/", "js/"), ("@vendor/", "vendor/")):
            if path.startswith(folder) and path.endswith(".js"):
                imports[prefix + path.removeprefix(folder)] = static(path)
    return format_html(
        '<script type="importmap" nonce="{}">{}</script>',
        _nonce(context),
        mark_safe(json.dumps({"imports": imports}).replace("<", "\\u003c")),  # noqa: S308
    )


@register.simple_tag(takes_context=True)
def module(context: template.Context, path: str) -> SafeString:
    """`{% module "room/main.js" %}`: the script tag of an ES module under static/js."""
    return format_html('<script type="module" src="{}" nonce="{}"></script>', static(f"js/{path}"), _nonce(context))


def _nonce(context: template.Context) -> str:
    # No truth test: django-csp's lazy nonce is false until somebody has read it.
    return str(getattr(context.get("request"), "csp_nonce", ""))

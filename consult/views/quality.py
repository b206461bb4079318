"""How good a call was: pages in the call write it, the desk and the regulator read it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from consult import policies
from consult.errors import NotAllowed, Refusal
from consult.forms.quality import QualityForm
from consult.models import CallQuality, Consultation
from consult.services import quality
from consult.views.reading import opened


@dataclass(frozen=True, slots=True)
class Line:
    """One page's call in words; `level` 3 good, 2 slow, 1 poor."""

    name: str
    began_at: datetime
    minutes: int
    level: int
    words: str
    figures: str


@require_POST
@login_required
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """From the page of the call, every half minute and when it is left."""
    consultation = get_object_or_404(
        policies.visible_consultations(request.user).prefetch_related("participants"), pk=pk
    )
    form = QualityForm(request.POST)
    if not form.is_valid():
        raise Refusal("malformed", _("This was not understood."))
    figures = dict(form.cleaned_data)
    quality.note(consultation=consultation, by=request.user, session=figures.pop("session"), figures=figures)
    return HttpResponse(status=204)


@require_safe
@login_required
def section(request: HttpRequest, pk: int) -> HttpResponse:
    consultation = opened(request, pk)
    if not policies.may_see_quality(request.user, consultation):
        raise NotAllowed("desk_only", _("Call quality is for the schedulers and the regulator."))
    context = {"consultation": consultation, **section_context(request, consultation)}
    return render(request, "quality/_section.html", context)


def section_context(request: HttpRequest, consultation: Consultation) -> dict[str, object]:
    """`may_see_quality` and, for those, `quality_lines`."""
    may_see = policies.may_see_quality(request.user, consultation)
    rows = policies.visible_qualities(request.user, consultation) if may_see else []
    return {"may_see_quality": may_see, "quality_lines": lines(rows)}


def lines(rows: Iterable[CallQuality]) -> list[Line]:
    return [
        Line(row.person.display_name, row.began_at, -(-row.seconds // 60), _level(row), _words(row), _figures(row))
        for row in rows
    ]


def _level(row: CallQuality) -> int:
    """By the time spent below good: a tenth of it poor or cut is a poor call, a fifth slow a slow one."""
    total = max(row.seconds, 1)
    if (row.poor + row.lost) / total > 0.1:
        return 1
    return 2 if (row.slow + row.poor + row.lost) / total > 0.2 else 3


def _words(row: CallQuality) -> str:
    if not row.seconds:
        return _("Only the relay has told of this call")
    said = {3: _("Good"), 2: _("Slow at times"), 1: _("Poor at times")}[_level(row)]
    parts = [said]
    if row.lost:
        parts.append(_("%(seconds)s s without connection") % {"seconds": row.lost})
    if row.frozen_seconds >= 1:
        parts.append(_("picture stood still for %(seconds)s s") % {"seconds": round(row.frozen_seconds)})
    return " · ".join(parts)


def _figures(row: CallQuality) -> str:
    parts = []
    if row.seconds:
        parts = [
            _("lost %(in).1f %% in, %(out).1f %% out") % {"in": 100 * row.loss_in, "out": 100 * row.loss_out},
            _("delay %(mean)s ms, at worst %(worst)s ms") % {"mean": row.trip_ms, "worst": row.trip_worst_ms},
            _("jitter %(jitter)s ms") % {"jitter": row.jitter_ms},
            _("%(up)s kbit/s up, %(down)s kbit/s down") % {"up": row.up_kbps, "down": row.down_kbps},
        ]
    if row.relay_packets:
        share = 100 * (row.relay_lost or 0) / (row.relay_packets + (row.relay_lost or 0))
        parts.append(_("relay: %(share).2f %% never arrived") % {"share": share})
    return " · ".join(parts)

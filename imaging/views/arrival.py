"""What the hospital's devices sent and no consultation has yet: by study, to be placed or discarded."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from consult.models import Consultation, User
from consult.policies import consultation as consultations
from imaging.models import Arrival
from imaging.policies import arrival as policies
from imaging.services import arrivals

S = Arrival.State
STUDIES = 50  # shown at once, newest first


@dataclass(slots=True)
class Study:
    """Instances of one study and patient from one hospital; `fits` are the consultations whose patient agrees."""

    first: Arrival
    rows: list[Arrival] = field(default_factory=list)
    fits: list[Consultation] = field(default_factory=list)
    others: list[Consultation] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        return sum(row.state == S.WAITING for row in self.rows)

    @property
    def unread(self) -> int:
        return sum(row.state == S.RECEIVED for row in self.rows)

    @property
    def refused(self) -> list[Arrival]:
        return [row for row in self.rows if row.state == S.REFUSED]

    @property
    def size(self) -> int:
        return sum(row.size for row in self.rows)

    @property
    def modalities(self) -> str:
        return "/".join(sorted({row.modality for row in self.rows if row.modality})) or "DICOM"

    @property
    def last(self) -> Arrival:
        return self.rows[-1]


def studies(rows: QuerySet[Arrival]) -> list[Study]:
    """Arrivals by study, newest first."""
    found: dict[tuple[object, ...], Study] = {}
    for row in rows:
        key = (row.device.hospital_id, row.study_uid, row.patient_name, row.patient_id)
        found.setdefault(key, Study(row)).rows.append(row)
    return sorted(found.values(), key=lambda study: study.last.pk, reverse=True)


def count(rows: QuerySet[Arrival]) -> int:
    """How many `studies` would find, without fetching them."""
    return rows.order_by().values("device__hospital", "study_uid", "patient_name", "patient_id").distinct().count()


def _agrees(row: Arrival, consultation: Consultation) -> bool:
    named = bool(row.patient_name or row.patient_id) and consultation.patient is not None
    return named and not arrivals.differences(row, consultation)


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """`?for=<consultation>` has that one chosen."""
    found = studies(policies.visible_arrivals(request.user))
    shown = found[:STUDIES]
    targets: dict[int, list[Consultation]] = {}
    for study in shown:
        hospital = study.first.device.hospital_id
        if hospital not in targets:
            targets[hospital] = policies.targets(request.user, hospital)
        study.fits = [each for each in targets[hospital] if _agrees(study.first, each)]
        study.others = [each for each in targets[hospital] if each not in study.fits]
    context = {
        "studies": shown,
        "more": len(found) - len(shown),
        "chosen": _chosen(request),
        "is_busy": any(study.unread for study in shown),
    }
    answer = render(request, "arrival/page.html", context)
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_safe
@login_required
def waiting(request: HttpRequest) -> HttpResponse:
    """A link with how many studies wait; nothing when none does."""
    answer = render(request, "arrival/_waiting.html", {"count": count(policies.visible_arrivals(request.user))})
    answer["Cache-Control"] = "private, no-store"
    return answer


def _chosen(request: HttpRequest) -> Consultation | None:
    pk = request.GET.get("for", "")
    rows = consultations.visible_consultations(request.user).select_related("patient")
    return rows.filter(pk=pk).first() if pk.isdigit() and len(pk) < 12 else None


def _of_study(request: HttpRequest, pk: int) -> QuerySet[Arrival]:
    """All open arrivals of the study that arrival `pk` is of; 404 for whoever does not see it."""
    rows = policies.visible_arrivals(request.user)
    first = get_object_or_404(rows, pk=pk)
    return rows.filter(
        device__hospital=first.device.hospital_id,
        study_uid=first.study_uid,
        patient_name=first.patient_name,
        patient_id=first.patient_id,
    )


@require_POST
@login_required
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """`consultation` names where the study of arrival `pk` goes."""
    rows = _of_study(request, pk)
    wanted = request.POST.get("consultation", "")
    if not wanted.isdigit() or len(wanted) > 11:
        raise Http404
    seen = consultations.visible_consultations(request.user).select_related("patient")
    consultation = get_object_or_404(seen.prefetch_related("participants"), pk=wanted)
    made = arrivals.claim(arrivals=rows.values_list("pk", flat=True), consultation=consultation, by=request.user)
    if request.headers.get("HX-Request") == "true":
        answer = HttpResponse(status=204)
        answer["HX-Trigger"] = "images"
        return answer
    words = ngettext("%(count)d image added.", "%(count)d images added.", len(made)) % {"count": len(made)}
    messages.success(request, words)
    return redirect(f"{consultation.get_absolute_url()}#images-section")


@require_POST
@login_required
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    count = arrivals.discard(arrivals=_of_study(request, pk).values_list("pk", flat=True), by=request.user)
    messages.success(
        request, ngettext("%(count)d image discarded.", "%(count)d images discarded.", count) % {"count": count}
    )
    return redirect(reverse("arrivals"))


def context(user: User, consultation: Consultation) -> dict[str, Any]:
    """For the list of a consultation's images: studies that name its patient, and how many wait in all."""
    if not policies.may_place(user, consultation, consultation.hospital_id):
        return {"arrived": [], "arrivals_waiting": 0}
    seen = policies.visible_arrivals(user)
    here = studies(seen.filter(device__hospital=consultation.hospital_id, state=S.WAITING))
    fitting = [study for study in here if _agrees(study.first, consultation)]
    return {"arrived": fitting, "arrivals_waiting": count(seen)}

"""Making a request: a draft, four steps, the check before sending."""

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from consult import policies
from consult.errors import Conflict, NotAllowed, Refusal
from consult.forms.consultation import QuestionForm
from consult.forms.patient import PatientForm
from consult.models import Consultation, Department, Patient, Role, Specialty
from consult.policies import duty
from consult.services import consultation as consultations
from consult.services import patient as patients
from consult.states import State
from consult.views import consent

STEPS = {
    "patient": gettext_lazy("Patient"),
    "question": gettext_lazy("Question"),
    "images": gettext_lazy("Images"),
    "consent": gettext_lazy("Consent"),
    "check": gettext_lazy("Check and send"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Drafts to go on with; a POST starts another one."""
    if not policies.may_ask(request.user):
        raise NotAllowed("not_allowed", _("Only doctors of primary hospitals make requests."))
    ids = policies.departments_of(request.user, Role.Kind.DOCTOR)
    departments = Department.objects.filter(pk__in=ids).select_related("hospital")
    if request.method == "POST":
        chosen = request.POST.get("department") or departments[0].pk
        department = get_object_or_404(departments, pk=chosen if str(chosen).isdigit() else 0)
        draft = consultations.start_draft(by=request.user, department=department, **_wanted(request))
        return redirect("consultation-edit", draft.pk, "patient")
    drafts = Consultation.objects.filter(asker_id=request.user.pk, state=State.DRAFT).select_related("patient")
    return render(request, "request/new.html", {"drafts": drafts, "departments": departments})


def _wanted(request: HttpRequest) -> dict[str, Any]:
    """What the page of those on duty has chosen already: one of them, or a specialty."""
    if "role" in request.POST:
        shown = Role.objects.filter(pk__in=duty.present(request.user).values("role"))
        shown = shown.select_related("department", "hospital")
        return {"role": get_object_or_404(shown, pk=_number(request.POST["role"]))}
    specialty = request.POST.get("specialty", "")
    return {"specialty": specialty if specialty in Specialty.values else ""}


@require_POST
@login_required
def anybody(request: HttpRequest, pk: int) -> HttpResponse:
    draft = editable(request, pk)
    consultations.anybody(consultation=draft, by=request.user)
    return redirect("consultation-edit", draft.pk, "question")


def editable(request: HttpRequest, pk: int, step: str = "") -> Consultation:
    """The draft, or 404, 403, 409. Consent can still be taken after sending."""
    shown = policies.visible_consultations(request.user).select_related(
        "patient", "department", "hospital", "role_wanted__person", "role_wanted__department", "role_wanted__hospital"
    )
    draft = get_object_or_404(shown, pk=pk)
    if policies.may_edit(request.user, draft) or (step == "consent" and policies.may_consent(request.user, draft)):
        return draft
    if policies.side_of(request.user, draft) == "asking":
        raise Conflict("too_late", _("This request has been sent. Write a message, or ask for it to be returned."))
    raise NotAllowed("not_allowed", _("Only the asking side changes a request."))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    if step not in STEPS:
        raise Http404
    draft = editable(request, pk, step)
    handler = {"patient": _patient, "question": _question, "consent": consent.step}.get(step, _plain)
    answer = handler(request, draft)
    if isinstance(answer, HttpResponse):
        return answer
    lacks = consultations.missing(draft)
    undone = {step_of(item.field) for item in lacks} | {"check"}
    if not draft.images.exclude(state__in=["refused", "withdrawn", "unpacked"]).exists():
        undone.add("images")
    names = list(STEPS)
    steps = [
        {"name": name, "label": label, "done": name not in undone, "now": name == step} for name, label in STEPS.items()
    ]
    context = {
        "consultation": draft,
        "step": step,
        "steps": steps,
        "number": names.index(step) + 1,
        "previous": names[names.index(step) - 1] if step != "patient" else "",
        "following": names[names.index(step) + 1] if step != "check" else "",
        "missing": [(item, step_of(item.field)) for item in lacks],
    }
    has_errors = "form" in answer and answer["form"].errors
    return render(request, f"request/{step}.html", context | answer, status=422 if has_errors else 200)


def _plain(request: HttpRequest, draft: Consultation) -> HttpResponse | dict[str, Any]:
    return {}


def _patient(request: HttpRequest, draft: Consultation) -> HttpResponse | dict[str, Any]:
    kept = request.session.get(f"patient-{draft.pk}")
    if request.method != "POST":
        initial = kept or (_fields(draft.patient) if draft.patient else None)
        return {"form": PatientForm(initial=initial), "patients": _found(request, draft, "")}
    if "patient" in request.POST:
        chosen = get_object_or_404(_own_patients(request, draft), pk=_number(request.POST["patient"]))
        consultations.save_draft(consultation=draft, by=request.user, fields={"patient": chosen})
        return redirect("consultation-edit", draft.pk, "question")
    form = PatientForm(request.POST)
    if form.is_valid() and _entered(request, draft, form):
        request.session.pop(f"patient-{draft.pk}", None)
        return redirect("consultation-edit", draft.pk, "question")
    return {"form": form, "patients": _found(request, draft, "")}


def _entered(request: HttpRequest, draft: Consultation, form: PatientForm) -> bool:
    """Writes the patient, or puts the refusal into the form."""
    fields = form.cleaned_data
    try:
        if draft.patient and request.POST.get("correct"):
            patients.correct(patient=draft.patient, by=request.user, fields=fields)
        else:
            patient = patients.enter(by=request.user, department=draft.department, fields=fields)
            consultations.save_draft(consultation=draft, by=request.user, fields={"patient": patient})
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        return False
    return True


def _question(request: HttpRequest, draft: Consultation) -> HttpResponse | dict[str, Any]:
    if request.method != "POST":
        return {"form": QuestionForm(initial=_fields(draft), zone=_zone(request))}
    form = QuestionForm(request.POST, zone=_zone(request))
    consultations.save_draft(consultation=draft, by=request.user, fields=form.kept)
    if form.is_readable:
        return HttpResponseRedirect(reverse("consultation-edit", args=[draft.pk, "images"]))
    for name in [name for name, errors in form.errors.as_data().items() if errors[0].code == "required"]:
        del form.errors[name]  # empty is allowed in a draft: the check before sending names it
    return {"form": form}


def _zone(request: HttpRequest) -> ZoneInfo | None:
    """The zone of the reader's device, kept in a cookie by base/times.js; None when unknown: the site's."""
    try:
        return ZoneInfo(request.COOKIES.get("zone", ""))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@require_POST
@login_required
def autosave(request: HttpRequest, pk: int) -> HttpResponse:
    """Keeps what was typed so far. What cannot be, e.g. a past date, keeps its old value and is named in `unkept`."""
    draft = editable(request, pk)
    unkept: dict[str, str] = {}
    if request.GET.get("step") == "patient":
        typed = {name: request.POST.get(name, "")[:60] for name in PatientForm.base_fields}
        request.session[f"patient-{draft.pk}"] = typed
    else:
        form = QuestionForm(request.POST, zone=_zone(request))
        consultations.save_draft(consultation=draft, by=request.user, fields=form.kept)
        unkept = form.unkept
    return JsonResponse({"saved_at": timezone.now().isoformat(), "unkept": unkept})


@require_POST
@login_required
def submit(request: HttpRequest, pk: int) -> HttpResponse:
    draft = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    consultations.submit(consultation=draft, by=request.user)
    return redirect(draft)


@login_required
@require_http_methods(["GET", "HEAD"])
def patient_search(request: HttpRequest, pk: int) -> HttpResponse:
    """Patients of the draft's hospital by name, pinyin, initials or record number."""
    draft = editable(request, pk)
    words = request.GET.get("q", "").strip()[:60]
    context = {"consultation": draft, "patients": _found(request, draft, words), "words": words}
    return render(request, "request/_patients.html", context)


def _own_patients(request: HttpRequest, draft: Consultation) -> Any:
    return policies.visible_patients(request.user).filter(hospital_id=draft.hospital_id)


def _found(request: HttpRequest, draft: Consultation, words: str) -> list[Patient]:
    rows = _own_patients(request, draft).order_by("-pk")
    for word in words.lower().split():
        rows = rows.filter(Q(name__icontains=word) | Q(name_index__icontains=word) | Q(record_number__icontains=word))
    return list(rows[:8])


def _fields(thing: Consultation | Patient) -> dict[str, Any]:
    return {field.name: getattr(thing, field.name) for field in thing._meta.concrete_fields}


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def step_of(field: str) -> str:
    """The step where a missing field is filled in; "" when no step can help."""
    if field in ("patient", "consent"):
        return field
    return "question" if field in QuestionForm.base_fields else ""

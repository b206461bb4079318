"""Referrals: both sides' list, the page of one with its steps, the letters."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consult import policies
from consult.errors import NotAllowed, Refusal
from consult.forms.consultation import ReasonForm
from consult.forms.referral import ArrangeForm, DischargeForm, ReferralForm
from consult.models import Consultation, Letter, Referral, Role
from consult.policies import referral as referrals
from consult.services import audit, letter, notification
from consult.services import referral as service
from consult.states import REFERRAL_MOVES, REFERRAL_OPEN, ReferralState
from consult.views.reading import RELATED

PER_PAGE = 20
SHOWN = ("patient", "from_hospital", "from_department", "to_hospital", "to_department", "sender", "receiver")
Words = str | Promise
F = ReferralState
NEXT: dict[str, Words] = {
    F.ASKED: gettext_lazy("The receiving department accepts or refuses."),
    F.ACCEPTED: gettext_lazy("The receiving department arranges bed and date."),
    F.ARRANGED: gettext_lazy("The patient travels; the receiving department notes the arrival."),
    F.ARRIVED: gettext_lazy("The receiving department treats, then sends the discharge letter."),
    F.DISCHARGED: gettext_lazy("The sender reads the discharge letter and acknowledges it."),
    F.RECEIVED: gettext_lazy("The sender closes the referral."),
}
STEPS: dict[str, tuple[str, Words]] = {
    "ask": ("send", gettext_lazy("Asked, with the transfer letter")),
    "accept": ("check", gettext_lazy("Accepted")),
    "refuse": ("x", gettext_lazy("Refused")),
    "arrange": ("calendar-clock", gettext_lazy("Bed and date arranged")),
    "arrive": ("hospital", gettext_lazy("Patient arrived")),
    "discharge": ("file-text", gettext_lazy("Discharged, with the discharge letter")),
    "receive": ("check-check", gettext_lazy("Discharge letter acknowledged")),
    "close": ("archive", gettext_lazy("Closed")),
    "withdraw": ("undo-2", gettext_lazy("Withdrawn")),
}


@dataclass(frozen=True, slots=True)
class Plain:
    """An act by one button; `asks` opens the form for a reason."""

    verb: Words
    icon: str
    said: Words
    asks: bool = False


PLAIN: dict[str, Plain] = {
    "accept": Plain(gettext_lazy("Accept the patient"), "check", gettext_lazy("Accepted. The sender has been told.")),
    "arrive": Plain(gettext_lazy("The patient has arrived"), "hospital", gettext_lazy("The sender has been told.")),
    "receive": Plain(
        gettext_lazy("Acknowledge the letter"), "check-check", gettext_lazy("Acknowledged. The other hospital knows.")
    ),
    "close": Plain(gettext_lazy("Close the referral"), "archive", gettext_lazy("The referral is closed.")),
    "refuse": Plain(gettext_lazy("Refuse"), "x", gettext_lazy("Refused. The sender reads why."), asks=True),
    "withdraw": Plain(
        gettext_lazy("Withdraw"), "undo-2", gettext_lazy("Withdrawn. The other hospital knows."), asks=True
    ),
}


@require_safe
@login_required
def listing(request: HttpRequest) -> HttpResponse:
    """Whose turn it is: one's own, the other side's, what has ended."""
    if not referrals.may_see_list(request.user):
        raise Http404
    rows = referrals.visible_referrals(request.user).select_related(*SHOWN).order_by("-changed_at", "-pk")
    turn = referrals.waits_for(request.user)
    running = sorted({*REFERRAL_OPEN, F.RECEIVED})
    lists = []
    for name, title, chosen in (
        ("yours", _("Your turn"), rows.filter(turn)),
        ("theirs", _("The other side's turn"), rows.exclude(turn).filter(state__in=running)),
        ("ended", _("Ended referrals"), rows.exclude(state__in=running)),
    ):
        shown = Paginator(chosen, PER_PAGE).get_page(request.GET.get(name))
        lists.append(
            {"name": name, "title": title, "page": shown, "rows": [(one, NEXT.get(one.state, "")) for one in shown]}
        )
    may_send = bool(referrals.sending_roles(request.user))
    name = "referral/_lists.html" if getattr(request, "htmx", False) else "referral/list.html"
    return render(request, name, {"lists": lists, "may_send": may_send})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: HttpRequest) -> HttpResponse:
    """The transfer letter, from a consultation (`?consultation=`), a received referral (`?back_of=`) or by itself."""
    roles = referrals.sending_roles(request.user)
    if not roles:
        raise Http404
    thing, back = _origin(request)
    role = _role(roles, thing, back)
    hospital = role.hospital
    if hospital is None:
        raise Http404
    patients = None if thing or back else referrals.referable_patients(request.user).order_by("name_index")
    initial = _initial(thing, back)
    form = ReferralForm(
        request.POST or None, departments=referrals.targets(hospital), patients=patients, initial=initial
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = _ask(request, form, role, thing, back)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            messages.success(request, _("The referral is sent. The other hospital has been told."))
            return redirect(made)
    about = thing.patient if thing else back.patient if back else None
    context = {"form": form, "thing": thing, "back": back, "patient": about, "role": role}
    return render(request, "referral/new.html", context, status=422 if form.errors else 200)


def _origin(request: HttpRequest) -> tuple[Consultation | None, Referral | None]:
    """What it comes from; 404 when one may not see it, 403 when one may not refer from it."""
    wanted, back = request.GET.get("consultation", ""), request.GET.get("back_of", "")
    if wanted.isdigit():
        rows = policies.visible_consultations(request.user).select_related(*RELATED)
        thing = get_object_or_404(rows, pk=int(wanted))
        if not referrals.may_refer(request.user, thing):
            raise NotAllowed("not_referable", _("Patients are referred by the asking side, once it is answered."))
        return thing, None
    if back.isdigit():
        row = get_object_or_404(referrals.visible_referrals(request.user).select_related(*SHOWN), pk=int(back))
        if not referrals.may_send_back(request.user, row):
            raise NotAllowed("not_referable", _("The department that received the patient sends them back."))
        return None, row
    return None, None


def _role(roles: list[Role], thing: Consultation | None, back: Referral | None) -> Role:
    wanted = thing.department_id if thing else back.to_department_id if back else None
    return next((one for one in roles if one.department_id == wanted), roles[0])


def _initial(thing: Consultation | None, back: Referral | None) -> dict[str, Any]:
    if back is not None:
        last = back.letters.order_by("-pk").first()
        said = last.said if last else {"parts": {}, "codes": []}
        return {
            "to_department": back.from_department_id,
            "diagnosis": said["parts"].get("diagnosis", ""),
            "codes": [one["code"] for one in said["codes"]],
            "reason": _("Stable after treatment; rehabilitation near home."),
        }
    if thing is None:
        return {}
    version = thing.opinions.filter(versions__isnull=False).order_by("kind").first()
    signed = version.versions.order_by("-number").first() if version else None
    decision = thing.decisions.order_by("-pk").first()
    return {
        "to_department": thing.asked_department_id,
        "reason": signed.recommendation if signed else thing.question,
        "diagnosis": decision.final_diagnosis if decision else signed.diagnosis if signed else thing.present_diagnosis,
        "codes": (decision.final_codes if decision else []) or thing.present_codes,
        "treatment": thing.record_summary,
        "condition": thing.tests,
    }


def _ask(
    request: HttpRequest, form: ReferralForm, role: Role, thing: Consultation | None, back: Referral | None
) -> Referral:
    fields = form.cleaned_data
    letter.prove(request.user, fields["password"])
    patient = (thing.patient if thing else back.patient if back else fields["patient"]) or fields["patient"]
    return service.ask(
        by=request.user, role=role, patient=patient, to=fields["to_department"], texts=fields,
        consultation=thing, back_of=back,
    )  # fmt: skip


def _found(request: HttpRequest, pk: int) -> Referral:
    rows = referrals.visible_referrals(request.user).select_related(*SHOWN, "consultation", "back_of")
    return get_object_or_404(rows, pk=pk)


@require_safe
@login_required
def page(request: HttpRequest, pk: int) -> HttpResponse:
    row = _found(request, pk)
    audit.record_read(by=request.user, thing=row, consultation=row.consultation_id)
    notification.seen_of_referral(by=request.user, referral=row)
    return render(request, "referral/page.html", _context(request, row))


@require_safe
@login_required
def section(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "referral/_state.html", _context(request, _found(request, pk)))


def _context(request: HttpRequest, row: Referral, **forms_: Any) -> dict[str, Any]:
    may = referrals.moves(request.user, row)
    steps = [(*STEPS[one.name], one) for one in row.steps.select_related("by")]
    visible = row.consultation_id and policies.visible_consultation(request.user, row.consultation_id)
    last = row.letters.order_by("-pk").first()
    initial = {"diagnosis": last.said["parts"].get("diagnosis", "")} if last else {}
    if last:
        initial["codes"] = [one["code"] for one in last.said["codes"]]
    return {
        "referral": row,
        "side": referrals.side_of(request.user, row),
        "next": NEXT.get(row.state, ""),
        "is_yours": bool(may - {"withdraw"}),
        "acts": [(name, plain) for name, plain in PLAIN.items() if name in may],
        "may": may,
        "steps": steps,
        "letters": list(row.letters.select_related("signed_by").prefetch_related("seals")),
        "sees_consultation": bool(visible),
        "may_send_back": referrals.may_send_back(request.user, row),
        "arrange_form": forms_.get("arrange_form") or ArrangeForm(initial={"comes_at": row.comes_at, "bed": row.bed}),
        "discharge_form": forms_.get("discharge_form") or DischargeForm(initial=initial),
        "reason_form": forms_.get("reason_form") or ReasonForm(),
        "asked_for": forms_.get("asked_for", ""),
    }


def _answer(request: HttpRequest, row: Referral, said: object) -> HttpResponse:
    messages.success(request, str(said))
    return redirect(row)


@require_POST
@login_required
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """One of PLAIN; those that ask need a reason."""
    row = _found(request, pk)
    if name not in PLAIN:
        raise Http404
    plain = PLAIN[name]
    form = ReasonForm(request.POST) if plain.asks else None
    if form is not None and not form.is_valid() and referrals.side_of(request.user, row) == REFERRAL_MOVES[name].side:
        context = _context(request, row, reason_form=form, asked_for=name)
        return render(request, "referral/page.html", context, status=422)
    extra = {"reason": form.cleaned_data.get("reason", "")} if form is not None else {}
    getattr(service, name)(referral=row, by=request.user, **extra)
    return _answer(request, row, plain.said)


@require_POST
@login_required
def arrange(request: HttpRequest, pk: int) -> HttpResponse:
    row = _found(request, pk)
    form = ArrangeForm(request.POST)
    if not form.is_valid():
        return render(request, "referral/page.html", _context(request, row, arrange_form=form), status=422)
    service.arrange(referral=row, by=request.user, **form.cleaned_data)
    return _answer(request, row, _("Arranged. The sender has been told."))


@require_POST
@login_required
def discharge(request: HttpRequest, pk: int) -> HttpResponse:
    row = _found(request, pk)
    form = DischargeForm(request.POST)
    if form.is_valid():
        try:
            letter.prove(request.user, form.cleaned_data["password"])
            service.discharge(referral=row, by=request.user, texts=form.cleaned_data)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            return _answer(request, row, _("The discharge letter is signed and sent."))
    return render(request, "referral/page.html", _context(request, row, discharge_form=form), status=422)


@require_safe
@login_required
def letter_pdf(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """The letter as it is printed."""
    row = _found(request, pk)
    found = get_object_or_404(Letter.objects.select_related("hospital"), referral=row, kind=kind)
    content = letter.document(letter=found, language=(get_language() or "").lower())
    audit.record_read(by=request.user, thing=found, consultation=row.consultation_id, what="print")
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{row.number}-{kind}.pdf"'
    response["Cache-Control"] = "private, no-store"
    return response

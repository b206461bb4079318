"""What a department's roster is made of: rules, single shifts, leave, how many have to be there."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from consult.errors import Refusal
from consult.forms.plan import CoverForm, EntryForm, LeaveForm, RuleForm, ends_at, initial_of
from consult.models import Cover, Department, Role
from consult.policies import plan as policies
from consult.policies import repeat
from consult.services import plan, publication
from consult.views.entries import Found, found_entry

SENT = ["GET", "HEAD", "POST"]


def _department(request: HttpRequest, pk: int) -> Department:
    return get_object_or_404(policies.plannable_departments(request.user), pk=pk)


def calendar_of(department: int, day: date) -> HttpResponseRedirect:
    return redirect(f"{reverse('roster')}?of=d{department}&day={day}")


def refused(form: Any, refusal: Refusal) -> None:
    """Say it in the form; what is no mistake of the form goes on up."""
    if refusal.status != 422:
        raise refusal
    form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))


@require_http_methods(SENT)
@login_required
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: all of it. POST: leave (`act` leave) or cover is added."""
    department = _department(request, pk)
    act, sent = request.POST.get("act"), request.POST or None
    leave = LeaveForm(sent if act == "leave" else None, members=policies.members([pk]))
    cover = CoverForm(sent if act == "cover" else None)
    for form, add in ((leave, plan.give_leave), (cover, publication.want)):
        if form.is_bound and form.is_valid():
            where = {} if form is leave else {"department": department}
            try:
                add(by=request.user, **where, **form.cleaned_data)
            except Refusal as refusal:
                refused(form, refusal)
            else:
                messages.success(request, _("Kept. The roster shows what it changes."))
                return redirect("roster-plan", pk)
    today = timezone.localdate()
    people = policies.members([pk]).values("person_id")
    context = {
        "department": department,
        "rules": [(rule, repeat.words(rule.rrule)) for rule in _rules(request, pk)],
        "leaves": policies.visible_leaves(request.user).filter(person__in=people, last__gte=today),
        "covers": Cover.objects.filter(department=department),
        "leave_form": leave,
        "cover_form": cover,
    }
    return render(request, "roster/plan.html", context, status=422 if leave.errors or cover.errors else 200)


def _rules(request: HttpRequest, pk: int) -> Any:
    rows = policies.visible_rules(request.user).filter(role__department=pk)
    return [rule for rule in rows if rule.last is None or rule.last >= timezone.localdate()]


@require_http_methods(SENT)
@login_required
def new_rule(request: HttpRequest, pk: int) -> HttpResponse:
    department = _department(request, pk)
    start = {"level": "duty", "repeat": "weekly", "weekdays": [0, 1, 2, 3, 4], "weeks": 1, "holidays": "usual"}
    start |= {"starts": "08:00", "ends": "17:30", "first": request.GET.get("day") or timezone.localdate()}
    form = RuleForm(request.POST or None, members=policies.members([pk]), initial=start)
    if request.method == "POST" and form.is_valid():
        rule = plan.add_rule(by=request.user, fields=form.rule())
        messages.success(request, _("The rule is part of the plan. Publish it when the roster is complete."))
        return calendar_of(pk, max(rule.first, timezone.localdate()))
    context = {"form": form, "department": department, "rule": None}
    return render(request, "roster/rule.html", context, status=422 if form.errors else 200)


@require_http_methods(SENT)
@login_required
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    """All of a rule, or with `from` what it gives from that day on: a POST keeps it, with `act` end takes it away."""
    row = get_object_or_404(policies.visible_rules(request.user), pk=pk)
    department = row.role.department
    if department is None:
        raise Http404
    since = _day(request.GET.get("from", ""))
    start = initial_of(row) | ({"first": since} if since else {})
    form = RuleForm(request.POST or None, members=policies.members([department.pk]), initial=start)
    if request.method == "POST" and request.POST.get("act") == "end":
        plan.end(rule=row, by=request.user, day=since, known=_known(request, "known"))
        messages.success(request, _("The rule is taken out of the plan. What is published stays until you publish."))
        return redirect("roster-plan", department.pk)
    if request.method == "POST" and form.is_valid():
        known = form.cleaned_data["known"] or 0
        if since:
            plan.set_following(rule=row, by=request.user, day=since, fields=form.rule(), known=known)
        else:
            plan.set_rule(rule=row, by=request.user, fields=form.rule(), known=known)
        messages.success(request, _("The plan is changed. Publish it when the roster is complete."))
        return calendar_of(department.pk, since or timezone.localdate())
    context = {"form": form, "department": department, "rule": row, "since": since}
    return render(request, "roster/rule.html", context, status=422 if form.errors else 200)


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said)
    except ValueError:
        return None


@require_http_methods(SENT)
@login_required
def extra(request: HttpRequest, pk: int) -> HttpResponse:
    """A shift of no rule."""
    department = _department(request, pk)
    start = {"role": request.GET.get("role"), "on": request.GET.get("day") or timezone.localdate(), "level": "duty"}
    start |= {"starts": "08:00", "ends": "17:30"}
    form = EntryForm(request.POST or None, members=policies.members([pk]), repeats=False, initial=start)
    if request.method == "POST" and form.is_valid():
        made = plan.add(by=request.user, on=form.cleaned_data["on"], **form.shape())
        messages.success(request, _("The shift is part of the plan."))
        return calendar_of(pk, made.on or timezone.localdate())
    context = {"form": form, "department": department, "entry": None}
    return render(request, "roster/entry.html", context, status=422 if form.errors else 200)


@require_http_methods(SENT)
@login_required
def entry(request: HttpRequest, key: str) -> HttpResponse:
    """One shift of the plan. POST changes it, takes it off (`act` off) or lets the rule count again (`act` back)."""
    found = found_entry(request.user, key)
    department = get_object_or_404(policies.plannable_departments(request.user), pk=found.department_id)
    members = policies.members([department.pk])
    form = EntryForm(request.POST or None, members=members, repeats=bool(found.rule), initial=_initial(found))
    act = request.POST.get("act", "")
    if request.method == "POST" and act in {"off", "back"}:
        _take_off(request, found, back=act == "back")
        messages.success(request, _("The plan is changed. Publish it when the roster is complete."))
        return calendar_of(department.pk, found.day)
    if request.method == "POST" and form.is_valid():
        _keep(request, found, form)
        messages.success(request, _("The plan is changed. Publish it when the roster is complete."))
        return calendar_of(department.pk, form.cleaned_data["on"])
    words = repeat.words(found.rule.rrule) if found.rule else ""
    context = {"form": form, "department": department, "entry": found, "words": words}
    return render(request, "roster/entry.html", context, status=422 if form.errors else 200)


def _initial(found: Found) -> dict[str, Any]:
    shape: Any = found.change if found.change and found.change.role_id else found.rule
    return {
        "role": shape.role_id,
        "level": shape.level,
        "on": found.change.on if found.change and found.change.on else found.day,
        "starts": shape.starts,
        "ends": ends_at(shape.starts, shape.minutes),
        "scope": "this",
        "known": found.change.revision if found.change else 0,
        "known_rule": found.rule.revision if found.rule else None,
    }


def _known(request: HttpRequest, name: str) -> int:
    said = request.POST.get(name, "")
    return int(said) if said.isdigit() else 0


def _keep(request: HttpRequest, found: Found, form: EntryForm) -> None:
    said, shape = form.cleaned_data, form.shape()
    known, scope = said.get("known") or 0, said.get("scope")
    if found.rule is None:
        plan.set_extra(change=found.extra, by=request.user, known=known, on=said["on"], **shape)
    elif scope == "this":
        plan.replace(rule=found.rule, day=found.day, by=request.user, on=said["on"], known=known, **shape)
    elif scope == "following":
        of_rule = said.get("known_rule") or 0
        plan.set_following(rule=found.rule, by=request.user, day=found.day, fields=shape, known=of_rule)
    else:
        plan.set_rule(rule=found.rule, by=request.user, fields=shape, known=said.get("known_rule") or 0)


def _take_off(request: HttpRequest, found: Found, *, back: bool) -> None:
    scope, known = request.POST.get("scope"), _known(request, "known")
    if found.rule is None or (back and found.change):
        plan.undo(change=found.change or found.extra, by=request.user, known=known)
    elif scope in {"following", "all"}:
        day = found.day if scope == "following" else None
        plan.end(rule=found.rule, by=request.user, day=day, known=_known(request, "known_rule"))
    else:
        plan.replace(rule=found.rule, day=found.day, by=request.user, role=None, known=known)


@require_POST
@login_required
def cancel_leave(request: HttpRequest, pk: int) -> HttpResponse:
    leave = get_object_or_404(policies.visible_leaves(request.user), pk=pk)
    plan.cancel_leave(leave=leave, by=request.user, at=timezone.now())
    messages.success(request, _("The leave of %(name)s is cancelled.") % {"name": leave.person})
    place = Role.objects.filter(
        person=leave.person, department__in=policies.plannable_departments(request.user).values("pk")
    ).first()
    return redirect("roster-plan", place.department_id) if place else redirect("roster")


@require_POST
@login_required
def drop_cover(request: HttpRequest, pk: int) -> HttpResponse:
    own = policies.plannable_departments(request.user).values("pk")
    cover = get_object_or_404(Cover, pk=pk, department__in=own)
    publication.unwant(cover=cover, by=request.user)
    return redirect("roster-plan", cover.department_id)

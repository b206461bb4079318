"""The one home page: what waits for this person, and what is under way, by role."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from consult import policies
from consult.models import AuditEntry, Consultation, User
from consult.policies.reading_desk import is_reader
from consult.policies.team import is_on_teams
from consult.states import State
from consult.views import critical, duty
from consult.views.hits import hits
from consult.views.steps import step

S = State
MINE = ("todo", "team")
PER_PAGE, MOST = 10, 10_000
Words = str | Promise


@dataclass(frozen=True, slots=True)
class Section:
    """One list of the home page: rows of a worklist, narrowed to `states`, for whom `belongs` says yes."""

    name: str
    worklist: str
    title: Words
    empty: Words
    belongs: Callable[[Any], bool]
    hint: Words = ""
    states: frozenset[State] | None = None
    narrow: Q | None = None


def _is_desk(user: User) -> bool:
    return policies.is_scheduler(user)


def _sends(user: User) -> bool:
    """Whether requests can be under way without waiting for this person: a specialist has none."""
    return policies.is_doctor(user) or policies.is_scheduler(user) or policies.is_regulator(user)


FOUND = Section(
    "found", "", _("Found"), _("Nothing matches."), bool, _("Try a part of a name, a number or the question.")
)
OPINION = frozenset({S.ASYNC_REVIEW, S.OPINION_DUE})
ASKER_TODO = frozenset({S.DRAFT, S.RETURNED, S.NEEDS_INFO, S.SIGNED})
DESK_TODO = frozenset({S.SUBMITTED, S.TRIAGE, S.DECLINED})
READINGS = Q(asked_department__reads=True, purpose=Consultation.Purpose.IMAGING)
SECTIONS = (
    Section(
        "triage", "todo", _("To triage"), _("Nothing waits for triage."), _is_desk,
        _("New and declined requests appear here by themselves."), DESK_TODO,
    ),
    Section(
        "offered", "todo", _("Offered to me"), _("Nothing is offered to you."), policies.is_expert,
        _("You are told here and by the bell as soon as somebody asks you."), frozenset({S.OFFERED}),
    ),
    Section(
        "team", "team", _("Teams that wait for me"), _("No team waits for you."), is_on_teams,
        _("Invitations, opinions you owe and joint reports to confirm appear here."),
    ),
    Section(
        "readings", "department", _("To read"), _("Nothing waits at your desk."), is_reader,
        _("Images to be read without a call; the first who has time takes them."), narrow=READINGS,
    ),
    Section(
        "opinions", "todo", _("Opinions due"), _("No opinion is due."), policies.is_expert,
        _("After a call its consultation waits here until you have signed."), OPINION,
    ),
    Section(
        "yours", "todo", _("Waiting for you"), _("Nothing waits for you."), policies.is_doctor,
        _("Drafts, questions to you and signed opinions appear here."), ASKER_TODO,
    ),
    Section(
        "calls", "live", _("Calls"), _("No call is under way."), bool,
        _("Accepted consultations appear here; join with one click."),
    ),
    Section(
        "department", "department", _("Open to my department"), _("Nothing is open to your department."),
        policies.is_expert, _("Requests to your department that nobody has accepted yet."), narrow=~READINGS,
    ),
    Section(
        "open", "open", _("Under way"), _("Nothing else is under way."), _sends,
        _("What is sent, and waits for somebody else."),
    ),
    Section(
        "done", "done", _("Finished"), _("Nothing is finished yet."), bool,
        _("Answered, closed and cancelled consultations stay readable here."),
    ),
)  # fmt: skip


class Pages(Paginator):  # type: ignore[type-arg]
    """Pages of a list that is counted up to `MOST` only: nobody turns to what lies beyond, they search."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:MOST].count())

    @property
    def is_more(self) -> bool:
        return self.count == MOST


def sections_of(user: User) -> list[Section]:
    return [section for section in SECTIONS if policies.roles(user) and section.belongs(user)]


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    sought = request.GET.get("q", "").strip()
    sections = sections_of(request.user)
    lists = [filled(request, section, 1) for section in ([FOUND] if sought and sections else sections)]
    context: dict[str, Any] = {
        "lists": lists,
        "sought": sought,
        "may_ask": policies.may_ask(request.user),
        "is_scheduler": policies.is_scheduler(request.user),
        "is_regulator": policies.is_regulator(request.user),
        "waiting": sum(item["page"].paginator.count for item in lists if item["section"].worklist in MINE),
    }
    context |= critical.waiting_context(request) | duty.summary(request.user)
    if context["is_regulator"]:
        context["audit_last"] = AuditEntry.objects.order_by("-seq").first()
    return render(request, "home/page.html", context)


@require_safe
@login_required
def worklist(request: HttpRequest, name: str) -> HttpResponse:
    section = next((one for one in [*sections_of(request.user), FOUND] if one.name == name), None)
    if section is None:
        raise Http404
    context = filled(request, section, request.GET.get("page", "1"))
    if section.worklist in MINE:
        names = [one for one in policies.worklists(request.user) if one in MINE]
        context["waiting"] = sum(policies.worklist(request.user, one).count() for one in names)
    return render(request, "worklist/_fragment.html", context)


def _rows(user: User, section: Section, sought: str) -> QuerySet[Consultation]:
    if section is FOUND:
        return policies.found(user, sought)
    rows = policies.worklist(user, section.worklist)
    if section.narrow is not None:
        rows = rows.filter(section.narrow)
    return rows if section.states is None else rows.filter(state__in=section.states)


def filled(request: HttpRequest, section: Section, number: int | str) -> dict[str, Any]:
    """A section with the rows of one page; the number of queries does not depend on the number of rows."""
    sought = request.GET.get("q", "").strip()
    page = Pages(_rows(request.user, section, sought), PER_PAGE).get_page(number)
    if section is FOUND:
        for consultation in page:
            consultation.hits = hits(consultation, sought)  # type: ignore[attr-defined]
    return {
        "section": section,
        "page": page,
        "sought": sought,
        "rows": [(consultation, step(request.user, consultation)) for consultation in page],
    }

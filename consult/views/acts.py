"""Every act a person can make on a consultation by one button: its words, its form, its service. A table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consult.forms.booking import MissForm
from consult.forms.consultation import AnswerForm, ConfirmForm, OptionalReasonForm, ReasonForm
from consult.forms.triage import AssignForm, DeskForm
from consult.models import Consultation, Department, Role, User
from consult.policies import assignable_experts
from consult.policies.reading_desk import desks_for
from consult.policies.suggest import suggested
from consult.services import answer, consultation, reading_desk, session, triage

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Act:
    """`move` is the key in states.MOVES; without a form and without `asks` one click does it."""

    move: str
    verb: Words
    said: Words
    run: Callable[..., Any]
    icon: str
    form: type[forms.Form] = ConfirmForm
    asks: Words = ""
    text: Words = ""
    tone: str = ""
    needs_roles: bool = field(default=False)

    @property
    def slug(self) -> str:
        return self.move.rstrip("_").replace("_", "-")

    @property
    def url_name(self) -> str:
        return f"consultation-{self.move.rstrip('_')}"

    @property
    def opens_dialog(self) -> bool:
        return self.form is not ConfirmForm or bool(self.asks)

    def make_form(self, by: User, thing: Consultation, data: Any = None) -> forms.Form:
        if self.needs_roles:
            roles = assignable_experts(by, thing)
            initial = {"revision": thing.revision}
            return AssignForm(data, roles=roles, suggestions=suggested(thing, list(roles)), initial=initial)
        if issubclass(self.form, DeskForm):
            return DeskForm(data, desks=desks_for(thing), initial={"revision": thing.revision})
        return self.form(data)


def _assign(*, consultation: Consultation, by: User, role: Role, revision: int) -> None:
    department = cast(Department, role.department)
    triage.assign(consultation=consultation, by=by, expert=role.person, department=department, revision=revision)


def _give(*, consultation: Consultation, by: User, department: Department, revision: int) -> None:
    reading_desk.give(consultation=consultation, by=by, department=department, revision=revision)


ACTS: dict[str, Act] = {
    act.move: act
    for act in (
        Act("triage", _("Start triage"), _("You are looking after this request."), triage.take, "clipboard-check"),
        Act(
            "assign",
            _("Assign"),
            _("Offered to the specialist."),
            _assign,
            "user-plus",
            AssignForm,
            asks=_("Whom do you assign?"),
            needs_roles=True,
        ),
        Act("accept", _("Accept"), _("Accepted. The asking doctor has been told."), answer.accept, "check"),
        Act(
            "take",
            _("Take it"),
            _("Yours. The asking doctor has been told."),
            answer.take_from_department,
            "hand",
        ),
        Act(
            "read",
            _("Read it"),
            _("Yours to read. The asking doctor has been told."),
            answer.read,
            "file-search",
        ),
        Act(
            "to_desk",
            _("To a reading desk"),
            _("It waits at the desk. The asking doctor has been told."),
            _give,
            "scan",
            DeskForm,
            asks=_("Which desk shall read it?"),
            text=_("The first specialist of the department who has time reads it without a call."),
        ),
        Act(
            "decline",
            _("Decline"),
            _("Declined. The scheduler finds somebody else."),
            answer.decline,
            "user-x",
            ReasonForm,
            asks=_("Why do you decline?"),
            text=_("The scheduler reads this and asks the next specialist."),
            tone="danger",
        ),
        Act(
            "ask_more",
            _("Ask for more"),
            _("The asking doctor has been asked. The clock is paused until the answer."),
            triage.ask_more,
            "circle-help",
            ReasonForm,
            asks=_("What is missing?"),
            text=_("One item a line. The clock is paused until the asking doctor has answered."),
        ),
        Act(
            "supply",
            _("Answer the question"),
            _("Sent. The request goes on."),
            triage.supply,
            "send",
            AnswerForm,
            asks=_("What was asked for"),
            text=_("Write the answer here. Images can be added in the section Images first."),
        ),
        Act(
            "return_",
            _("Return"),
            _("Returned to the asking doctor."),
            triage.return_,
            "undo-2",
            ReasonForm,
            asks=_("Why is it returned?"),
            text=_("The asking doctor can correct the request and send it again."),
            tone="danger",
        ),
        Act(
            "review",
            _("Answer without a call"),
            _("You answer in writing. The asking doctor has been told."),
            answer.review,
            "file-search",
        ),
        Act(
            "end_session",
            _("End the session"),
            _("The session has ended. The opinion is due."),
            session.end,
            "phone-off",
            asks=_("End the session for everybody?"),
            text=_("Nobody has to hurry out: the call stays open, and the opinion becomes due."),
        ),
        Act(
            "miss",
            _("Did not take place"),
            _("Kept as a no-show. Both sides have been told."),
            session.miss,
            "user-x",
            MissForm,
            asks=_("Who did not come?"),
            text=_("The consultation ends here. A new request can be made at any time."),
            tone="danger",
        ),
        Act(
            "follow_up",
            _("Start follow-up"),
            _("Follow-up has started."),
            consultation.follow_up,
            "calendar-check",
        ),
        Act(
            "close",
            _("Close the consultation"),
            _("Closed."),
            consultation.close,
            "archive",
            asks=_("Close this consultation?"),
            text=_("It can still be read, but nothing more can be added."),
        ),
        Act(
            "cancel",
            _("Cancel the request"),
            _("Cancelled."),
            consultation.cancel,
            "ban",
            OptionalReasonForm,
            asks=_("Cancel this request?"),
            text=_("It cannot be opened again. A new request can be made at any time."),
            tone="danger",
        ),
        Act(
            "call_off",
            _("Call it off"),
            _("Called off. Everybody has been told."),
            consultation.call_off,
            "ban",
            ReasonForm,
            asks=_("Why is it called off?"),
            text=_("Everybody who takes part is told the reason."),
            tone="danger",
        ),
    )
}

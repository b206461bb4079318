"""What happens next with a consultation, whose turn it is, and the one button that does it."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consult import policies
from consult.models import Consultation, User
from consult.policies import team as teams
from consult.policies.clock import due_at, is_paused, offers_writing
from consult.states import CALLABLE, Actor, MemberState, State
from consult.views.acts import ACTS, Act

S, A = State, Actor
# state -> whose turn it is, what they are to do, what others read meanwhile
NEXT: dict[State, tuple[Actor | None, str | Promise, str | Promise]] = {
    S.DRAFT: (A.ASKER, _("Complete the request and send it."), ""),
    S.SUBMITTED: (A.SCHEDULER, _("Look at the request and assign a specialist."), _("The scheduler looks at it.")),
    S.TRIAGE: (A.SCHEDULER, _("Assign a specialist."), _("The scheduler finds a specialist.")),
    S.NEEDS_INFO: (A.ASKER, _("Answer what was asked."), _("The asking doctor answers a question.")),
    S.RETURNED: (A.ASKER, _("Correct the request and send it again."), _("The asking doctor corrects the request.")),
    S.OFFERED: (A.EXPERT, _("Accept or decline."), _("The specialist accepts or declines.")),
    S.DECLINED: (A.SCHEDULER, _("Assign another specialist."), _("The scheduler finds another specialist.")),
    S.ACCEPTED: (A.EXPERT, _("Join the call, or answer without one."), _("The specialist joins the call.")),
    S.SCHEDULED: (A.EXPERT, _("Join the call at the time agreed."), _("The call takes place at the time agreed.")),
    S.WAITING: (None, _("Join the call."), _("Somebody is waiting in the call.")),
    S.IN_SESSION: (None, _("The call is running."), _("The call is running.")),
    S.INTERRUPTED: (None, _("Join the call again."), _("The call was interrupted.")),
    S.ASYNC_REVIEW: (A.EXPERT, _("Write and sign the opinion."), _("The specialist answers in writing.")),
    S.OPINION_DUE: (A.EXPERT, _("Write and sign the opinion."), _("The specialist writes the opinion.")),
    S.SIGNED: (A.ASKER, _("Read the opinion and record your decision."), _("The asking doctor decides.")),
    S.ACKNOWLEDGED: (A.ASKER, _("Close the consultation when the patient is settled."), _("The decision is recorded.")),
    S.FOLLOW_UP: (A.ASKER, _("Follow the patient up, then close."), _("The patient is followed up.")),
}
AT_DESK = (A.DEPARTMENT, _("Read the images and write the report."), _("It waits at a reading desk."))
FIRST = (
    "accept",
    "read",
    "take",
    "assign",
    "supply",
    "triage",
)  # which gets the primary button, when it is legal
JOIN_FIRST = CALLABLE - {S.ASYNC_REVIEW, S.OPINION_DUE}
DESTRUCTIVE = frozenset({"cancel", "call_off", "return_", "decline", "close", "end_session", "miss"})


@dataclass(frozen=True, slots=True)
class Link:
    """A button that leads somewhere."""

    verb: str | Promise
    url: str
    icon: str

    @property
    def is_anchor(self) -> bool:
        """It leads to a part of the consultation's own page, which has the button that matters."""
        return "#" in self.url


@dataclass(frozen=True, slots=True)
class Step:
    """All a page shows about what comes next."""

    words: str | Promise
    is_yours: bool
    due: datetime | None
    paused: bool
    link: Link | None
    act: Act | None
    others: list[Act]
    more: list[Act]
    may_schedule: bool = False

    @property
    def row_acts(self) -> list[Act]:
        """What a list offers in place: the first act and one more."""
        inline = [act for act in self.others if act.move in ("decline", "assign", "take")]
        return ([self.act] if self.act else []) + inline[:1]


def step(user: User, consultation: Consultation) -> Step:
    state = State(consultation.state)
    who = policies.actors(user, consultation)
    actor, yours, theirs = _next(user, consultation, state, who)
    taking_part = bool(who & {A.ASKER, A.EXPERT, A.MEMBER})
    is_yours = actor in who if actor else taking_part and state in NEXT
    moves = policies.moves(user, consultation)
    legal = [ACTS[name] for name in ACTS if name in moves and _is_offered(user, name, moves, consultation)]
    link = _link(user, consultation, state, who)
    act = None if link else next((act for name in FIRST for act in legal if act.move == name), None)
    rest = [one for one in legal if one is not act]
    return Step(
        words=yours if is_yours else theirs,
        is_yours=is_yours,
        due=due_at(consultation),
        paused=is_paused(consultation),
        link=link,
        act=act,
        others=[one for one in rest if one.move not in DESTRUCTIVE or one.move in ("decline", "close")],
        more=[one for one in rest if one.move in DESTRUCTIVE - {"decline", "close"}],
        may_schedule="schedule" in moves,
    )


def _next(
    user: User, consultation: Consultation, state: State, who: set[Actor]
) -> tuple[Actor | None, str | Promise, str | Promise]:
    """As NEXT says; of a team by what this person owes it."""
    if consultation.is_at_desk:
        return AT_DESK
    actor, yours, theirs = NEXT.get(state, (None, "", ""))
    if state == S.ACCEPTED and actor in who and not offers_writing(user, consultation):
        yours = _("Join the call.")
    if teams.invitation_of(user, consultation) is not None:
        return None, "", _("You are invited to the team: join it or decline.")
    if state in {S.ASYNC_REVIEW, S.OPINION_DUE} and teams.is_team(consultation):
        if _owes(user, consultation):
            return (A.EXPERT if A.EXPERT in who else A.MEMBER), _("Write and sign your own opinion."), ""
        return A.EXPERT, _("Write the joint report and put it to the members."), _("The team writes the joint report.")
    return actor, yours, theirs


def _owes(user: User, consultation: Consultation) -> bool:
    """Whether this member has not signed an own opinion yet."""
    row = policies.member_of(user, consultation)
    return row is not None and row.standing == MemberState.JOINED


def _is_offered(user: User, name: str, moves: set[str], consultation: Consultation) -> bool:
    """Whether a legal act has a button: one's own offer is accepted, not taken; images are read, nothing else is."""
    if name in ("read", "to_desk") and consultation.purpose != Consultation.Purpose.IMAGING:
        return False
    if name == "review" and not offers_writing(user, consultation):
        return False
    return not (name in ("take", "read") and "accept" in moves)


def _link(user: User, consultation: Consultation, state: State, who: set[Actor]) -> Link | None:
    page = consultation.get_absolute_url()
    if A.ASKER in who and state in {S.DRAFT, S.RETURNED}:
        first = reverse("consultation-edit", args=[consultation.pk, "patient"])
        return Link(_("Go on with the request"), first, "pencil")
    if teams.invitation_of(user, consultation) is not None:
        return Link(_("See the invitation"), f"{page}#team", "users")
    if who & {A.ASKER, A.EXPERT, A.MEMBER} and state in JOIN_FIRST:
        return Link(_("Join the call"), reverse("room", args=[consultation.pk]), "video")
    if who & {A.EXPERT, A.MEMBER} and state in {S.ASYNC_REVIEW, S.OPINION_DUE}:
        if teams.is_team(consultation) and not _owes(user, consultation):
            return Link(_("To the joint report"), f"{page}#report", "users")
        return Link(_("Write the opinion"), f"{page}#opinion", "file-pen")
    if A.ASKER in who and state == S.SIGNED:
        return Link(_("Read and decide"), f"{page}#decision", "file-check")
    return None

"""The states of a consultation, every legal move and its actor. A table; services ask it, the database enforces it.

An amendment is written while the consultation stays where it is. Signing it (`sign_amendment`) leads back to SIGNED
from wherever it had got to: the asking side is told and decides on the new version; the decision on the old one stays.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    DRAFT = "DRAFT", _("Draft")
    SUBMITTED = "SUBMITTED", _("Submitted")
    TRIAGE = "TRIAGE", _("In triage")
    NEEDS_INFO = "NEEDS_INFO", _("More information needed")
    RETURNED = "RETURNED", _("Returned")
    OFFERED = "OFFERED", _("Offered to a specialist")
    DECLINED = "DECLINED", _("Declined")
    ACCEPTED = "ACCEPTED", _("Accepted")
    SCHEDULED = "SCHEDULED", _("Scheduled")
    WAITING = "WAITING", _("Waiting for the call")
    IN_SESSION = "IN_SESSION", _("In session")
    INTERRUPTED = "INTERRUPTED", _("Interrupted")
    ASYNC_REVIEW = "ASYNC_REVIEW", _("Answer without a call")
    OPINION_DUE = "OPINION_DUE", _("Opinion due")
    SIGNED = "SIGNED", _("Opinion signed")
    ACKNOWLEDGED = "ACKNOWLEDGED", _("Decision recorded")
    FOLLOW_UP = "FOLLOW_UP", _("Follow-up")
    CLOSED = "CLOSED", _("Closed")
    CANCELLED = "CANCELLED", _("Cancelled")
    NO_SHOW = "NO_SHOW", _("No-show")
    EXPIRED = "EXPIRED", _("Expired")
    REFERRED = "REFERRED", _("Referred")


class Actor(StrEnum):
    """Who may make a move, seen from the consultation."""

    ASKER = "asker"  # the requesting doctor, or a colleague of the same department acting for them
    SCHEDULER = "scheduler"
    EXPERT = "expert"  # the specialist it is offered to, or who accepted; of several the chair
    MEMBER = "member"  # another specialist of a team who has joined
    DEPARTMENT = "department"  # any expert of the asked department
    SYSTEM = "system"  # a clock or the room itself


class MemberState(models.TextChoices):
    """Of a specialist in a team: invited beside the one it was offered to."""

    INVITED = "INVITED", _("Invited")
    JOINED = "JOINED", _("Joined")
    SIGNED = "SIGNED", _("Opinion signed")
    DECLINED = "DECLINED", _("Declined")
    WITHDRAWN = "WITHDRAWN", _("Invitation withdrawn")
    EXCUSED = "EXCUSED", _("Closed without")


class ReferralState(models.TextChoices):
    ASKED = "ASKED", _("Asked")
    ACCEPTED = "ACCEPTED", _("Accepted")
    REFUSED = "REFUSED", _("Refused")
    ARRANGED = "ARRANGED", _("Bed and date arranged")
    ARRIVED = "ARRIVED", _("Patient arrived")
    DISCHARGED = "DISCHARGED", _("Discharged, letter sent")
    RECEIVED = "RECEIVED", _("Letter received")
    CLOSED = "CLOSED", _("Closed")
    WITHDRAWN = "WITHDRAWN", _("Withdrawn")


class RecordingState(models.TextChoices):
    ASKED = "ASKED", _("Asked for")
    RUNNING = "RUNNING", _("Recording")
    CUTTING = "CUTTING", _("Being processed")
    READY = "READY", _("Ready")
    EMPTY = "EMPTY", _("Nothing was recorded")
    FAILED = "FAILED", _("Cannot be played")
    DELETED = "DELETED", _("Deleted")


R = RecordingState
RECORDING_MOVES: dict[str, tuple[frozenset[RecordingState], RecordingState]] = {
    "start": (frozenset({R.ASKED}), R.RUNNING),
    "give_up": (frozenset({R.ASKED}), R.EMPTY),
    "stop": (frozenset({R.RUNNING}), R.CUTTING),
    "finish": (frozenset({R.CUTTING, R.READY, R.FAILED, R.EMPTY}), R.READY),
    "find_empty": (frozenset({R.CUTTING, R.EMPTY}), R.EMPTY),
    "fail": (frozenset({R.CUTTING}), R.FAILED),
    "delete": (frozenset({R.READY, R.EMPTY, R.FAILED}), R.DELETED),
}

M = MemberState
MEMBER_MOVES: dict[str, tuple[frozenset[str], MemberState]] = {
    "invite": (frozenset({"", M.DECLINED, M.WITHDRAWN}), M.INVITED),
    "join": (frozenset({M.INVITED}), M.JOINED),
    "decline": (frozenset({M.INVITED}), M.DECLINED),
    "withdraw": (frozenset({M.INVITED}), M.WITHDRAWN),
    "sign": (frozenset({M.JOINED, M.SIGNED}), M.SIGNED),
    "excuse": (frozenset({M.JOINED, M.SIGNED}), M.EXCUSED),
}
IN_TEAM = frozenset({M.JOINED, M.SIGNED, M.EXCUSED})
"""Who is named in the joint report."""


class SwapState(models.TextChoices):
    ASKED = "ASKED", _("Asked")
    ACCEPTED = "ACCEPTED", _("Accepted, waits for approval")
    APPROVED = "APPROVED", _("Approved")
    REFUSED = "REFUSED", _("Refused")
    WITHDRAWN = "WITHDRAWN", _("Withdrawn")


W = SwapState
SWAP_MOVES: dict[str, tuple[frozenset[SwapState], SwapState, str]] = {
    "accept": (frozenset({W.ASKED}), W.ACCEPTED, "taker"),
    "decline": (frozenset({W.ASKED, W.ACCEPTED}), W.REFUSED, "taker"),
    "withdraw": (frozenset({W.ASKED, W.ACCEPTED}), W.WITHDRAWN, "giver"),
    "approve": (frozenset({W.ACCEPTED}), W.APPROVED, "scheduler"),
    "refuse": (frozenset({W.ASKED, W.ACCEPTED}), W.REFUSED, "scheduler"),
}
"""From where, to where, and by whom: who asked, who is asked, or a scheduler of the department."""

S = State
BEFORE_ACCEPTANCE = frozenset({S.DRAFT, S.SUBMITTED, S.TRIAGE, S.NEEDS_INFO, S.RETURNED, S.OFFERED, S.DECLINED})
CALLABLE = frozenset({S.ACCEPTED, S.SCHEDULED, S.WAITING, S.IN_SESSION, S.INTERRUPTED, S.OPINION_DUE, S.ASYNC_REVIEW})
ANSWERING = frozenset({S.ACCEPTED, S.SCHEDULED, S.WAITING, S.IN_SESSION, S.INTERRUPTED, S.ASYNC_REVIEW, S.OPINION_DUE})
ANSWERED = frozenset({S.SIGNED, S.ACKNOWLEDGED, S.FOLLOW_UP, S.CLOSED})
FINAL = frozenset({S.CLOSED, S.CANCELLED, S.NO_SHOW, S.EXPIRED, S.REFERRED})
OPEN = frozenset(State) - FINAL
GATHERING = ANSWERING | {S.OFFERED}
"""While a team may still grow."""
AFTERCARE = frozenset({S.ACKNOWLEDGED, S.FOLLOW_UP, S.CLOSED, S.REFERRED})
"""Once it is decided: rated, followed up, its outcome told."""
REFERABLE = frozenset({S.SIGNED, S.ACKNOWLEDGED, S.FOLLOW_UP})


@dataclass(frozen=True, slots=True)
class Move:
    """One legal change of state: by whom, from where, to where; `reason` says whether words are required."""

    name: str
    sources: frozenset[State]
    target: State
    actors: frozenset[Actor]
    reason: bool = False


@dataclass(frozen=True, slots=True)
class ReferralMove:
    """One step of a referral: `side` makes it, the other side is told by a notification of kind `tells`."""

    sources: frozenset[ReferralState]
    target: ReferralState
    side: str
    tells: str
    reason: bool = False


F = ReferralState
REFERRAL_MOVES: dict[str, ReferralMove] = {
    "accept": ReferralMove(frozenset({F.ASKED}), F.ACCEPTED, "receiving", "referral_accepted"),
    "refuse": ReferralMove(frozenset({F.ASKED}), F.REFUSED, "receiving", "referral_refused", reason=True),
    "arrange": ReferralMove(frozenset({F.ACCEPTED, F.ARRANGED}), F.ARRANGED, "receiving", "referral_arranged"),
    "arrive": ReferralMove(frozenset({F.ACCEPTED, F.ARRANGED}), F.ARRIVED, "receiving", "referral_arrived"),
    "discharge": ReferralMove(frozenset({F.ARRIVED}), F.DISCHARGED, "receiving", "referral_discharged"),
    "receive": ReferralMove(frozenset({F.DISCHARGED}), F.RECEIVED, "sending", "referral_received"),
    "close": ReferralMove(frozenset({F.RECEIVED}), F.CLOSED, "sending", "referral_closed"),
    "withdraw": ReferralMove(
        frozenset({F.ASKED, F.ACCEPTED, F.ARRANGED}), F.WITHDRAWN, "sending", "referral_withdrawn", reason=True
    ),
}
REFERRAL_OPEN = frozenset({F.ASKED, F.ACCEPTED, F.ARRANGED, F.ARRIVED, F.DISCHARGED})
"""As long as the receiving department sees the consultation."""


def _move(
    name: str, sources: set[State] | frozenset[State], target: State, *actors: Actor, reason: bool = False
) -> Move:
    return Move(name, frozenset(sources), target, frozenset(actors), reason)


A = Actor
MOVES: dict[str, Move] = {
    move.name: move
    for move in (
        _move("submit", {S.DRAFT, S.RETURNED}, S.SUBMITTED, A.ASKER),
        _move("triage", {S.SUBMITTED}, S.TRIAGE, A.SCHEDULER),
        _move("ask_more", {S.TRIAGE, S.OFFERED, S.ACCEPTED}, S.NEEDS_INFO, A.SCHEDULER, A.EXPERT, reason=True),
        _move("supply", {S.NEEDS_INFO}, S.TRIAGE, A.ASKER),
        _move("return_", {S.SUBMITTED, S.TRIAGE}, S.RETURNED, A.SCHEDULER, reason=True),
        _move("assign", {S.SUBMITTED, S.TRIAGE, S.DECLINED, S.OFFERED}, S.OFFERED, A.SCHEDULER),
        _move("to_desk", {S.SUBMITTED, S.TRIAGE, S.DECLINED}, S.TRIAGE, A.SCHEDULER, A.SYSTEM),
        _move("accept", {S.OFFERED}, S.ACCEPTED, A.EXPERT),
        _move("take", {S.TRIAGE, S.OFFERED, S.DECLINED}, S.ACCEPTED, A.DEPARTMENT),
        _move("read", {S.TRIAGE, S.OFFERED, S.DECLINED}, S.ASYNC_REVIEW, A.DEPARTMENT),
        _move("decline", {S.OFFERED}, S.DECLINED, A.EXPERT, reason=True),
        _move("schedule", {S.ACCEPTED, S.SCHEDULED}, S.SCHEDULED, A.ASKER, A.SCHEDULER, A.EXPERT),
        _move("unschedule", {S.SCHEDULED}, S.ACCEPTED, A.ASKER, A.SCHEDULER, A.EXPERT, A.SYSTEM, reason=True),
        _move("review", {S.ACCEPTED, S.SCHEDULED}, S.ASYNC_REVIEW, A.EXPERT),
        _move("wait", {S.ACCEPTED, S.SCHEDULED, S.ASYNC_REVIEW}, S.WAITING, A.ASKER, A.EXPERT, A.SYSTEM),
        _move(
            "begin",
            {S.WAITING, S.ACCEPTED, S.SCHEDULED, S.INTERRUPTED, S.ASYNC_REVIEW},
            S.IN_SESSION,
            A.SYSTEM,
        ),
        _move("interrupt", {S.IN_SESSION}, S.INTERRUPTED, A.SYSTEM),
        _move("end_session", {S.WAITING, S.IN_SESSION, S.INTERRUPTED}, S.OPINION_DUE, A.EXPERT, A.ASKER),
        _move("sign", ANSWERING, S.SIGNED, A.EXPERT),
        _move("sign_amendment", {S.SIGNED, S.ACKNOWLEDGED, S.FOLLOW_UP}, S.SIGNED, A.EXPERT),
        _move("decide", {S.SIGNED}, S.ACKNOWLEDGED, A.ASKER),
        _move("follow_up", {S.ACKNOWLEDGED}, S.FOLLOW_UP, A.ASKER),
        _move("close", {S.ACKNOWLEDGED, S.FOLLOW_UP}, S.CLOSED, A.ASKER, A.SCHEDULER, A.SYSTEM),
        _move("cancel", BEFORE_ACCEPTANCE, S.CANCELLED, A.ASKER),
        _move(
            "call_off",
            {S.ACCEPTED, S.SCHEDULED, S.WAITING, S.INTERRUPTED, S.ASYNC_REVIEW, S.OPINION_DUE},
            S.CANCELLED,
            A.ASKER,
            A.EXPERT,
            A.SCHEDULER,
            reason=True,
        ),
        _move("miss", {S.SCHEDULED, S.WAITING}, S.NO_SHOW, A.SCHEDULER, A.SYSTEM, reason=True),
        _move(
            "expire",
            {S.SUBMITTED, S.TRIAGE, S.NEEDS_INFO, S.RETURNED, S.OFFERED, S.DECLINED},
            S.EXPIRED,
            A.SYSTEM,
        ),
        _move("refer", REFERABLE, S.REFERRED, A.ASKER, A.EXPERT, A.SYSTEM, reason=True),
    )
}

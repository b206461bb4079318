"""Which news must be acknowledged, while it matters, for which side; and by what, how soon, by urgency. Tables only."""

from dataclasses import dataclass
from datetime import timedelta

from consult.states import ANSWERING, GATHERING, State

S = State
ALWAYS = frozenset(State)


@dataclass(frozen=True, slots=True)
class Rule:
    """`while_in`: states in which somebody still has to act. `rings`: an emergency rings until somebody answers.

    `side`: only people of that side (asking, answering, desk) need to acknowledge, all when empty; `named`: only the
    specialist it is offered to.
    """

    while_in: frozenset[State]
    rings: bool = False
    side: str = ""
    named: bool = False


OFFERED = frozenset({S.OFFERED})
TRIAGE = frozenset({S.SUBMITTED, S.TRIAGE, S.DECLINED})
RULES: dict[str, Rule] = {
    "submitted": Rule(frozenset({S.SUBMITTED})),
    "declined": Rule(frozenset({S.DECLINED}), side="desk"),
    "returned": Rule(frozenset({S.RETURNED})),
    "needs_info": Rule(frozenset({S.NEEDS_INFO})),
    "supplied": Rule(frozenset({S.TRIAGE})),
    "offered": Rule(OFFERED, rings=True, named=True),
    "chain_second": Rule(OFFERED, rings=True),
    "chain_department": Rule(OFFERED, rings=True),
    "chain_desk": Rule(OFFERED),
    "team_invited": Rule(GATHERING, rings=True),
    "report_put": Rule(ANSWERING),
    "urged": Rule(frozenset({S.OFFERED, *ANSWERING}), rings=True),
    "accepted": Rule(frozenset({S.ACCEPTED, S.SCHEDULED, S.WAITING}), side="asking"),
    "rescheduled": Rule(frozenset({S.SCHEDULED})),
    "unscheduled": Rule(frozenset({S.ACCEPTED})),
    "reminder": Rule(frozenset({S.SCHEDULED})),
    "slot_offered": Rule(frozenset({S.ACCEPTED})),
    "slot_lost": Rule(frozenset({S.ACCEPTED})),
    "booking_conflict": Rule(frozenset({S.SCHEDULED}), side="desk"),
    "booking_absence": Rule(frozenset({S.SCHEDULED, S.WAITING})),
    "waiting": Rule(frozenset({S.WAITING}), rings=True),
    "opinion_due": Rule(frozenset({S.OPINION_DUE})),
    "signed": Rule(frozenset({S.SIGNED}), side="asking"),
    "amended": Rule(frozenset({S.SIGNED}), side="asking"),
    "late_triage": Rule(TRIAGE),
    "late_accept": Rule(OFFERED),
    "late_session": Rule(frozenset({S.ACCEPTED, S.SCHEDULED, S.WAITING})),
    "late_answer": Rule(frozenset({S.ASYNC_REVIEW})),
    "late_opinion": Rule(frozenset({S.OPINION_DUE})),
    "critical": Rule(ALWAYS),
    "critical_wrong": Rule(ALWAYS),
    "critical_late": Rule(ALWAYS),
    "unheard": Rule(ALWAYS),
}
M = timedelta(minutes=1)
WAIT: dict[str, dict[str, timedelta | None]] = {
    "push": {"emergency": 0 * M, "urgent": 0 * M, "routine": 0 * M},
    "email": {"emergency": 0 * M, "urgent": 2 * M, "routine": 15 * M},
    "sms": {"emergency": 0 * M, "urgent": 2 * M, "routine": None},
}
"""How long after an alert, unless it was acknowledged before; None: not used."""
UNHEARD = {"emergency": 5 * M, "urgent": 20 * M}
"""After which the schedulers are told that nobody has acknowledged it."""

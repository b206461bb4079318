"""When the next step is due: the clocks of the workflow, computed from its times. Nothing is swept or warned here."""

from datetime import datetime, timedelta

from consult.models import Consultation, Urgency
from consult.states import State

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
E, U, R = Urgency.EMERGENCY, Urgency.URGENT, Urgency.ROUTINE
TRIAGE = {E: 3 * MINUTE, U: 30 * MINUTE, R: 2 * HOUR}
ACCEPT = {E: 10 * MINUTE, U: HOUR, R: 24 * HOUR}
ANSWER = {E: 4 * HOUR, U: 4 * HOUR, R: 24 * HOUR}
SIGN = {E: 30 * MINUTE, U: 2 * HOUR, R: 24 * HOUR}
SPANS = {
    State.SUBMITTED: ("submitted_at", TRIAGE),
    State.TRIAGE: ("submitted_at", TRIAGE),
    State.DECLINED: ("submitted_at", TRIAGE),
    State.OFFERED: ("offered_at", ACCEPT),
    State.ASYNC_REVIEW: ("accepted_at", ANSWER),
    State.OPINION_DUE: ("session_ended_at", SIGN),
}


def due_at(consultation: Consultation) -> datetime | None:
    """When the step the consultation stands at is due; None when nothing is being timed."""
    field, spans = SPANS.get(State(consultation.state), ("", {}))
    since: datetime | None = getattr(consultation, field) if field else None
    span = spans.get(Urgency(consultation.urgency)) if consultation.urgency else None
    return since + span if since and span else None


def is_paused(consultation: Consultation) -> bool:
    """The clock stands only while the asking side is asked for more."""
    return consultation.state == State.NEEDS_INFO

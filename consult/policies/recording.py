"""Recordings: who may ask for one, answer, see and play it. Deny unless a line says yes."""

from django.db.models import QuerySet

from consult.models import Consultation, Recording
from consult.policies import consultation as consultations
from consult.policies.person import Person
from consult.states import RecordingState as R

OPEN = (R.ASKED, R.RUNNING)
SEES = ("asking", "answering", "oversight")


def may_record(user: Person, consultation: Consultation) -> bool:
    """Whether this person may ask for, answer, stop a recording: both sides, while they may be in the call."""
    return consultations.may_join(user, consultation)


def visible_recordings(user: Person, consultation: Consultation) -> QuerySet[Recording]:
    """Of one consultation that is visible to `user`: for both sides and the oversight; the desk has no use for them."""
    if consultations.side_of(user, consultation) not in SEES:
        return Recording.objects.none()
    return Recording.objects.filter(consultation_id=consultation.pk)


def may_play(user: Person, recording: Recording) -> bool:
    return recording.state == R.READY and consultations.side_of(user, recording.consultation) in SEES


def may_hold(user: Person, recording: Recording) -> bool:
    """Whether this person may forbid and allow the deletion at the end of its retention."""
    return recording.state != R.DELETED and consultations.side_of(user, recording.consultation) == "oversight"

"""How the recording of a call stands for one person in it. Reads only."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from consult.models import ConsentText, Consultation, Recording, RecordingLog, User
from consult.policies import consultation as consultations
from consult.policies import recording as policies
from consult.services.recording import agreed, present
from consult.states import RecordingState as R

SAID_FOR = timedelta(seconds=30)  # how long the room says that and why a recording ended


@dataclass(slots=True)
class Standing:
    """`recording` is the open one, `ended` one that ended a moment ago. `seconds` are those recorded so far."""

    may_ask: bool = False
    has_patient_consent: bool = False
    may_take_consent: bool = False
    recording: Recording | None = None
    ended: Recording | None = None
    is_running: bool = False
    has_begun: bool = False
    seconds: int = 0
    agrees: bool = False
    is_asked: bool = False
    waits_for: list[str] = field(default_factory=list)


def standing(*, consultation: Consultation, by: User) -> Standing:
    """For the strip in the call; empty for who may not be in it."""
    if not policies.may_record(by, consultation):
        return Standing()
    has_consent = consultations.has_consent(consultation, ConsentText.Kind.RECORDING)
    now = Standing(
        may_ask=True,
        has_patient_consent=has_consent,
        may_take_consent=consultations.may_consent(by, consultation),
    )
    newest = Recording.objects.filter(consultation=consultation).select_related("asked_by", "stopped_by").first()
    if newest is None:
        return now
    if newest.state not in policies.OPEN:
        recent = newest.stopped_at is not None and newest.stopped_at > timezone.now() - SAID_FOR
        now.ended = newest if recent else None
        return now
    return _open(now, newest, by)


def _open(now: Standing, recording: Recording, by: User) -> Standing:
    yes = agreed(recording)
    missing = present(recording.consultation_id) - yes
    log = recording.logs.last()
    now.recording = recording
    now.agrees = by.pk in yes
    now.is_asked = by.pk in missing
    now.waits_for = [str(person) for person in User.objects.filter(pk__in=missing - {by.pk}).order_by("pk")]
    now.has_begun = recording.state == R.RUNNING
    # Said as soon as it is ordered, before the first byte; no longer said only when the relay waits.
    waits = log is not None and log.state in (RecordingLog.State.PAUSED, RecordingLog.State.CLOSED)
    now.is_running = now.has_begun and not missing and not waits
    for each in recording.logs.all():
        now.seconds += int(each.seconds)
        if each.state == RecordingLog.State.RUNNING and each.resumed_at:
            now.seconds += int((timezone.now() - each.resumed_at).total_seconds())
    return now

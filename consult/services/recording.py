"""Recording a call: asked for, agreed to by everybody, running, stopped, kept, deleted. Knows no media.

A recording runs while the patient's consent stands and nobody is in the room who has not agreed. `review` is the gate:
it runs in every verb here, and every 2 s for each relay (`orders`), so that no lost message keeps a recording going.
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from consult import events
from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import (
    ConsentText,
    Consultation,
    Recording,
    RecordingAnswer,
    RecordingLog,
    User,
)
from consult.policies import consultation as consultations
from consult.policies import recording as policies
from consult.services import audit, moves, outbox, recording_keys, relay
from consult.states import RECORDING_MOVES
from consult.states import RecordingState as R

ALONE = timedelta(minutes=5)  # a recording nobody is in the room for ends after that
UNANSWERED = timedelta(minutes=10)
GATHER = timedelta(seconds=120)  # how long the rest of a log is waited for before films are cut without it
CUT = "cut_recording"  # the job
YEARS = {"process": 3, "outpatient": 15, "inpatient": 30}
Reason = Recording.StopReason


@dataclass(frozen=True, slots=True)
class Order:
    """What a relay is told: `key` is base64, `people` are usernames."""

    room: str
    log: str
    key: str
    people: list[str]


@transaction.atomic
def ask(*, consultation: Consultation, by: User) -> Recording:
    """Ask everybody in the call whether it may be recorded; who asks agrees. The patient has agreed before."""
    row = moves.lock(consultation)
    if not policies.may_record(by, row):
        raise NotAllowed("not_in_call", _("Only those who take part in the call can have it recorded."))
    if not consultations.has_consent(row, ConsentText.Kind.RECORDING):
        raise Refusal("no_recording_consent", _("The patient has not agreed to a recording. Take that consent first."))
    if Recording.objects.filter(consultation=row, state__in=policies.OPEN).exists():
        raise Conflict("recording_open", _("A recording is asked for or running already."))
    recording = Recording(consultation=row, asked_by=by)
    recording_keys.new_key(recording)
    recording.save()
    audit.record(by=by, action="recording.ask", thing=recording, consultation=row)
    _answer(recording, by, agrees=True)
    _review(recording)
    return recording


@transaction.atomic
def answer(*, recording: Recording, by: User, agrees: bool) -> Recording:
    """Agree, refuse, or withdraw what one agreed to. One no is enough: the recording ends at once."""
    row = _lock(recording)
    known = row.answers.filter(person=by).exists()
    if not policies.may_record(by, row.consultation) or not (known or by.pk in present(row.consultation_id)):
        raise NotAllowed("not_in_call", _("Only those who take part in the call are asked."))
    if row.state not in policies.OPEN:
        raise moves.too_late()
    _answer(row, by, agrees)
    if not agrees:
        _end(row, by, Reason.WITHDRAWN if known else Reason.DECLINED)
    else:
        _review(row)
    recording.refresh_from_db()
    return recording


@transaction.atomic
def stop(*, recording: Recording, by: User) -> Recording:
    """End it; what was recorded is kept."""
    row = _lock(recording)
    if not policies.may_record(by, row.consultation):
        raise NotAllowed("not_in_call", _("Only those who take part in the call can stop its recording."))
    if row.state not in policies.OPEN:
        raise moves.too_late()
    _end(row, by, Reason.STOPPED)
    recording.refresh_from_db()
    return recording


@transaction.atomic
def end_of_session(*, consultation: Consultation, by: User | None) -> None:
    """The session is over, and with it its recording."""
    for row in Recording.objects.filter(consultation=consultation, state__in=policies.OPEN):
        _end(row, by, Reason.ENDED)


@transaction.atomic
def review(*, consultation: Consultation | int) -> None:
    """Somebody came or went, or a consent was given or withdrawn: does it start, wait or end?"""
    pk = consultation.pk if isinstance(consultation, Consultation) else consultation
    for row in _open().filter(consultation=pk):
        _review(row)


def _review(row: Recording) -> None:
    consultation = row.consultation
    if not consultations.has_consent(consultation, ConsentText.Kind.RECORDING):
        _end(row, None, Reason.WITHDRAWN)
    elif consultation.state not in consultations.JOINABLE or not consultations.has_consent(consultation):
        _end(row, None, Reason.ENDED)
    elif row.state == R.ASKED and (here := present(row.consultation_id)) and here <= agreed(row):
        _move(row, "start", started_at=timezone.now())
        audit.record(by=None, action="recording.start", thing=row, consultation=consultation)
    _tell(row)


def present(consultation_id: int) -> set[int]:
    """Ids of the people in the room, as its relay last told."""
    peers, _tracks = relay.presence(consultation_id)
    names = {peer["username"] for peer in peers}
    return set(User.objects.filter(username__in=names).values_list("pk", flat=True))


def agreed(recording: Recording) -> set[int]:
    """Ids of the people whose newest answer is yes."""
    newest = dict(recording.answers.order_by("pk").values_list("person_id", "agrees"))
    return {person for person, agrees in newest.items() if agrees}


def _answer(recording: Recording, by: User, agrees: bool) -> None:
    verb = "agree" if agrees else "refuse"
    RecordingAnswer.objects.create(recording=recording, person=by, agrees=agrees)
    audit.record(by=by, action=f"recording.{verb}", thing=recording, consultation=recording.consultation)


def _end(row: Recording, by: User | None, reason: str) -> None:
    now = timezone.now()
    if row.state == R.ASKED:
        _move(row, "give_up", stopped_at=now, stopped_by=by, stop_reason=reason, wrapped_key=b"", key_id="")
    else:
        kept_until = retained_until(row, timezone.localdate(now))
        _move(row, "stop", stopped_at=now, stopped_by=by, stop_reason=reason, delete_on=kept_until)
        cut_later(row)
    detail = {"reason": str(reason)}
    audit.record(by=by, action="recording.stop", thing=row, consultation=row.consultation, detail=detail)
    _tell(row)


def cut_later(row: Recording) -> None:
    """Have films cut of a stopped recording: now when all of every log is here, else when it was waited for."""
    if row.stopped_at is not None:
        due_at = row.stopped_at + GATHER if on_their_way(row).exists() else None
        outbox.later(kind=CUT, payload={"recording": row.pk}, due_at=due_at, key=cut_key(row))


def cut_key(row: Recording) -> str:
    """One job for each recording: nobody else cuts it meanwhile."""
    return f"cut.{row.pk}"


def on_their_way(row: Recording) -> QuerySet[RecordingLog]:
    """Logs of which more may come. One that was ordered and never began has nothing."""
    return row.logs.filter(arrived_at=None).exclude(state=RecordingLog.State.ORDERED, size=0)


def retained_until(recording: Recording, day: date) -> date:
    """The day after which a recording of `day` is deleted."""
    year = day.year + YEARS[recording.retention]
    return date(year, day.month, min(day.day, 28) if day.month == 2 else day.day)


def _move(row: Recording, name: str, **changes: object) -> None:
    sources, target = RECORDING_MOVES[name]
    if not Recording.objects.filter(pk=row.pk, state__in=sources).update(state=target, **changes):
        raise moves.too_late()
    row.refresh_from_db()


def _lock(recording: Recording) -> Recording:
    return Recording.objects.select_for_update(of=("self",)).select_related("consultation").get(pk=recording.pk)


def _open() -> QuerySet[Recording]:
    rows = Recording.objects.select_for_update(of=("self",)).select_related("consultation")
    return rows.filter(state__in=policies.OPEN)


def _tell(row: Recording) -> None:
    moves.announce(row.consultation, kind="recording", seq=row.pk)
    events.recordings_changed()


@transaction.atomic
def orders(*, channel: str) -> list[Order]:
    """What the relay on this link has to record now. Reviews every recording first, so a broken gate ends it here."""
    mine = Q(consultation__placement__relay__channel=channel)
    found = []
    for row in _open().filter(mine, state=R.RUNNING):
        if not _still_stands(row):
            _review(row)
            continue
        if not present(row.consultation_id):
            continue
        log = row.logs.filter(channel=channel, closed_at=None).last()
        if log is None:
            log = RecordingLog.objects.create(recording=row, name=secrets.token_hex(16), channel=channel)
        names = User.objects.filter(pk__in=agreed(row), is_active=True).values_list("username", flat=True)
        key = base64.b64encode(recording_keys.key_of(row)).decode()
        found.append(Order(str(row.consultation_id), log.name, key, sorted(names)))
    return found


def _still_stands(row: Recording) -> bool:
    consultation = row.consultation
    return (
        consultation.state in consultations.JOINABLE
        and consultations.has_consent(consultation)
        and consultations.has_consent(consultation, ConsentText.Kind.RECORDING)
    )


@transaction.atomic
def heard(*, channel: str, log: str, state: str, reason: str, seconds: float, lost: int) -> None:
    """A relay says how its log stands. A full disk ends the recording."""
    found = RecordingLog.objects.select_related("recording").filter(name=log, channel=channel).first()
    if found is None:
        return
    now = timezone.now()
    fields: dict[str, object] = {"state": state, "seconds": max(seconds, found.seconds)}
    fields["resumed_at"] = now if state == "running" else None
    if state == "closed" and found.closed_at is None:
        fields["closed_at"] = now
    RecordingLog.objects.filter(pk=found.pk).update(**fields)
    if lost:
        Recording.objects.filter(pk=found.recording_id).update(incomplete=True)
    row = _lock(found.recording)
    if reason == Reason.DISK and row.state == R.RUNNING:
        Recording.objects.filter(pk=row.pk).update(incomplete=True)
        _end(row, None, Reason.DISK)
    elif found.state != state:
        _tell(row)


@transaction.atomic
def tidy() -> None:
    """End what nobody answered, and what nobody has been in the room for."""
    now = timezone.now()
    for row in _open():
        if row.state == R.ASKED and row.asked_at < now - UNANSWERED:
            _end(row, None, Reason.UNANSWERED)
        elif row.state == R.RUNNING and not present(row.consultation_id):
            last = row.logs.order_by("-closed_at").values_list("closed_at", flat=True).first()
            if max(last or row.asked_at, row.started_at or row.asked_at) < now - ALONE:
                _end(row, None, Reason.EMPTY)


@transaction.atomic
def hold(*, recording: Recording, by: User, held: bool) -> Recording:
    """The oversight forbids, or allows again, the deletion at the end of its retention."""
    row = _lock(recording)
    if not policies.may_hold(by, row):
        raise NotAllowed("not_oversight", _("Only the oversight can hold a recording."))
    if bool(row.held_at) == held:
        raise moves.too_late()
    changes = {"held_at": timezone.now() if held else None, "held_by": by if held else None}
    Recording.objects.filter(pk=row.pk).update(**changes)
    action = "recording.hold" if held else "recording.release"
    audit.record(by=by, action=action, thing=row, consultation=row.consultation)
    _tell(row)
    recording.refresh_from_db()
    return recording


@transaction.atomic
def classify(*, recording: Recording, retention: str) -> Recording:
    """The operator changes how long a stopped recording is kept."""
    row = _lock(recording)
    if row.stopped_at is None or row.state == R.DELETED:
        raise moves.too_late()
    row.retention = retention
    row.delete_on = retained_until(row, timezone.localdate(row.stopped_at))
    row.save(update_fields=["retention", "delete_on"])
    detail = {"retention": retention, "until": row.delete_on}
    audit.record(by=None, action="recording.classify", thing=row, consultation=row.consultation, detail=detail)
    recording.refresh_from_db()
    return recording


outbox.every(timedelta(seconds=30), "tidy_recordings")(tidy)

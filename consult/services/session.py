"""The call as the workflow sees it: who arrived, who is gone, when it ended. Knows nothing of media.

Presence moves a consultation only between WAITING, IN_SESSION and INTERRUPTED. Everything here may run twice.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import NotAllowed, Refusal
from consult.models import Consultation, Participant, User
from consult.policies import consultation as policies
from consult.policies.booking import ABSENT
from consult.services import audience, audit, moves, notification, recording
from consult.services.consultation import ACCESS_AFTER_END
from consult.states import MOVES, Actor, State

Side = Participant.Side


@transaction.atomic
def arrived(*, consultation: Consultation, by: User) -> Consultation:
    """One person is in the room: one side there is WAITING, both are IN_SESSION; later states stay as they are."""
    row = moves.lock(consultation)
    if not policies.may_enter(by, row):
        raise NotAllowed("not_taking_part", _("The call is only for those who take part, and only while it is open."))
    if not policies.has_consent(row):
        raise NotAllowed("no_consent", _("The patient's consent is missing. Record it first, then join the call."))
    who = policies.actors(by, row)
    side = Side.ANSWERING if who & {Actor.EXPERT, Actor.MEMBER} else Side.ASKING
    moves.take_part(row, [by.pk], side)
    new = row.participants.filter(person=by).exclude(last_joined_at__isnull=False, last_left_at=None)
    if new.update(last_joined_at=timezone.now(), last_left_at=None):
        audit.record(by=by, action="session.arrive", thing=row, consultation=row)
    consultation.refresh_from_db()
    present = _sides_present(row)
    if present == set(Side.values) and row.state in MOVES["begin"].sources:
        started = {} if row.session_started_at else {"session_started_at": timezone.now()}
        moves.make(consultation=consultation, name="begin", by=None, changes=started)
        moves.announce(consultation)
    elif present and row.state in MOVES["wait"].sources:
        moves.make(consultation=consultation, name="wait", by=by)
        _tell_waiting(consultation, side, by)
        moves.announce(consultation)
    return consultation


def people(consultation: Consultation) -> set[str]:
    """Usernames of those who are booked as being in the room."""
    here = consultation.participants.filter(last_joined_at__isnull=False, last_left_at=None)
    return set(here.values_list("person__username", flat=True))


def _sides_present(row: Consultation) -> set[str]:
    here = row.participants.filter(last_joined_at__isnull=False, last_left_at=None)
    return set(here.values_list("side", flat=True))


def _tell_waiting(consultation: Consultation, side: str, by: User) -> None:
    others = audience.askers(consultation) if side == Side.ANSWERING else audience.answering(consultation)
    notification.tell_of(consultation=consultation, kind="waiting", people=others, by=by)


@transaction.atomic
def departed(*, consultation: Consultation, by: User) -> Consultation:
    """One person left or was lost. When a whole side is gone the session is INTERRUPTED, never more than that."""
    row = moves.lock(consultation)
    here = row.participants.filter(person=by, last_joined_at__isnull=False, last_left_at=None)
    if here.update(last_left_at=timezone.now()):
        audit.record(by=by, action="session.depart", thing=row, consultation=row)
    return _interrupt_if_alone(consultation, row)


@transaction.atomic
def lent_camera(*, consultation: Consultation, by: User, to: str, is_lent: bool) -> None:
    """The patient's side lets `to` (a username) move its camera, or takes that back."""
    if is_lent and not policies.may_join(by, consultation):
        raise NotAllowed("not_taking_part", _("The call is only for those who take part, and only while it is open."))
    action = "camera.lend" if is_lent else "camera.take_back"
    audit.record(by=by, action=action, thing=consultation, consultation=consultation, detail={"to": to})


@transaction.atomic
def interrupted(*, consultation: Consultation) -> Consultation:
    """The room itself was lost: nobody is there until they arrive again."""
    row = moves.lock(consultation)
    row.participants.filter(last_joined_at__isnull=False, last_left_at=None).update(last_left_at=timezone.now())
    return _interrupt_if_alone(consultation, row)


def _interrupt_if_alone(consultation: Consultation, row: Consultation) -> Consultation:
    consultation.refresh_from_db()
    if row.state == State.IN_SESSION and _sides_present(row) != set(Side.values):
        moves.make(consultation=consultation, name="interrupt", by=None)
        moves.announce(consultation)
    return consultation


@transaction.atomic
def end(*, consultation: Consultation, by: User) -> Consultation:
    """The talk is over and the opinion is due. The room stays open: nobody is thrown out."""
    moves.make(consultation=consultation, name="end_session", by=by, changes={"session_ended_at": timezone.now()})
    recording.end_of_session(consultation=consultation, by=by)
    people = audience.answering(consultation)
    notification.tell_of(consultation=consultation, kind="opinion_due", people=people, by=by)
    moves.announce(consultation)
    return consultation


@transaction.atomic
def miss(*, consultation: Consultation, by: User, side: str, reason: str) -> Consultation:
    """It did not take place: `side` did not come. Not before the booked time has been over for a while."""
    row = moves.lock(consultation)
    moves.check(consultation=row, name="miss", by=by, reason=reason)
    if row.scheduled_at and timezone.now() < row.scheduled_at + ABSENT:
        raise Refusal("too_early", _("Wait until ten minutes after the booked time: they may still come."))
    side = Side(side)
    now = timezone.now()
    moves.make(
        consultation=consultation, name="miss", by=by, reason=reason, detail={"side": side}, changes={"closed_at": now}
    )
    consultation.participants.filter(side=Side.ANSWERING, ended_at=None).update(ended_at=now + ACCESS_AFTER_END)
    people = audience.askers(consultation) | audience.answering(consultation) | audience.schedulers(consultation)
    notification.tell_of(consultation=consultation, kind="no_show", people=people, by=by)
    moves.announce(consultation)
    return consultation

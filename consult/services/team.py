"""A team of specialists: invited, joined, the chair handed over, closed without somebody. Knows no report."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import NotAllowed, Refusal
from consult.models import Consultation, Opinion, Participant, Role, User
from consult.policies import person
from consult.policies import team as policies
from consult.services import alert, audience, audit, clock, moves, notification, search
from consult.states import ANSWERING, GATHERING, MEMBER_MOVES

MOST = 12
"""Specialists in one team."""
LONGEST = 2000


@transaction.atomic
def invite(*, consultation: Consultation, by: User, roles: Iterable[Role]) -> list[Participant]:
    """Ask further specialists to join. Refused unless agreement and licence are valid today."""
    row = moves.lock(consultation)
    if row.state not in GATHERING:
        raise moves.too_late()
    if not policies.may_invite(by, row):
        raise NotAllowed("wrong_actor", _("The specialist who answers and the scheduler invite others."))
    chosen = {role.person_id: role for role in roles}
    fitting = set(policies.invitable_roles(by, row).values_list("pk", flat=True))
    if not chosen or any(role.pk not in fitting for role in chosen.values()):
        raise Refusal(
            "expert_unfit",
            _("This specialist cannot join: no agreement, no valid licence, or already asked."),
            field="roles",
        )
    if len(policies.members(row)) + len(chosen) > MOST:
        raise Refusal("team_full", _("A team has twelve specialists at most."), field="roles")
    made = [_ask(row, by, role) for role in chosen.values()]
    moves.seat_chair(row)
    consultation.refresh_from_db()
    moves.announce(consultation)
    return made


def _ask(row: Consultation, by: User, role: Role) -> Participant:
    side = Participant.Side.ANSWERING
    seat, _made = Participant.objects.get_or_create(consultation=row, person_id=role.person_id, defaults={"side": side})
    _stand(seat, "invite", side=side, department=role.department_id, invited_by=by, ended_at=None, words="")
    _note(row, by, "team.invite", seat)
    _tell(row, "team_invited", {seat.person_id}, by, seat)
    return seat


def _stand(seat: Participant, name: str, **changes: Any) -> None:
    """One move of a member; Conflict when somebody was first."""
    sources, target = MEMBER_MOVES[name]
    rows = Participant.objects.filter(pk=seat.pk, standing__in=sources)
    if not rows.update(standing=target, stood_at=timezone.now(), **changes):
        raise moves.too_late()
    seat.refresh_from_db()


def _note(row: Consultation, by: User, action: str, seat: Participant) -> None:
    detail = {"member": seat.person.get_username(), "department": seat.department_id}
    audit.record(by=by, action=action, thing=seat, consultation=row, detail=detail)


def _tell(row: Consultation, kind: str, people: set[int], by: User, seat: Participant) -> None:
    at = seat.stood_at.timestamp() if seat.stood_at else 0
    notification.tell(people=people - {by.pk}, kind=kind, consultation=row, key=f"{kind}.{seat.pk}.{at}")


def _seat(row: Consultation, by: User) -> Participant:
    """The invitation of `by`, still open."""
    own = row.participants.filter(person=by).first()
    if own is None or not own.standing:
        raise NotAllowed("not_invited", _("You are not invited to this team."))
    seat = policies.invitation_of(by, row)
    if seat is None:
        raise moves.too_late()
    return seat


@transaction.atomic
def join(*, consultation: Consultation, by: User) -> Consultation:
    """The invited specialist joins. Of this and a chair who signs alone at the same moment, one is first."""
    row = moves.lock(consultation)
    seat = _seat(row, by)
    if not person.expert_roles(row).filter(person=by, department=seat.department_id).exists():
        raise Refusal("expert_unfit", _("You cannot take it: check the agreement with the hospital and your licence."))
    _stand(seat, "join")
    moves.seat_chair(row)
    _note(row, by, "team.join", seat)
    _tell(row, "team_joined", audience.answering(row) | audience.schedulers(row), by, seat)
    return _done(consultation, by)


@transaction.atomic
def decline(*, consultation: Consultation, by: User, reason: str) -> Consultation:
    """The invited specialist cannot; the reason is told to the chair and the desk."""
    row = moves.lock(consultation)
    seat = _seat(row, by)
    _stand(seat, "decline", words=_reason(reason), ended_at=timezone.now())
    _note(row, by, "team.decline", seat)
    _tell(row, "team_declined", audience.answering(row) | audience.schedulers(row), by, seat)
    return _done(consultation, by)


def _reason(words: str) -> str:
    words = words.replace("\x00", "").strip()
    if not words:
        raise Refusal("reason_missing", _("Say why: the others need to know."), field="reason")
    if len(words) > LONGEST:
        raise Refusal("too_long", _("This text is too long: 2,000 characters are the most."), field="reason")
    return words


def _done(consultation: Consultation, *lost: User) -> Consultation:
    for one in lost:
        alert.settle(consultation, person=one.pk)
    consultation.refresh_from_db()
    moves.announce(consultation, *(one.pk for one in lost))
    return consultation


@transaction.atomic
def withdraw(*, consultation: Consultation, by: User, member: Participant) -> Consultation:
    """The invitation is taken back before it was answered."""
    row = moves.lock(consultation)
    seat = row.participants.select_related("person").get(pk=member.pk)
    if not policies.may_withdraw(by, row, seat):
        _refuse(by, row)
    _stand(seat, "withdraw", ended_at=timezone.now())
    _note(row, by, "team.withdraw", seat)
    _tell(row, "withdrawn", {seat.person_id}, by, seat)
    return _done(consultation, seat.person)


def _refuse(by: User, row: Consultation) -> None:
    if policies.may_chair(by, row) or policies.may_invite(by, row):
        raise moves.too_late()
    raise NotAllowed("not_chair", _("Only the chair of the team does this."))


@transaction.atomic
def excuse(*, consultation: Consultation, by: User, member: Participant, reason: str) -> Consultation:
    """The chair closes without a member; the report names them with the reason. They still read it."""
    row = moves.lock(consultation)
    seat = row.participants.select_related("person").get(pk=member.pk)
    if not policies.may_excuse(by, row, seat):
        _refuse(by, row)
    _stand(seat, "excuse", words=_reason(reason))
    _note(row, by, "team.excuse", seat)
    _tell(row, "team_excused", {seat.person_id}, by, seat)
    return _done(consultation, seat.person)


@transaction.atomic
def hand_over(*, consultation: Consultation, by: User, member: Participant) -> Consultation:
    """Another member chairs from now on; the report's draft goes along. Of two who hand over at once one is first."""
    row = moves.lock(consultation)
    seat = row.participants.select_related("person", "department").get(pk=member.pk)
    if not policies.may_hand_over(by, row):
        if row.state not in ANSWERING:
            raise moves.too_late()
        raise NotAllowed("not_chair", _("Only the chair of the team does this."))
    if not policies.may_take_chair(row, seat) or seat.department is None:
        raise moves.too_late()
    same = Consultation.objects.filter(pk=row.pk, expert=consultation.expert_id, state__in=ANSWERING)
    moved = same.update(
        expert=seat.person,
        asked_department=seat.department,
        asked_hospital=seat.department.hospital_id,
        revision=F("revision") + 1,
        changed_at=timezone.now(),
    )
    if not moved:
        raise moves.too_late()
    Opinion.objects.filter(consultation=row, kind=Opinion.Kind.JOINT).update(author=seat.person, put_at=None)
    _note(row, by, "team.hand_over", seat)
    consultation.refresh_from_db()
    clock.follow(consultation)
    search.keep([row.pk])
    notification.tell_of(consultation=consultation, kind="team_chair", people=audience.answering(consultation), by=by)
    moves.announce(consultation)
    return consultation

"""Several specialists on one consultation: who invites, answers, chairs, confirms. Deny unless a line says yes.

The specialist who accepted is the chair; whoever else has joined makes it a team. A draft is its author's alone; a
signed opinion is open to the answering side at once, to the others together with the joint report.
"""

from django.db.models import QuerySet

from consult.models import Consultation, Opinion, Participant, Role
from consult.policies import consultation as consultations
from consult.policies import person
from consult.policies.person import Person
from consult.states import ANSWERED, ANSWERING, FINAL, GATHERING, IN_TEAM, Actor, MemberState

M = MemberState
SEATED = frozenset({M.INVITED, *IN_TEAM})


def members(consultation: Consultation) -> list[Participant]:
    """Everybody who was ever invited, and the chair, in the order in which they came."""
    return [row for row in consultation.participants.all() if row.standing]


def is_team(consultation: Consultation) -> bool:
    """Whether somebody has joined the specialist who accepted: then the answer is the joint report."""
    return any(
        row.standing in IN_TEAM and row.person_id != consultation.expert_id for row in consultation.participants.all()
    )


def report_of(consultation: Consultation) -> Opinion | None:
    return Opinion.objects.filter(consultation_id=consultation.pk, kind=Opinion.Kind.JOINT).first()


def may_invite(user: Person, consultation: Consultation) -> bool:
    """The specialist it is offered to or who chairs, and the desk, until the report is signed."""
    who = consultations.actors(user, consultation)
    return consultation.state in GATHERING and bool(who & {Actor.EXPERT, Actor.SCHEDULER})


def invitable_roles(user: Person, consultation: Consultation) -> QuerySet[Role]:
    """Specialist roles with agreement and licence whose person is not in the team or asked yet."""
    if not may_invite(user, consultation):
        return Role.objects.none()
    seated = {row.person_id for row in consultation.participants.all() if row.standing in SEATED}
    return person.expert_roles(consultation).exclude(person__in=seated | {consultation.expert_id or 0})


def invitation_of(user: Person, consultation: Consultation) -> Participant | None:
    """This person's own, while it can be answered."""
    if consultation.state not in GATHERING or not person.is_expert(user):
        return None
    rows = (row for row in consultation.participants.all() if row.person_id == user.pk)
    return next((row for row in rows if row.standing == M.INVITED and row.ended_at is None), None)


def may_withdraw(user: Person, consultation: Consultation, member: Participant) -> bool:
    return member.standing == M.INVITED and may_invite(user, consultation)


def may_chair(user: Person, consultation: Consultation) -> bool:
    """The chair of a team, as long as there is something to do."""
    return is_team(consultation) and Actor.EXPERT in consultations.actors(user, consultation)


def may_hand_over(user: Person, consultation: Consultation) -> bool:
    """The chair, or the desk when the chair cannot; before the report is signed."""
    who = consultations.actors(user, consultation)
    return consultation.state in ANSWERING and is_team(consultation) and bool(who & {Actor.EXPERT, Actor.SCHEDULER})


def may_take_chair(consultation: Consultation, member: Participant) -> bool:
    return member.standing in {M.JOINED, M.SIGNED} and member.person_id != consultation.expert_id


def may_excuse(user: Person, consultation: Consultation, member: Participant) -> bool:
    """The chair goes on without a member who does not sign or confirm."""
    return consultation.state in ANSWERING and may_chair(user, consultation) and may_take_chair(consultation, member)


def may_write_report(user: Person, consultation: Consultation) -> bool:
    if not may_chair(user, consultation):
        return False
    if consultation.state in ANSWERING:
        return True
    report = report_of(consultation)
    return consultation.state in ANSWERED - FINAL and report is not None and bool(report.amendment_reason)


def may_see_report_draft(user: Person, consultation: Consultation) -> bool:
    """The members, once it was put to them; the chair who writes it."""
    if may_write_report(user, consultation):
        return True
    report = report_of(consultation)
    return report is not None and report.put_at is not None and is_in(user, consultation)


def is_in(user: Person, consultation: Consultation) -> bool:
    """A member or the chair."""
    return is_team(consultation) and bool(consultations.actors(user, consultation) & {Actor.EXPERT, Actor.MEMBER})


def may_confirm(user: Person, consultation: Consultation) -> bool:
    """A member whose own opinion is signed, while the report is put to the members."""
    if consultation.state in FINAL or Actor.MEMBER not in consultations.actors(user, consultation):
        return False
    row = consultations.member_of(user, consultation)
    report = report_of(consultation)
    return row is not None and row.standing == M.SIGNED and report is not None and report.put_at is not None


def is_on_teams(user: Person) -> bool:
    """Whether this specialist is or was asked to join any team."""
    return person.is_expert(user) and Participant.objects.filter(person_id=user.pk).exclude(standing="").exists()

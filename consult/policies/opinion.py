"""Who sees signed versions, who sees the draft, who writes and signs."""

from django.db.models import QuerySet

from consult.models import Consultation, Opinion, OpinionVersion
from consult.policies import consultation as consultations
from consult.policies import person, team
from consult.policies.person import Person
from consult.states import ANSWERED, ANSWERING, FINAL, Actor, MemberState

AMENDABLE = ANSWERED - FINAL
ONE_VOICE = frozenset({"asking", "desk"})
"""Sides that see a team's opinions only with its joint report."""


def visible_versions(user: Person, consultation: Consultation) -> QuerySet[OpinionVersion]:
    """Signed versions only, for everyone who sees the consultation; drafts are never here."""
    side = consultations.side_of(user, consultation)
    if not side:
        return OpinionVersion.objects.none()
    rows = OpinionVersion.objects.filter(opinion__consultation_id=consultation.pk).select_related("opinion")
    if side in ONE_VOICE and team.is_team(consultation) and not rows.filter(opinion__kind=Opinion.Kind.JOINT).exists():
        return rows.none()
    return rows


def newest_visible(user: Person, consultation: Consultation) -> OpinionVersion | None:
    """What counts: the newest joint report, or the newest opinion where there is none."""
    return visible_versions(user, consultation).order_by("opinion__kind", "-signed_at", "-pk").first()


def may_see_draft(user: Person, consultation: Consultation) -> bool:
    """The answering side once it has accepted; never the asking side, the desk or the regulator."""
    if team.is_team(consultation) and not team.is_in(user, consultation):
        return False
    if team.invitation_of(user, consultation) is not None:
        return False
    return consultation.state in ANSWERING | AMENDABLE and consultations.side_of(user, consultation) == "answering"


def visible_drafts(user: Person, consultation: Consultation) -> QuerySet[Opinion]:
    """Opinions whose text this person may read before it is signed: in a team one's own only."""
    if not may_see_draft(user, consultation):
        return Opinion.objects.none()
    rows = Opinion.objects.filter(consultation_id=consultation.pk, kind=Opinion.Kind.OWN)
    return rows.filter(author_id=user.pk) if team.is_team(consultation) else rows


def may_write(user: Person, consultation: Consultation) -> bool:
    """The accepting specialist: until it is signed, and again while an amendment is open. In a team each their own."""
    who = consultations.actors(user, consultation)
    if team.is_team(consultation):
        row = consultations.member_of(user, consultation)
        if row is None or consultation.state not in ANSWERING:
            return False
        return row.standing == MemberState.JOINED or _amending(user, consultation)
    if Actor.EXPERT not in who:
        return False
    return consultation.state in ANSWERING or (consultation.state in AMENDABLE and _amending(user, consultation))


def may_sign(user: Person, consultation: Consultation) -> bool:
    return may_write(user, consultation) and person.licence_on(user) is not None


def may_amend(user: Person, consultation: Consultation) -> bool:
    """Whether an amendment may be opened: by the signing specialist, until the consultation is closed.

    A member amends an own opinion until the report is put to the members; the chair amends the signed report.
    """
    if team.is_team(consultation) and consultation.state in ANSWERING:
        row = consultations.member_of(user, consultation)
        report = team.report_of(consultation)
        is_put = report is not None and report.put_at is not None
        return row is not None and row.standing == MemberState.SIGNED and not is_put
    return consultation.state in AMENDABLE and Actor.EXPERT in consultations.actors(user, consultation)


def _amending(user: Person, consultation: Consultation) -> bool:
    own = Opinion.objects.filter(consultation_id=consultation.pk, author_id=user.pk, kind=Opinion.Kind.OWN)
    return own.exclude(amendment_reason="").exists()

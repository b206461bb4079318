"""Whom to ask: the specialists who may answer a request, the best first, each with the reasons in words."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from consult.models import Consultation, Role
from consult.policies import person
from consult.states import ANSWERING, State

RANK = {"": 0, "resident": 1, "attending": 2, "associate_chief": 3, "chief": 4}
BUSY = ANSWERING | {State.OFFERED}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`reasons`: words and whether each speaks for this specialist."""

    role: Role
    score: int
    reasons: list[tuple[str, bool]]


def suggested(consultation: Consultation, roles: list[Role] | None = None) -> list[Suggestion]:
    """Best first. Three queries, however many specialists there are."""
    rows = list(person.expert_roles(consultation)) if roles is None else roles
    people = {role.person_id for role in rows}
    load = _counted(Consultation.objects.filter(expert__in=people, state__in=BUSY))
    before = _counted(
        Consultation.objects.filter(expert__in=people, patient=consultation.patient_id, signed_at__isnull=False)
    )
    found = [_weighed(consultation, role, load.get(role.person_id, 0), before) for role in rows]
    return sorted(found, key=lambda one: (-one.score, one.role.person.name_index, one.role.pk))


def _counted(rows: "object") -> dict[int, int]:
    counted = rows.order_by().values("expert").annotate(n=Count("pk")).values_list("expert", "n")  # type: ignore[attr-defined]
    return dict(counted)


def _weighed(consultation: Consultation, role: Role, load: int, before: dict[int, int]) -> Suggestion:
    reasons: list[tuple[str, bool]] = []
    score = -min(load, 5) * 2
    department = role.department
    if department and department.specialty == consultation.specialty:
        score += 20
        reasons.append((_("Wanted specialty"), True))
    if consultation.title_wanted:
        fits = RANK.get(role.title, 0) >= RANK.get(consultation.title_wanted, 0)
        score += 6 if fits else -6
        reasons.append((_("Wanted title") if fits else _("Below the wanted title"), fits))
    if role.person_id in before:
        score += 5
        reasons.append((_("Has answered for this patient before"), True))
    if load:
        reasons.append((_("%(count)s open now") % {"count": load}, False))
    else:
        reasons.append((_("Nothing open"), True))
    return Suggestion(role, score, reasons)


def second(consultation: Consultation) -> Role | None:
    """The one to ask beside the specialist who does not answer: of the asked department first."""
    rows = person.expert_roles(consultation).exclude(person=consultation.expert_id)
    rows = rows.filter(Q(department=consultation.asked_department_id) | Q(department__specialty=consultation.specialty))
    found = suggested(consultation, list(rows))
    own = [one for one in found if one.role.department_id == consultation.asked_department_id]
    best = (own or found)[:1]
    return best[0].role if best else None

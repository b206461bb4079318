"""Whom to ask: the specialists who may answer a request, the best first, each with the reasons in words."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from consult.models import Consultation, Role, Shift
from consult.policies import duty, person
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
    """Best first. Six queries, however many specialists there are."""
    rows = list(person.expert_roles(consultation)) if roles is None else roles
    people = {role.person_id for role in rows}
    load = _counted(Consultation.objects.filter(expert__in=people, state__in=BUSY))
    before = _counted(
        Consultation.objects.filter(expert__in=people, patient=consultation.patient_id, signed_at__isnull=False)
    )
    standing = duty.standing(rows) if duty.is_rostered() else None
    found = []
    for role in rows:
        score, reasons = _weighed(consultation, role, load.get(role.person_id, 0), before)
        for points, words in (_on_duty(role, standing), _language(consultation, role)):
            score += points
            reasons += [(words, points > 0)] if words else []
        found.append(Suggestion(role, score, reasons))
    return sorted(found, key=lambda one: (-one.score, one.role.person.name_index, one.role.pk))


def _counted(rows: "object") -> dict[int, int]:
    counted = rows.order_by().values("expert").annotate(n=Count("pk")).values_list("expert", "n")  # type: ignore[attr-defined]
    return dict(counted)


def _on_duty(role: Role, standing: dict[int, str] | None) -> tuple[int, str]:
    """`standing` None: no roster is kept, so nobody is missing from it."""
    if standing is None:
        return 0, ""
    words: dict[str, tuple[int, str]] = {
        Shift.Level.DUTY: (8, _("On duty now")),
        Shift.Level.ON_CALL: (4, _("On call now")),
        Shift.Level.STANDBY: (2, _("Standby now")),
    }
    return words.get(standing.get(role.pk, ""), (-3, _("Not on duty now")))


def _language(consultation: Consultation, role: Role) -> tuple[int, str]:
    """Said when both have chosen a language and one of them works in another than the site's."""
    asks, answers = consultation.asker.language, role.person.language
    if not (asks and answers) or {asks, answers} == {settings.LANGUAGE_CODE}:
        return 0, ""
    name = role.person.get_language_display()
    if asks == answers:
        return 2, _("Works in %(language)s, as the asking doctor does") % {"language": name}
    return -2, _("Works in %(language)s, the asking doctor does not") % {"language": name}


def _weighed(
    consultation: Consultation, role: Role, load: int, before: dict[int, int]
) -> tuple[int, list[tuple[str, bool]]]:
    reasons: list[tuple[str, bool]] = []
    score = -min(load, 5) * 2
    if consultation.role_wanted_id == role.pk:
        score += 12
        reasons.append((_("The asking doctor wants this specialist"), True))
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
    return score, reasons


def for_team(consultation: Consultation, roles: list[Role]) -> list[Suggestion]:
    """Whom to invite beside who answers: other specialties first, the least busy of them. One query."""
    load = _counted(Consultation.objects.filter(expert__in={role.person_id for role in roles}, state__in=BUSY))
    own = consultation.asked_department.specialty if consultation.asked_department else consultation.specialty
    found = []
    for role in roles:
        other = bool(role.department) and role.department is not None and role.department.specialty != own
        busy = load.get(role.person_id, 0)
        reasons = [(_("Another specialty"), True)] if other else [(_("The same specialty"), False)]
        reasons.append((_("%(count)s open now") % {"count": busy}, False) if busy else (_("Nothing open"), True))
        found.append(Suggestion(role, (20 if other else 0) - min(busy, 5), reasons))
    return sorted(found, key=lambda one: (-one.score, one.role.person.name_index, one.role.pk))


def second(consultation: Consultation) -> Role | None:
    """The one to ask beside the specialist who does not answer: of the asked department first."""
    rows = person.expert_roles(consultation).exclude(person=consultation.expert_id)
    rows = rows.filter(Q(department=consultation.asked_department_id) | Q(department__specialty=consultation.specialty))
    found = suggested(consultation, list(rows))
    own = [one for one in found if one.role.department_id == consultation.asked_department_id]
    best = (own or found)[:1]
    return best[0].role if best else None

"""Reading desks: departments that take images to read without a call, and the texts their reports begin with."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Consultation, Department, Participant, ReportTemplate, User
from consult.policies import person
from consult.policies import reading_desk as policies
from consult.services import audience, audit, moves, notification
from consult.states import State

TEXTS = ("findings", "diagnosis", "recommendation")
MOST = 200
"""Templates of one department."""


def of(consultation: Consultation) -> Department | None:
    """The desk that reads for the asking hospital in the specialty wanted: of several that with the least waiting."""
    rows = policies.desks_for(consultation).filter(specialty=consultation.specialty)
    waits = Q(asked__state__in=[State.TRIAGE, State.OFFERED, State.DECLINED, State.ASYNC_REVIEW])
    return rows.annotate(waiting=Count("asked", filter=waits, distinct=True)).order_by("waiting", "pk").first()


@transaction.atomic
def give(
    *, consultation: Consultation, by: User | None, department: Department, revision: int | None = None
) -> Consultation:
    """Put it into a desk's queue, where the first who has time reads it. `by` None is the system, at submit.

    Conflict when the consultation changed since `revision` (default: since the caller read it).
    """
    row = moves.lock(consultation)
    moves.check(consultation=row, name="to_desk", by=by)
    if not policies.desks_for(row).filter(pk=department.pk).exists():
        raise Refusal(
            "desk_unfit",
            _("This department cannot read it: no desk, no agreement, or nobody with a licence."),
            field="department",
        )
    before = row.expert_id
    moves.make(
        consultation=consultation,
        name="to_desk",
        by=by,
        guard={"revision": consultation.revision if revision is None else revision},
        detail={"department": department.pk},
        changes={"expert": None, "asked_department": department, "asked_hospital": department.hospital_id},
    )
    told = {"reading": audience.department(consultation), "reading_asker": audience.askers(consultation)}
    if before:
        moves.leave(consultation, before, Participant.Side.ANSWERING)
        told["withdrawn"] = {before}
    for kind, people in told.items():
        key = f"{kind}.{consultation.pk}.{consultation.revision}"
        notification.tell(people=people - {by.pk if by else 0}, kind=kind, consultation=consultation, key=key)
    moves.announce(consultation, *({before} if before else set()))
    return consultation


@transaction.atomic
def set_reads(*, department: Department, by: User, reads: bool) -> Department:
    """Open or close a department's desk. What waits there stays there until it is read or given elsewhere."""
    if not policies.may_run(by, department):
        raise NotAllowed("not_scheduler", _("Only the schedulers of a hospital open and close its desks."))
    if not Department.objects.filter(pk=department.pk, reads=not reads).update(reads=reads):
        raise Conflict("too_late", _("Somebody was first, or the moment has passed. Look at the newest state."))
    audit.record(by=by, action="department.open_desk" if reads else "department.close_desk", thing=department)
    department.refresh_from_db()
    return department


def keep_template(
    *, department: Department, by: User, fields: dict[str, Any], template: ReportTemplate | None = None
) -> ReportTemplate:
    """A new template of a desk, or other words for one."""
    if not policies.may_write_templates(by, department) or (template and template.department_id != department.pk):
        raise NotAllowed("not_reader", _("Only who reads at this desk changes its templates."))
    texts = {name: str(fields.get(name, "")).replace("\r\n", "\n").strip() for name in TEXTS}
    if not any(texts.values()):
        raise Refusal("empty", _("A template says something in one of its three texts."), field="findings")
    if template is None and ReportTemplate.objects.filter(department=department).count() >= MOST:
        raise Conflict("too_many", _("This desk has too many templates. Delete some first."))
    row = template or ReportTemplate(department=department)
    row.name, row.modality, row.changed_by = fields["name"].strip(), fields.get("modality", ""), by
    for name, words in texts.items():
        setattr(row, name, words)
    try:
        with transaction.atomic():
            row.save()
            audit.record(by=by, action="reporttemplate.keep", thing=row, detail={"name": row.name})
    except IntegrityError:
        raise Refusal("name_taken", _("This desk has a template of this name."), field="name") from None
    return row


@transaction.atomic
def delete_template(*, template: ReportTemplate, by: User) -> None:
    """What was written with it stays as it is."""
    if not policies.may_write_templates(by, template.department):
        raise NotAllowed("not_reader", _("Only who reads at this desk changes its templates."))
    audit.record(by=by, action="reporttemplate.delete", thing=template, detail={"name": template.name})
    template.delete()


def offered(consultation: Consultation, by: User) -> list[ReportTemplate]:
    """Templates for the opinion that `by` writes: those for the kinds of its images first."""
    kinds = set(consultation.images.exclude(modality="").values_list("modality", flat=True))  # type: ignore[attr-defined]
    alike = {"CR": "DX", "IO": "DX", "PX": "DX", "GM": "SM"}
    kinds |= {alike[kind] for kind in kinds if kind in alike}
    rows = ReportTemplate.objects.filter(department__in=person.departments_of(by))
    return sorted(rows, key=lambda row: (row.modality not in kinds, row.modality, row.name))

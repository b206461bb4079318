"""Who sees a consultation, from which side, and what they may do to it. Deny unless a line says yes."""

from typing import Any, Literal

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from consult.codes import sought
from consult.models import (
    Confirmation,
    Consent,
    ConsentText,
    Consultation,
    Opinion,
    Participant,
    Referral,
    Role,
    Urgency,
)
from consult.policies import among, person
from consult.policies.person import Person
from consult.states import (
    ANSWERED,
    ANSWERING,
    CALLABLE,
    FINAL,
    GATHERING,
    MOVES,
    OPEN,
    REFERRAL_OPEN,
    Actor,
    MemberState,
    State,
)

Side = Literal["asking", "answering", "receiving", "desk", "oversight", ""]

S = State
OFFERED_TO = frozenset({S.TRIAGE, S.NEEDS_INFO, S.OFFERED})  # the named specialist looks before accepting
OPEN_TO_DEPARTMENT = frozenset({S.TRIAGE, S.OFFERED, S.DECLINED})
EDITABLE = frozenset({S.DRAFT, S.RETURNED, S.NEEDS_INFO})
JOINABLE = CALLABLE | (ANSWERED - FINAL)
AT_DESK = Q(state=S.TRIAGE, asked_department__isnull=False, expert=None)
"""In the queue of a reading desk: nobody's turn but the department's."""
WORKLISTS = ("team", "todo", "department", "live", "open", "done")


def visible_consultations(user: Person) -> QuerySet[Consultation]:
    """All this person may know of; everything else does not exist for them (404)."""
    rows = Consultation.objects.all()
    own = _asking(user) | _answering(user) | _desk(user) | _receiving(user)
    if not person.is_expert(user):
        return rows.filter(own)
    # A union: beside an OR no index would be asked, and all of the province be read.
    return rows.filter(among.keys(rows.filter(own).order_by().values("pk").union(_parts(user))))


def visible_consultation(user: Person, pk: int) -> Consultation | None:
    """That of `visible_consultations` with this key, for doors that are passed many times a second."""
    row = Consultation.objects.filter(pk=pk).first()
    return row if row is not None and side_of(user, row) else None


def _asking(user: Person) -> Q:
    kind = Role.Kind.DOCTOR
    if not person.is_doctor(user):
        return Q(pk__in=[])
    mine = Q(asker_id=user.pk, hospital__in=person.hospitals_of(user, kind))
    return mine | Q(department__in=person.departments_of(user, kind), submitted_at__isnull=False)


def _answering(user: Person) -> Q:
    kind = Role.Kind.EXPERT
    if not person.is_expert(user):
        return Q(pk__in=[])
    named = Q(expert_id=user.pk, state__in=OFFERED_TO, asked_hospital__in=person.hospitals_of(user, kind))
    department = Q(asked_department__in=person.departments_of(user, kind), state__in=OPEN_TO_DEPARTMENT)
    return named | department


def _parts(user: Person) -> QuerySet[Participant, Any]:
    """Keys of the consultations in which this specialist takes part."""
    rows = Participant.objects.filter(_lasting(), person_id=user.pk, side=Participant.Side.ANSWERING)
    return rows.order_by().values("consultation")


def _receiving(user: Person) -> Q:
    """The department a patient is referred to reads the consultation until the referral has ended.

    The few keys are asked for first: the lists of everybody else keep their indexes.
    """
    return Q(pk__in=_referred(user))


def _referred(user: Person) -> list[int]:
    departments = person.departments_of(user)
    if not departments:
        return []
    rows = Referral.objects.filter(to_department__in=departments, state__in=REFERRAL_OPEN, consultation__isnull=False)
    return [pk for pk in rows.values_list("consultation_id", flat=True) if pk is not None]


def _lasting() -> Q:
    return Q(ended_at=None) | Q(ended_at__gt=timezone.now())


def _desk(user: Person) -> Q:
    reach = Q(pk__in=[])
    for role in person.roles(user):
        if role.kind not in {Role.Kind.SCHEDULER, Role.Kind.REGULATOR}:
            continue
        if role.hospital_id is None:
            return Q(submitted_at__isnull=False)
        reach |= Q(hospital=role.hospital_id) | Q(asked_hospital=role.hospital_id)
    return Q(submitted_at__isnull=False) & reach


def side_of(user: Person, consultation: Consultation) -> Side:
    """The side this person sees it from, "" when they do not see it. Lists prefetch `participants`."""
    if _is_asking(user, consultation):
        return "asking"
    if _is_answering(user, consultation):
        return "answering"
    if consultation.submitted_at:
        covering = {role.kind for role in person.roles(user) if person.covers(role, consultation)}
        if Role.Kind.SCHEDULER in covering:
            return "desk"
        if Role.Kind.REGULATOR in covering:
            return "oversight"
    return "receiving" if consultation.pk in _referred(user) else ""


def _is_asking(user: Person, consultation: Consultation) -> bool:
    for role in person.roles_of(user, Role.Kind.DOCTOR):
        if consultation.asker_id == user.pk and role.hospital_id == consultation.hospital_id:
            return True
        if consultation.submitted_at and role.department_id == consultation.department_id:
            return True
    return False


def _is_answering(user: Person, consultation: Consultation) -> bool:
    expert_roles = person.roles_of(user, Role.Kind.EXPERT)
    if not expert_roles:
        return False
    if consultation.state in OPEN_TO_DEPARTMENT and _in_asked_department(user, consultation):
        return True
    if consultation.state in OFFERED_TO and _is_named(user, consultation):
        return True
    return _takes_part(user, consultation)


def _takes_part(user: Person, consultation: Consultation) -> bool:
    now = timezone.now()
    return any(
        row.person_id == user.pk
        and row.side == Participant.Side.ANSWERING
        and (row.ended_at is None or row.ended_at > now)
        for row in consultation.participants.all()
    )


def _is_named(user: Person, consultation: Consultation) -> bool:
    return consultation.expert_id == user.pk and consultation.asked_hospital_id in person.hospitals_of(
        user, Role.Kind.EXPERT
    )


def _in_asked_department(user: Person, consultation: Consultation) -> bool:
    return consultation.asked_department_id in person.departments_of(user, Role.Kind.EXPERT)


def actors(user: Person, consultation: Consultation) -> set[Actor]:
    """What this person is to this consultation; a regulator is nothing: they only look."""
    found: set[Actor] = set()
    if _is_asking(user, consultation):
        found.add(Actor.ASKER)
    if consultation.submitted_at and any(
        person.covers(role, consultation) for role in person.roles_of(user, Role.Kind.SCHEDULER)
    ):
        found.add(Actor.SCHEDULER)
    if _is_named(user, consultation):
        found.add(Actor.EXPERT)
    if _in_asked_department(user, consultation) or _is_rung(user, consultation):
        found.add(Actor.DEPARTMENT)
    if member_of(user, consultation) is not None and not _is_named(user, consultation):
        found.add(Actor.MEMBER)
    return found


def member_of(user: Person, consultation: Consultation) -> Participant | None:
    """This person's place in the team, once they have joined and as long as they may see it."""
    if not person.is_expert(user):
        return None
    row = next((one for one in consultation.participants.all() if one.person_id == user.pk), None)
    joined = row is not None and row.standing in {MemberState.JOINED, MemberState.SIGNED}
    return row if joined and _takes_part(user, consultation) else None


def _is_rung(user: Person, consultation: Consultation) -> bool:
    """Asked beside the specialist it is offered to, from whatever department: the first to answer has it."""
    return (
        consultation.state in {S.OFFERED, S.DECLINED}
        and consultation.expert_id != user.pk
        and person.is_expert(user)
        and _takes_part(user, consultation)
        and not any(row.person_id == user.pk and row.standing for row in consultation.participants.all())
    )


def moves(user: Person, consultation: Consultation) -> set[str]:
    """Names of all moves this person may make now: what buttons a page shows."""
    who = actors(user, consultation)
    return {name for name, move in MOVES.items() if consultation.state in move.sources and who & move.actors}


def may(user: Person, move_name: str, consultation: Consultation) -> bool:
    move = MOVES[move_name]
    return consultation.state in move.sources and bool(actors(user, consultation) & move.actors)


def may_ask(user: Person) -> bool:
    """Whether this person may start a request: a doctor of a primary hospital."""
    return any(
        role.hospital is not None and not role.hospital.is_superior for role in person.roles_of(user, Role.Kind.DOCTOR)
    )


def may_edit(user: Person, consultation: Consultation) -> bool:
    return consultation.state in EDITABLE and _is_asking(user, consultation)


def may_consent(user: Person, consultation: Consultation) -> bool:
    """Whether this person may take or withdraw the patient's consent: the asking side, while it is open."""
    return consultation.state not in FINAL and _is_asking(user, consultation)


def may_join(user: Person, consultation: Consultation) -> bool:
    """Whether this person may be in the call: both sides, from acceptance until it ends, with the patient's consent."""
    return may_enter(user, consultation) and has_consent(consultation)


def may_enter(user: Person, consultation: Consultation) -> bool:
    """`may_join` but for the consent, so that a page can say which of the two is missing."""
    if consultation.state not in JOINABLE:
        return False
    return bool(actors(user, consultation) & {Actor.ASKER, Actor.EXPERT, Actor.MEMBER})


def has_consent(consultation: Consultation, kind: str = ConsentText.Kind.CONSULTATION) -> bool:
    """A consent of this kind that nobody withdrew."""
    return Consent.objects.filter(
        consultation_id=consultation.pk, withdraws=None, withdrawal=None, text__kind=kind
    ).exists()


def may_post(user: Person, consultation: Consultation) -> bool:
    """Both sides and the desk may write from submission until the end; the asked department only after taking it."""
    if consultation.state == S.DRAFT or consultation.state in FINAL:
        return False
    return bool(actors(user, consultation) & {Actor.ASKER, Actor.EXPERT, Actor.MEMBER, Actor.SCHEDULER})


def may_add_images(user: Person, consultation: Consultation) -> bool:
    """The asking side until the end; the specialist while answering."""
    if consultation.state in FINAL:
        return False
    who = actors(user, consultation)
    return Actor.ASKER in who or (bool(who & {Actor.EXPERT, Actor.MEMBER}) and consultation.state in ANSWERING)


def worklists(user: Person) -> list[str]:
    """Names of the lists that can hold anything for this person, in the order of a home page."""
    names = [name for name in WORKLISTS if name not in {"department", "team"} or person.is_expert(user)]
    return names if person.roles(user) else []


def worklist(user: Person, name: str) -> QuerySet[Consultation]:
    """One list of the home page, most urgent and oldest first (`done`: newest first). Lists do not overlap.

    team: a team of specialists waits for this one; todo: waits for an act of this person; department: open to the
    specialist's department; live: accepted and not yet answered; open: the rest that has not ended; done: ended, and
    for a specialist also signed.
    """
    if name not in WORKLISTS:
        raise KeyError(name)
    rows = visible_consultations(user)
    team, department, done = _team(user), _department(user), _done(user)
    todo = _todo(user) & ~team
    live = Q(state__in=ANSWERING) & ~todo & ~done
    chosen = {
        "team": team,
        "todo": todo,
        "department": department & ~todo & ~team,
        "live": live & ~team,
        "open": ~team & ~todo & ~department & ~live & ~done,
        "done": done & ~todo & ~team,
    }[name]
    order = ["-changed_at", "-pk"] if name == "done" else ["urgency_rank", "submitted_at", "pk"]
    if name != "done":  # an index of states finds what is open; what is not finished is looked for among all
        rows = rows.filter(state__in=OPEN)
    return _as_list(rows.filter(chosen)).order_by(*order)


def found(user: Person, text: str) -> QuerySet[Consultation]:
    """What this person may see and has all words of `text`, newest first.

    The index over the whole province is asked for those only who see all of it: for the others every row read is one
    they see, so that neither a count nor a time tells of what they do not.
    """
    wanted = sought.words(text)
    rows = visible_consultations(user) if wanted else Consultation.objects.none()
    for word in wanted:
        rows = rows.filter(entry__text__contains=word)
        if sees_all(user):
            rows = rows.filter(entry__folded__contains=sought.folded(word))
    return _as_list(rows).order_by("-changed_at", "-pk")


def sees_all(user: Person) -> bool:
    """Whether everything that was ever sent is open to this person: the province's scheduler, its regulator."""
    return any(
        role.hospital_id is None and role.kind in {Role.Kind.SCHEDULER, Role.Kind.REGULATOR}
        for role in person.roles(user)
    )


def _as_list(rows: QuerySet[Consultation]) -> QuerySet[Consultation]:
    """With all that a line of a list shows."""
    rank = Case(
        When(urgency=Urgency.EMERGENCY, then=Value(0)),
        When(urgency=Urgency.URGENT, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return (
        rows.annotate(urgency_rank=rank)
        .select_related("patient", "hospital", "department", "asker", "asked_hospital", "asked_department", "expert")
        .prefetch_related("participants")
    )


def _team(user: Person) -> Q:
    """Consultations whose team waits for this person: an invitation, an opinion, a confirmation."""
    if not person.is_expert(user):
        return Q(pk__in=[])
    own = Participant.objects.filter(consultation=OuterRef("pk"), person_id=user.pk, ended_at=None)
    put = Opinion.objects.filter(consultation=OuterRef("pk"), kind=Opinion.Kind.JOINT, put_at__isnull=False)
    said = Confirmation.objects.filter(report__consultation=OuterRef("pk"), person_id=user.pk)
    # What costs least is asked first: databases go through these from left to right.
    others = ~Q(expert_id=user.pk)
    invited = Q(state__in=GATHERING) & Q(Exists(own.filter(standing=MemberState.INVITED)))
    owes = Q(state__in={S.ASYNC_REVIEW, S.OPINION_DUE}) & others & Q(Exists(own.filter(standing=MemberState.JOINED)))
    confirms = others & Q(Exists(own.filter(standing=MemberState.SIGNED))) & Q(Exists(put)) & ~Q(Exists(said))
    return invited | owes | confirms


def _todo(user: Person) -> Q:
    mine = Q(asker_id=user.pk, state=S.DRAFT) if person.is_doctor(user) else Q(pk__in=[])
    asked = Q(department__in=person.departments_of(user, Role.Kind.DOCTOR))
    mine |= asked & Q(state__in={S.RETURNED, S.NEEDS_INFO, S.SIGNED})
    if person.is_expert(user):
        mine |= Q(expert_id=user.pk, state__in={S.OFFERED, S.ASYNC_REVIEW, S.OPINION_DUE})
    if person.is_scheduler(user):
        mine |= Q(state__in={S.SUBMITTED, S.TRIAGE, S.DECLINED}) & ~AT_DESK
    return mine


def _department(user: Person) -> Q:
    ids = person.departments_of(user, Role.Kind.EXPERT)
    return Q(asked_department__isnull=False, asked_department__in=ids, state__in=OPEN_TO_DEPARTMENT)


def _done(user: Person) -> Q:
    done = Q(state__in=FINAL)
    if person.is_expert(user):
        done |= Q(expert__isnull=False, expert_id=user.pk, state__in=ANSWERED)
    return done

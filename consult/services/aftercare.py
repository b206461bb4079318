"""After the decision: ratings, follow-up with reminders, the outcome, and asking the same specialist again."""

from datetime import date, datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Consultation, FollowUp, Outcome, Participant, Rating, Role, User
from consult.policies import aftercare as policies
from consult.services import audience, audit, moves, notification, outbox
from consult.services import consultation as consultations
from consult.states import State

LONGEST = 2000
REMIND_AT = time(8)
MOST = 30
"""Entries of one plan."""
LATEST = timedelta(days=3 * 365)


def _clean(words: str, field: str) -> str:
    words = words.replace("\x00", "").strip()
    if len(words) > LONGEST:
        raise Refusal("too_long", _("This text is too long: 2,000 characters are the most."), field=field)
    return words


@transaction.atomic
def rate(*, consultation: Consultation, by: User, stars: int, words: str) -> Rating:
    """One word for each side; the other side sees it when both have rated, or after two weeks."""
    row = moves.lock(consultation)
    if not policies.may_rate(by, row):
        if policies.rating_side(by, row):
            raise moves.too_late()
        raise NotAllowed("wrong_actor", _("Both doctors of a consultation rate it, nobody else."))
    if stars not in Rating.Stars.values:
        raise Refusal("unknown_stars", _("Choose one to five stars."), field="stars")
    side = policies.rating_side(by, row)
    try:
        with transaction.atomic():
            made = Rating.objects.create(consultation=row, side=side, stars=stars, words=_clean(words, "words"), by=by)
    except IntegrityError:
        raise moves.too_late() from None
    audit.record(by=by, action="rating.give", thing=made, consultation=row, detail={"side": side})
    other = audience.answering(row) if side == Rating.Side.ASKING else audience.askers(row)
    both = Rating.objects.filter(consultation=row).count() == len(Rating.Side)
    kind = "rated_both" if both else "rated"
    notification.tell(people=other - {by.pk}, kind=kind, consultation=row, key=f"{kind}.{row.pk}.{side}")
    moves.announce(row)
    return made


@transaction.atomic
def plan(*, consultation: Consultation, by: User, due_on: date, task: str) -> FollowUp:
    """Something to look at on a day; the first entry begins the follow-up. The asking side is reminded that morning."""
    row = moves.lock(consultation)
    _check(by, row)
    task = _clean(task, "task")[:200]
    if not task:
        raise Refusal("task_missing", _("Write what is to be looked at."), field="task")
    if not timezone.localdate() <= due_on <= timezone.localdate() + LATEST:
        raise Refusal("past", _("Choose a day from today on, within three years."), field="due_on")
    if row.follow_ups.count() >= MOST:
        raise Refusal("plan_full", _("A plan has 30 entries at most."), field="task")
    made = FollowUp.objects.create(consultation=row, due_on=due_on, task=task, planned_by=by)
    audit.record(by=by, action="follow_up.plan", thing=made, consultation=row, detail={"due_on": str(due_on)})
    due = timezone.make_aware(datetime.combine(due_on, REMIND_AT), timezone.get_default_timezone())
    outbox.later(kind="follow_up.due", payload={"follow_up": made.pk}, due_at=due, key=f"follow_up.{made.pk}")
    if row.state == State.ACKNOWLEDGED:
        consultations.follow_up(consultation=consultation, by=by)
    consultation.refresh_from_db()
    moves.announce(consultation)
    return made


def _check(by: User, row: Consultation) -> None:
    if policies.may_follow_up(by, row):
        return
    if policies.rating_side(by, row) == Rating.Side.ASKING:
        raise moves.too_late()
    raise NotAllowed("not_asking", _("Only the asking side follows the patient up."))


@outbox.handles("follow_up.due")
def remind(follow_up: int) -> None:
    """On its morning, unless it was done before or the matter is closed."""
    row = FollowUp.objects.select_related("consultation").get(pk=follow_up)
    if row.done_at is None and row.consultation.state == State.FOLLOW_UP:
        people = audience.askers(row.consultation)
        notification.tell(people=people, kind="follow_up_due", consultation=row.consultation, key=f"follow_up.{row.pk}")


@transaction.atomic
def enter(*, follow_up: FollowUp, by: User, found: str) -> FollowUp:
    """What was found. Of two who enter it at once one is first."""
    row = moves.lock(follow_up.consultation)
    _check(by, row)
    found = _clean(found, "found")
    if not found:
        raise Refusal("found_missing", _("Write what was found."), field="found")
    open_ = FollowUp.objects.filter(pk=follow_up.pk, done_at=None)
    if not open_.update(found=found, done_at=timezone.now(), done_by=by):
        raise moves.too_late()
    follow_up.refresh_from_db()
    audit.record(by=by, action="follow_up.enter", thing=follow_up, consultation=row)
    key = f"follow_up_entered.{follow_up.pk}"
    notification.tell(people=audience.answering(row) - {by.pk}, kind="follow_up_entered", consultation=row, key=key)
    moves.announce(row)
    return follow_up


@transaction.atomic
def record_outcome(
    *, consultation: Consultation, by: User, changed: str, avoided: str, patient: str, words: str
) -> Outcome:
    """What became of the patient, once; everybody who answered is told."""
    row = moves.lock(consultation)
    if not policies.may_record_outcome(by, row):
        if policies.rating_side(by, row) == Rating.Side.ASKING:
            raise Conflict("outcome_known", _("The outcome is recorded already, or not due yet."))
        raise NotAllowed("not_asking", _("Only the asking side records the outcome."))
    known = {"changed": Outcome.Answer.values, "avoided": Outcome.Answer.values, "patient": Outcome.Patient.values}
    for field, value in {"changed": changed, "avoided": avoided, "patient": patient}.items():
        if value not in known[field]:
            raise Refusal("unknown_answer", _("Choose one of the answers."), field=field)
    made = Outcome.objects.create(
        consultation=row, changed=changed, avoided=avoided, patient=patient, words=_clean(words, "words"), by=by
    )
    audit.record(by=by, action="outcome.record", thing=made, consultation=row, detail={"changed": changed})
    seats = row.participants.filter(side=Participant.Side.ANSWERING).values_list("person_id", flat=True)
    people = (set(seats) | audience.answering(row)) - {by.pk}
    notification.tell(people=people, kind="outcome", consultation=row, key=f"outcome.{row.pk}")
    moves.announce(row)
    return made


@transaction.atomic
def ask_again(*, consultation: Consultation, by: User) -> Consultation:
    """A new draft about the same patient with the same specialist wanted; the desk sees the wish."""
    if not policies.may_ask_again(by, consultation):
        raise NotAllowed("not_again", _("Only the asking side asks again, once it is closed."))
    role = Role.objects.filter(
        person=consultation.expert_id, department=consultation.asked_department_id, active=True
    ).select_related("department", "hospital")
    draft = consultations.start_draft(by=by, department=consultation.department, role=role.first())
    decision = consultation.decisions.order_by("-pk").first()
    known = {
        "patient": consultation.patient,
        "present_diagnosis": decision.final_diagnosis if decision else consultation.present_diagnosis,
        "present_codes": (decision.final_codes if decision else []) or consultation.present_codes,
        "record_summary": consultation.record_summary,
        "purpose": consultation.purpose,
        "specialty": draft.specialty or consultation.specialty,
        "title_wanted": draft.title_wanted or consultation.title_wanted,
        "reason": _("Again after consultation %(number)s") % {"number": consultation.number},
    }
    consultations.save_draft(consultation=draft, by=by, fields=known)
    audit.record(by=by, action="consultation.ask_again", thing=consultation, consultation=consultation)
    return draft

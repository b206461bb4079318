"""The joint report of a team: written by the chair, put to the members, confirmed by each, signed by the chair.

What is signed holds every member's own opinion and word. Any change of the text takes it back from the members.
"""

import hashlib
import json
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import NotAllowed, Refusal
from consult.models import Confirmation, Consultation, Opinion, OpinionVersion, Participant, User
from consult.policies import person
from consult.policies import team as policies
from consult.services import alert, audience, audit, diagnosis, key_image, moves, notification, opinion, outbox
from consult.services.opinion import TEXTS
from consult.states import IN_TEAM, MemberState

LONGEST = 2000


@transaction.atomic
def save(*, consultation: Consultation, by: User, fields: dict[str, Any], draft_rev: int) -> Opinion:
    """Keep the chair's draft typed into revision `draft_rev`. Conflict `draft_changed` when another window saved."""
    row = moves.lock(consultation)
    _check_write(by, row)
    report, _made = Opinion.objects.get_or_create(consultation=row, kind=Opinion.Kind.JOINT, defaults={"author": by})
    texts: dict[str, Any] = {name: opinion.clean(name, fields[name]) for name in TEXTS}
    texts["diagnosis_codes"] = diagnosis.codes(fields["diagnosis_codes"])
    changed = any(getattr(report, name) != value for name, value in texts.items())
    if changed and report.put_at:
        texts["put_at"] = None
        report.confirmations.all().delete()
    mine = Opinion.objects.filter(pk=report.pk, draft_rev=draft_rev)
    if not mine.update(draft_rev=F("draft_rev") + 1, changed_at=timezone.now(), **texts):
        raise opinion.draft_changed()
    report.refresh_from_db()
    detail = {"draft_rev": report.draft_rev, "taken_back": changed}
    audit.record(by=by, action="report.save_draft", thing=report, consultation=row, detail=detail)
    if changed:
        moves.announce(row)
    return report


def _check_write(by: User, row: Consultation) -> None:
    if policies.may_write_report(by, row):
        return
    if policies.may_chair(by, row):
        raise moves.too_late()
    raise NotAllowed("not_chair", _("Only the chair of the team writes the joint report."))


def unfinished(consultation: Consultation) -> list[Participant]:
    """Members without whom the report cannot be put: invited and silent, or joined without a signed opinion."""
    return [row for row in policies.members(consultation) if row.standing in {MemberState.INVITED, MemberState.JOINED}]


@transaction.atomic
def put(*, consultation: Consultation, by: User, draft_rev: int) -> Opinion:
    """Before the members, as it stands. Refused while an opinion is missing or a text is empty."""
    row = moves.lock(consultation)
    _check_write(by, row)
    report = opinion.complete(policies.report_of(row))
    waits = unfinished(row)
    if waits:
        names = _(", ").join(str(one.person) for one in waits)
        raise Refusal("team_unfinished", _("Still without a signed opinion: %(names)s.") % {"names": names})
    mine = Opinion.objects.filter(pk=report.pk, draft_rev=draft_rev, put_at=None)
    if not mine.update(put_at=timezone.now()):
        raise opinion.draft_changed()
    report.confirmations.all().delete()
    report.refresh_from_db()
    audit.record(by=by, action="report.put", thing=report, consultation=row, detail={"sha256": digest(report)})
    people = {one.person_id for one in _confirming(row)}
    key = f"report_put.{report.pk}.{report.put_at}"
    notification.tell(people=people, kind="report_put", consultation=row, key=key)
    consultation.refresh_from_db()
    moves.announce(consultation)
    return report


def _confirming(row: Consultation) -> list[Participant]:
    """Whose word the report waits for: all who signed an opinion but the chair."""
    return [
        one for one in policies.members(row) if one.standing == MemberState.SIGNED and one.person_id != row.expert_id
    ]


def digest(report: Opinion) -> str:
    """SHA-256 over what the members confirm."""
    said = {name: getattr(report, name) for name in (*TEXTS, "diagnosis_codes")}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def confirm(
    *, consultation: Consultation, by: User, verdict: str, words: str, password: str, sha256: str
) -> Confirmation:
    """A member's word on the text with this digest; it may be changed until the chair signs."""
    if not policies.may_confirm(by, Consultation.objects.get(pk=consultation.pk)):
        _refuse_confirm(by, consultation)
    opinion.prove(by, password, consultation)
    words = words.replace("\x00", "").strip()
    if verdict not in Confirmation.Verdict.values:
        raise Refusal("unknown_verdict", _("Choose one of the answers."), field="verdict")
    if verdict != Confirmation.Verdict.AGREE and not words:
        raise Refusal("reason_missing", _("Write your remark: it is printed in the report."), field="words")
    opinion.check_printable("words", words[:LONGEST])
    with transaction.atomic():
        row = moves.lock(consultation)
        report = policies.report_of(row)
        if not policies.may_confirm(by, row) or report is None or digest(report) != sha256:
            raise moves.too_late()
        said, _made = Confirmation.objects.update_or_create(
            report=report,
            person=by,
            defaults={"verdict": verdict, "words": words[:LONGEST], "sha256": sha256, "at": timezone.now()},
        )
        detail = {"verdict": verdict, "sha256": sha256}
        audit.record(by=by, action="report.confirm", thing=said, consultation=row, detail=detail)
        alert.settle(row, person=by.pk)
        key = f"report_confirmed.{report.pk}.{report.draft_rev}.{by.pk}.{said.at.timestamp()}"
        people = {row.expert_id} if row.expert_id else set()
        notification.tell(people=people, kind="report_confirmed", consultation=row, key=key)
        moves.announce(row)
    return said


def _refuse_confirm(by: User, consultation: Consultation) -> None:
    if policies.is_in(by, consultation):
        raise moves.too_late()
    raise NotAllowed("not_member", _("Only the members of the team confirm its report."))


def waiting(consultation: Consultation, report: Opinion) -> list[Participant]:
    """Members who have not said a word yet to the report as it stands."""
    said = set(report.confirmations.values_list("person_id", flat=True))
    return [one for one in _confirming(consultation) if one.person_id not in said]


def sign(*, consultation: Consultation, by: User, password: str, draft_rev: int) -> OpinionVersion:
    """The chair signs; the consultation is answered. Refused until every member has confirmed or was closed without."""
    _check_write(by, Consultation.objects.get(pk=consultation.pk))
    opinion.prove(by, password, consultation)
    with transaction.atomic():
        row = moves.lock(consultation)
        _check_write(by, row)
        licence = person.licence_on(by)
        if licence is None:
            raise Refusal("no_licence", _("Your licence is not valid today; an administrator must renew it first."))
        report = opinion.complete(policies.report_of(row))
        waits = waiting(row, report) + unfinished(row)
        if report.put_at is None or waits:
            names = _(", ").join(str(one.person) for one in waits)
            raise Refusal(
                "not_confirmed", _("The members have not all confirmed the report: %(names)s") % {"names": names or "–"}
            )
        amends = report.amendment_reason
        mine = Opinion.objects.filter(pk=report.pk, draft_rev=draft_rev)
        if not mine.update(draft_rev=F("draft_rev") + 1, amendment_reason="", put_at=None):
            raise opinion.draft_changed()
        version = opinion.version_of(report, row, by, licence, _said(row, report))
        opinion.make_known(consultation, row, by, version, is_amendment=bool(amends))
        people = audience.answering(row) - {by.pk}
        notification.tell(people=people, kind="report_signed", consultation=row, key=f"report_signed.{version.pk}")
        outbox.later(kind="opinion.seal", payload={"version": version.pk}, key=f"seal.{version.pk}")
    return version


def _said(row: Consultation, report: Opinion) -> dict[str, Any]:
    """The team as it was when the report was signed: each with opinion, hash, and word; and their pictures."""
    versions = _own_versions(row)
    words = {one.person_id: one for one in report.confirmations.all()}
    seats = row.participants.filter(standing__in=IN_TEAM).select_related("person", "department__hospital")
    team, pictures = [], []
    for seat in seats.order_by("stood_at"):
        version = versions.get(seat.person_id)
        team.append(_member(row, seat, version, words.get(seat.person_id)))
        for each in key_image.signed(version) if version else []:
            caption = f"{seat.person.name} · {each['caption']}" if each["caption"] else seat.person.name
            pictures.append(each | {"caption": caption[: key_image.LONGEST]})
    said: dict[str, Any] = {"team": sorted(team, key=lambda one: not one["chair"])}
    return said | ({"key_images": pictures} if pictures else {})


def _own_versions(row: Consultation) -> dict[int, OpinionVersion]:
    """Person -> the newest own version."""
    found = OpinionVersion.objects.filter(opinion__consultation=row, opinion__kind=Opinion.Kind.OWN).order_by("number")
    return {one.signed_by_id: one for one in found}


def _member(
    row: Consultation, seat: Participant, version: OpinionVersion | None, word: Confirmation | None
) -> dict[str, Any]:
    place = seat.department
    told: dict[str, Any] = {
        "name": seat.person.name,
        "name_en": seat.person.name_en,
        "chair": seat.person_id == row.expert_id,
        "department": place.name if place else "",
        "department_en": place.name_en if place else "",
        "hospital": place.hospital.name if place else "",
        "hospital_en": place.hospital.name_en if place else "",
        "opinion": None,
        "verdict": word.verdict if word else "",
        "words": word.words if word else "",
        "excused": seat.words if seat.standing == MemberState.EXCUSED else "",
    }
    if version:
        told["opinion"] = {
            **{name: getattr(version, name) for name in TEXTS},
            "title": version.signer_title,
            "licence": version.licence_number,
            "number": version.number,
            "sha256": version.sha256,
            "signed_at": timezone.localtime(version.signed_at).isoformat(timespec="seconds"),
        }
    return told

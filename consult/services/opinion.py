"""The specialist's opinion: drafted, signed, amended. A signed version never changes."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import (
    AuditEntry,
    Consultation,
    Department,
    Hospital,
    Licence,
    Opinion,
    OpinionVersion,
    Patient,
    Role,
    User,
)
from consult.paper import glyphs
from consult.paper import opinion as paper
from consult.policies import opinion as policies
from consult.policies import person, team
from consult.services import alert, audience, audit, critical, diagnosis, guard, key_image, moves, notification, outbox
from consult.states import ANSWERING, MEMBER_MOVES

TEXTS = ("findings", "diagnosis", "recommendation")
DRAFTED = (*TEXTS, "critical")
LONGEST = 20_000
WRONG_PASSWORDS = 5
WRONG_WINDOW = timedelta(minutes=15)
REQUEST_FIELDS = ("reason", "record_summary", "tests", "present_diagnosis", "question", "urgency", "purpose")


@transaction.atomic
def save_draft(*, consultation: Consultation, by: User, fields: dict[str, Any], draft_rev: int) -> Opinion:
    """Keep the draft typed into revision `draft_rev` (0: none yet).

    Conflict `draft_changed` when another window saved meanwhile: its text stays, the caller still holds its own.
    """
    row = moves.lock(consultation)
    _check_write(by, row)
    texts: dict[str, Any] = {name: clean(name, fields[name]) for name in DRAFTED if name in fields}
    if "diagnosis_codes" in fields:
        texts["diagnosis_codes"] = diagnosis.codes(fields["diagnosis_codes"])
    opinion, _made = Opinion.objects.get_or_create(consultation=row, author=by, kind=Opinion.Kind.OWN)
    mine = Opinion.objects.filter(pk=opinion.pk, draft_rev=draft_rev)
    if not mine.update(draft_rev=F("draft_rev") + 1, changed_at=timezone.now(), **texts):
        raise draft_changed()
    opinion.refresh_from_db()
    detail = {"draft_rev": opinion.draft_rev}
    audit.record(by=by, action="opinion.save_draft", thing=opinion, consultation=row, detail=detail)
    return opinion


def draft_changed() -> Conflict:
    return Conflict(
        "draft_changed",
        _("Another window saved a newer draft. Compare the two texts and save again."),
        field="draft_rev",
    )


def _check_write(by: User, row: Consultation) -> None:
    if policies.may_write(by, row):
        return
    if policies.may_amend(by, row) or (row.expert_id == by.pk and row.closed_at):
        raise moves.too_late()
    raise NotAllowed("not_expert", _("Only the specialist who accepted writes the opinion."))


def clean(name: str, text: str) -> str:
    if len(text) > LONGEST:
        raise Refusal("too_long", _("This text is too long: 20,000 characters are the most."), field=name)
    return text.replace("\x00", "").replace("\r\n", "\n").strip()


def sign(*, consultation: Consultation, by: User, password: str, draft_rev: int, pictures: str = "") -> OpinionVersion:
    """Make the draft an immutable version. Of two who sign at once one wins, the other gets Conflict.

    `pictures` is the digest of the pictures that were shown with the text (`key_image.digest`), if any were.

    Refusal: `wrong_password`, `no_licence`, `incomplete`, `locked` after five wrong passwords in a quarter of an hour.
    """
    _check_write(by, Consultation.objects.get(pk=consultation.pk))
    prove(by, password, consultation)
    with transaction.atomic():
        row = moves.lock(consultation)
        _check_write(by, row)
        licence = person.licence_on(by)
        if licence is None:
            raise Refusal("no_licence", _("Your licence is not valid today; an administrator must renew it first."))
        opinion = complete(Opinion.objects.filter(consultation=row, author=by, kind=Opinion.Kind.OWN).first())
        if pictures and pictures != key_image.digest(opinion):
            raise Refusal("pictures_changed", _("The images of the opinion have changed. Look at it again, then sign."))
        amends = opinion.amendment_reason
        mine = Opinion.objects.filter(pk=opinion.pk, draft_rev=draft_rev)
        if not mine.update(draft_rev=F("draft_rev") + 1, amendment_reason=""):
            raise draft_changed()
        version = version_of(opinion, row, by, licence, _pictures(opinion) | _critical(opinion))
        if team.is_team(row):
            _sign_as_member(consultation, row, by, version)
        else:
            make_known(consultation, row, by, version, is_amendment=bool(amends))
        critical.say(version=version, consultation=consultation)
        outbox.later(kind="opinion.seal", payload={"version": version.pk}, key=f"seal.{version.pk}")
    return version


def make_known(
    consultation: Consultation, row: Consultation, by: User, version: OpinionVersion, *, is_amendment: bool
) -> None:
    """In the transaction that signs what the asking side decides on: the move, and the news of it."""
    name = "sign" if row.state in ANSWERING else "sign_amendment"
    detail = {"version": version.number, "sha256": version.sha256}
    moves.make(consultation=consultation, name=name, by=by, detail=detail, changes={"signed_at": version.signed_at})
    _tell_signed(consultation, by, "amended" if is_amendment else "signed", version)
    guard.look_later(consultation)


def _sign_as_member(consultation: Consultation, row: Consultation, by: User, version: OpinionVersion) -> None:
    """One of several: the consultation waits for the joint report, the team is told."""
    sources, target = MEMBER_MOVES["sign"]
    mine = row.participants.filter(person=by, standing__in=sources)
    if not mine.update(standing=target, stood_at=timezone.now()):
        raise moves.too_late()
    detail = {"version": version.number, "sha256": version.sha256}
    audit.record(by=by, action="opinion.sign", thing=version, consultation=row, detail=detail)
    people = audience.answering(row) - {by.pk}
    notification.tell(people=people, kind="team_signed", consultation=row, key=f"team_signed.{version.pk}")
    alert.settle(row, person=by.pk)
    consultation.refresh_from_db()
    moves.announce(consultation)
    moves.announce(consultation, kind="opinion", seq=version.number)


def prove(by: User, password: str, consultation: Consultation) -> None:
    """The signer's password again; wrong ones are audited, and too many stop even the right one."""
    action = "opinion.wrong_password"
    since = timezone.now() - WRONG_WINDOW
    wrong = AuditEntry.objects.filter(
        consultation=consultation.pk, actor=by.get_username(), action=action, at__gt=since
    ).count()
    if wrong >= WRONG_PASSWORDS:
        raise Refusal("locked", _("Too many wrong passwords. Wait a quarter of an hour and sign again."))
    if not by.check_password(password):
        audit.record(by=by, action=action, thing=by, consultation=consultation)
        raise Refusal("wrong_password", _("This is not your password. Nothing was signed."), field="password")


def complete(opinion: Opinion | None) -> Opinion:
    """A draft that has all three texts, and can be printed."""
    empty = [name for name in TEXTS if opinion is None or not getattr(opinion, name)]
    if opinion is None or empty:
        raise Refusal("incomplete", _("Findings, diagnosis and recommendation must all be written."), field=empty[0])
    for name in DRAFTED:
        check_printable(name, getattr(opinion, name))
    return opinion


def check_printable(field: str, words: str) -> None:
    """Refuse what the paper has no letters for."""
    bad = glyphs.unprintable(words)
    if bad:
        said = _("These characters cannot be printed: %(characters)s. Write it without them.")
        shown = " ".join(f"{char} (U+{ord(char):04X})" for char in bad)
        raise Refusal("unprintable", said % {"characters": shown}, field=field)


def version_of(opinion: Opinion, row: Consultation, by: User, licence: Licence, says: dict[str, Any]) -> OpinionVersion:
    """The next version of a draft, signed now; `says` is what it says beyond its texts (`about`)."""
    last = opinion.versions.aggregate(last=Max("number"))["last"] or 0
    role = _signing_role(by, row)
    version = OpinionVersion(
        opinion=opinion,
        number=last + 1,
        **{name: getattr(opinion, name) for name in TEXTS},
        amendment_reason=opinion.amendment_reason,
        signed_by=by,
        signed_at=timezone.now(),
        signer_name=by.name or by.get_username(),
        signer_title=role.title,
        signer_hospital=role.hospital.name if role.hospital else "",
        licence_number=licence.number,
        about=_about(row, by, role) | _coded(opinion, row) | says,
    )
    Opinion.objects.filter(pk=opinion.pk).update(hospital=role.hospital)
    version.sha256 = digest(version)
    version.save(force_insert=True)
    return version


def _critical(opinion: Opinion) -> dict[str, Any]:
    return {"critical": opinion.critical} if opinion.critical else {}


def _coded(opinion: Opinion, row: Consultation) -> dict[str, Any]:
    """Codes with their names, of the opinion's diagnosis and of the request's."""
    found = {"diagnosis": opinion.diagnosis_codes, "present": row.present_codes}
    coded = {name: diagnosis.written(codes) for name, codes in found.items() if codes}
    return {"codes": coded} if coded else {}


def _pictures(opinion: Opinion) -> dict[str, Any]:
    """Each is read once more: a version never names a picture that is not there."""
    chosen = key_image.snapshot(opinion)
    for each in chosen:
        key_image.read(each["sha256"])
    return {"key_images": chosen} if chosen else {}


def _signing_role(by: User, row: Consultation) -> Role:
    """The role under which it was accepted: of the asked department, or at least of the asked hospital.

    A member of a team signs for the department that was invited.
    """
    own = person.roles_of(by, Role.Kind.EXPERT)
    member = row.participants.exclude(standing="").filter(person=by).first()
    department = member.department_id if member else row.asked_department_id
    hospital = member.department.hospital_id if member and member.department else row.asked_hospital_id
    fitting = [role for role in own if role.department_id == department]
    found = fitting or [role for role in own if role.hospital_id == hospital]
    if not found:
        raise NotAllowed("not_expert", _("You have no role any more at the department you answer for."))
    return found[0]


def _about(row: Consultation, by: User, role: Role) -> dict[str, Any]:
    """Patient, request and signer as they are now: a later correction does not change what was signed."""
    patient = cast(Patient, row.patient)  # submitted_is_complete
    hospital, department = (
        cast(Hospital, role.hospital),
        cast(Department, role.department),
    )  # clinical_role_has_department
    return {
        "number": row.number,
        "patient": {
            "name": patient.name,
            "sex": patient.sex,
            "birth_date": patient.birth_date.isoformat(),
            "record_number": patient.record_number,
        },
        "request": {name: getattr(row, name) for name in REQUEST_FIELDS},
        "submitted_at": row.submitted_at.astimezone(UTC).isoformat() if row.submitted_at else "",
        "asking": _place(row.hospital, row.department) | {"asker": row.asker.name, "asker_en": row.asker.name_en},
        "answering": _place(hospital, department) | {"signer_en": by.name_en},
    }


def _place(hospital: Hospital, department: Department) -> dict[str, str]:
    return {
        "hospital": hospital.name,
        "hospital_en": hospital.name_en,
        "department": department.name,
        "department_en": department.name_en,
    }


def digest(version: OpinionVersion) -> str:
    """SHA-256 over the canonical JSON (sorted keys, no spaces, UTF-8) of all the version says."""
    said = {
        "opinion": version.opinion_id,
        "number": version.number,
        **{name: getattr(version, name) for name in TEXTS},
        "amendment_reason": version.amendment_reason,
        "signed_by": version.signed_by.get_username(),
        "signed_at": version.signed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "signer_name": version.signer_name,
        "signer_title": version.signer_title,
        "signer_hospital": version.signer_hospital,
        "licence_number": version.licence_number,
        "about": version.about,
    }
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _tell_signed(consultation: Consultation, by: User, kind: str, version: OpinionVersion) -> None:
    people = audience.askers(consultation) | audience.schedulers(consultation)
    key = f"{kind}.{consultation.pk}.{version.pk}"
    notification.tell(people=people - {by.pk}, kind=kind, consultation=consultation, key=key)
    moves.announce(consultation)
    moves.announce(consultation, kind="opinion", seq=version.number)


@transaction.atomic
def amend(*, consultation: Consultation, by: User, reason: str) -> Opinion:
    """Open an amendment: the draft begins with the signed text; it becomes a new version when signed."""
    row = moves.lock(consultation)
    if not policies.may_amend(by, row):
        if row.expert_id == by.pk:
            raise moves.too_late()
        raise NotAllowed("not_expert", _("Only the specialist who signed may amend the opinion."))
    if not reason.strip():
        raise Refusal("reason_missing", _("Say why it is amended: the asking side reads it."), field="reason")
    kind = Opinion.Kind.JOINT if team.is_team(row) and row.state not in ANSWERING else Opinion.Kind.OWN
    mine = OpinionVersion.objects.filter(opinion__consultation=row, opinion__kind=kind)
    signed = (mine if kind == Opinion.Kind.JOINT else mine.filter(opinion__author=by)).order_by("-number").first()
    if signed is None:
        raise moves.too_late()
    free = Opinion.objects.filter(pk=signed.opinion_id, amendment_reason="")
    opened = free.update(
        amendment_reason=clean("reason", reason),
        draft_rev=F("draft_rev") + 1,
        put_at=None,
        changed_at=timezone.now(),
        critical=signed.about.get("critical", ""),
        diagnosis_codes=[each["code"] for each in signed.about.get("codes", {}).get("diagnosis", [])],
        **{name: getattr(signed, name) for name in TEXTS},
    )
    if not opened:
        raise Conflict("amendment_open", _("An amendment is already open; write it and sign."))
    opinion = Opinion.objects.get(pk=signed.opinion_id)
    opinion.confirmations.all().delete()
    detail = {"version": signed.number}
    audit.record(by=by, action="opinion.amend", thing=opinion, consultation=row, detail=detail)
    moves.announce(row, kind="opinion", seq=signed.number)
    return opinion


def newest(consultation: Consultation) -> OpinionVersion | None:
    """The signed version that counts: the newest joint report, or the newest opinion where there is none."""
    rows = OpinionVersion.objects.filter(opinion__consultation=consultation)
    return rows.order_by("opinion__kind", "-signed_at", "-pk").first()


def printed(*, version: OpinionVersion, language: str = "zh-hans", certificate: str = "") -> bytes:
    """The version as a PDF with labels in `language`; always the same bytes for the same version.

    `certificate` names the one that will sign it; without one the paper says that none has.
    """
    submitted_at = version.about["submitted_at"]
    facts = paper.Facts(
        number=version.number,
        texts={name: getattr(version, name) for name in TEXTS},
        amendment_reason=version.amendment_reason,
        signer_name=version.signer_name,
        signer_title=version.signer_title,
        licence_number=version.licence_number,
        signed_at=timezone.localtime(version.signed_at, timezone.get_default_timezone()),
        submitted_at=timezone.localtime(datetime.fromisoformat(submitted_at), timezone.get_default_timezone())
        if submitted_at
        else None,
        sha256=version.sha256,
        about=version.about,
        certificate=certificate,
        pictures=[key_image.read(each["sha256"]) for each in key_image.signed(version)],
    )
    return paper.render(facts, language)

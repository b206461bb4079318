"""Letters of a referral: signed once, never changed, printed under the certificate of the signer's hospital."""

import hashlib
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import NotAllowed, Refusal
from consult.models import Letter, LetterSeal, Referral, Role, User
from consult.paper import glyphs
from consult.paper import letter as paper
from consult.paper import seal as sealing
from consult.policies import person
from consult.services import audit, certificate, diagnosis, files

PARTS = {
    "transfer": ("reason", "diagnosis", "treatment", "condition", "wanted"),
    "discharge": ("course", "diagnosis", "treatment", "condition", "advice"),
}
OPTIONAL = frozenset({"wanted", "advice"})
LONGEST = 5000
logger = logging.getLogger(__name__)


def prove(by: User, password: str) -> None:
    """The signer's password again; a wrong one is audited."""
    if not by.check_password(password):
        audit.record(by=by, action="letter.wrong_password", thing=by)
        raise Refusal("wrong_password", _("This is not your password. Nothing was signed."), field="password")


def sign(*, referral: Referral, kind: str, by: User, role: Role, texts: dict[str, Any]) -> Letter:
    """In the transaction of the step it belongs to. Refused without a licence or with a part missing."""
    licence = person.licence_on(by)
    if licence is None:
        raise Refusal("no_licence", _("Your licence is not valid today; an administrator must renew it first."))
    if role.hospital is None or role.department is None:
        raise NotAllowed("not_clinical", _("Patients are referred by doctors of a department."))
    parts = {name: _clean(name, str(texts.get(name, ""))) for name in PARTS[kind]}
    now = timezone.now()
    patient = referral.patient
    said: dict[str, Any] = {
        "number": referral.number,
        "kind": kind,
        "direction": referral.direction,
        "parts": parts,
        "codes": diagnosis.written(diagnosis.codes(texts.get("codes") or [])),
        "patient": {
            "name": patient.name,
            "sex": patient.sex,
            "birth_date": patient.birth_date.isoformat(),
            "record_number": patient.record_number,
        },
        "from": _place(referral.from_hospital, referral.from_department),
        "to": _place(referral.to_hospital, referral.to_department),
        "consultation": referral.consultation.number if referral.consultation else "",
        "signer": {
            "name": by.name,
            "name_en": by.name_en,
            "title": role.title,
            "licence": licence.number,
            **_place(role.hospital, role.department),
        },
        "signed_at": now.astimezone(UTC).isoformat(timespec="microseconds"),
    }
    sha256 = digest(said)
    made = Letter.objects.create(
        referral=referral, kind=kind, said=said, hospital=role.hospital, signed_by=by, signed_at=now, sha256=sha256
    )
    detail = {"kind": kind, "sha256": sha256}
    audit.record(by=by, action="letter.sign", thing=made, consultation=referral.consultation_id, detail=detail)
    return made


def _clean(name: str, text: str) -> str:
    words = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not words and name not in OPTIONAL:
        raise Refusal("incomplete", _("This part of the letter is missing."), field=name)
    if len(words) > LONGEST:
        raise Refusal("too_long", _("This text is too long: 5,000 characters are the most."), field=name)
    bad = glyphs.unprintable(words)
    if bad:
        said = _("These characters cannot be printed: %(characters)s. Write it without them.")
        raise Refusal("unprintable", said % {"characters": " ".join(bad)}, field=name)
    return words


def _place(hospital: Any, department: Any) -> dict[str, str]:
    return {
        "hospital": hospital.name,
        "hospital_en": hospital.name_en,
        "department": department.name,
        "department_en": department.name_en,
    }


def digest(said: dict[str, Any]) -> str:
    """SHA-256 over the canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def document(*, letter: Letter, language: str) -> bytes:
    """The letter's PDF, under the hospital's certificate when it has one; made once a language."""
    language = "en" if language.startswith("en") else "zh-hans"
    known = LetterSeal.objects.filter(letter=letter, language=language).first()
    if known:
        return _read(known)
    try:
        sealer = certificate.of(letter.hospital)
        plain = _printed(letter, language, f"{sealer.subject} · {sealer.issuer} · {sealer.serial}")
        number = letter.said["number"]
        place = letter.hospital.name
        content = sealing.seal(plain, sealer, reason=number, place=place, stamp_url=settings.SEAL_TIME_STAMP_URL)
    except (certificate.Unusable, sealing.NoTimeStamp) as why:
        logger.warning("letter %s without a certificate: %s", letter.pk, type(why).__name__)
        return _printed(letter, language, "")
    sha256 = hashlib.sha256(content).hexdigest()
    files.keep(_file(sha256), content)
    row = LetterSeal(letter=letter, language=language, sha256=sha256, subject=sealer.subject, serial=sealer.serial)
    row.made_at = timezone.now()
    with transaction.atomic():
        LetterSeal.objects.bulk_create([row], ignore_conflicts=True)
        kept = LetterSeal.objects.get(letter=letter, language=language)
        if kept.sha256 == sha256:
            audit.record(by=None, action="letter.seal", thing=letter, detail={"sha256": sha256, "serial": row.serial})
    return _read(kept)


def _printed(letter: Letter, language: str, certificate_words: str) -> bytes:
    at = timezone.localtime(datetime.fromisoformat(letter.said["signed_at"]), timezone.get_default_timezone())
    return paper.render(letter.said, letter.sha256, at, language, certificate_words)


def _file(sha256: str) -> Path:
    return Path(settings.MEDIA_ROOT) / "letters" / sha256[:2] / f"{sha256}.pdf"


def _read(seal: LetterSeal) -> bytes:
    try:
        content = files.read(_file(seal.sha256))
    except FileNotFoundError:
        content = b""
    if hashlib.sha256(content).hexdigest() != seal.sha256:
        raise Refusal("lost", _("The stored document has changed or is gone. Tell the administrator."))
    return content

"""What the patient agreed to: versioned texts, a drawn signature or signed paper, withdrawals. Append-only."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Consent, ConsentText, Consultation, User
from consult.notify import consent_texts
from consult.policies import consultation as policies
from consult.services import audience, audit, files, moves, notification, recording, signature

LANGUAGES = ("zh-hans", "en")


@transaction.atomic
def publish(*, kind: str, bodies: dict[str, str]) -> dict[str, ConsentText]:
    """A new version of a text, in every language at once (KeyError when one is missing)."""
    version = (ConsentText.objects.filter(kind=kind).aggregate(last=Max("version"))["last"] or 0) + 1
    for language in LANGUAGES:
        body = bodies[language].strip()
        digest = hashlib.sha256(body.encode()).hexdigest()
        text = ConsentText(kind=kind, version=version, language=language, body=body, sha256=digest)
        ConsentText.objects.bulk_create([text], ignore_conflicts=True)  # two processes publish the first: one counts
    return {text.language: text for text in ConsentText.objects.filter(kind=kind, version=version)}


def current(kind: str = ConsentText.Kind.CONSULTATION, language: str = "zh-hans") -> ConsentText:
    """The newest version in a language (Chinese when there is none); the initial texts are published on first use."""
    language = language if language in LANGUAGES else LANGUAGES[0]
    text = ConsentText.objects.filter(kind=kind, language=language).order_by("-version").first()
    return text or publish(kind=kind, bodies=consent_texts.INITIAL[kind])[language]


def record(
    *,
    consultation: Consultation,
    by: User,
    text: ConsentText,
    signer_name: str,
    relation: str,
    method: str,
    content: bytes,
) -> Consent:
    """Keep who agreed to this version of the text. `content`: a drawn PNG, or JPEG, PNG or PDF of the signed paper."""
    _check(by, consultation)
    if not signer_name.strip():
        raise Refusal("name_missing", _("Write the name of the signer."), field="signer_name")
    if relation not in Consent.Relation.values:
        raise Refusal("relation_missing", _("Say how the signer is related to the patient."), field="relation")
    if method not in Consent.Method.values:
        raise Refusal("method_missing", _("Sign in the box, or choose a photo of the signed paper."), field="file")
    paper = signature.clean(content, drawn=method == Consent.Method.DRAWN)
    digest = hashlib.sha256(paper.content).hexdigest()
    path = f"consents/{consultation.pk}/{digest}.{paper.extension}"
    files.keep(Path(settings.MEDIA_ROOT) / path, paper.content)  # no transaction is held while a bucket takes it
    said = {"signer_name": signer_name.strip(), "relation": relation, "method": method}
    return _recorded(consultation, by, text, file_path=path, file_sha256=digest, **said)


@transaction.atomic
def _recorded(consultation: Consultation, by: User, text: ConsentText, **said: str) -> Consent:
    row = moves.lock(consultation)
    _check(by, row)
    if ConsentText.objects.filter(kind=text.kind, version__gt=text.version).exists():
        raise Conflict("text_changed", _("The text was changed meanwhile. Read the new one with the patient and sign."))
    consent = Consent.objects.create(consultation=row, text=text, signed_at=timezone.now(), taken_by=by, **said)
    detail = {"text": text.pk, "version": text.version, "method": said["method"], "sha256": said["file_sha256"]}
    audit.record(by=by, action="consent.record", thing=consent, consultation=row, detail=detail)
    recording.review(consultation=row)
    moves.announce(row)
    return consent


def _check(by: User, row: Consultation) -> None:
    if policies.may_consent(by, row):
        return
    if policies.side_of(by, row) == "asking":
        raise moves.too_late()
    raise NotAllowed("not_asking", _("Consent is taken by the doctors who have the patient in front of them."))


@transaction.atomic
def withdraw(*, consent: Consent, by: User) -> Consent:
    """The patient changed their mind: a new row. Nothing is submitted and nobody joins until there is a new consent."""
    row = moves.lock(consent.consultation)
    _check(by, row)
    if consent.withdraws_id:
        raise moves.too_late()
    try:
        with transaction.atomic():
            withdrawal = Consent.objects.create(
                consultation=row,
                text=consent.text,
                signer_name=consent.signer_name,
                relation=consent.relation,
                method=consent.method,
                signed_at=timezone.now(),
                taken_by=by,
                withdraws=consent,
            )
    except IntegrityError:
        raise moves.too_late() from None
    audit.record(by=by, action="consent.withdraw", thing=consent, consultation=row)
    recording.review(consultation=row)
    people = (audience.answering(row) | audience.schedulers(row)) if row.submitted_at else set()
    key = f"consent_withdrawn.{consent.pk}"
    notification.tell(people=people - {by.pk}, kind="consent_withdrawn", consultation=row, key=key)
    moves.announce(row)
    return withdrawal


def file_of(consent: Consent) -> Path:
    """Where the signature is kept; its content type follows from the extension (png, jpg, pdf)."""
    return Path(settings.MEDIA_ROOT) / consent.file_path


def content_of(consent: Consent) -> bytes:
    """The signature. Refuses with `lost` when it is gone."""
    try:
        return files.read(file_of(consent))
    except FileNotFoundError:
        raise Refusal("lost", _("The stored document has changed or is gone. Tell the administrator.")) from None

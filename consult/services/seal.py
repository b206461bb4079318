"""The PDF of a signed opinion under the hospital's certificate: made once, kept, never changed.

Without a usable certificate the opinion stays signed in our records, and the paper says that it carries none.
"""

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Refusal
from consult.models import Hospital, OpinionVersion, Seal
from consult.paper import seal as paper
from consult.services import audience, audit, certificate, files, moves, notification, opinion, outbox

LANGUAGES = ("zh-hans", "en")
AT_ONCE = 500
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Document:
    """`seal` is None when no certificate signed these bytes."""

    content: bytes
    seal: Seal | None


def document(*, version: OpinionVersion, language: str) -> Document:
    """The version's PDF in `language` (English, else Chinese), signed now when it has not been yet."""
    language = "en" if language.startswith("en") else LANGUAGES[0]
    try:
        made = make(version=version, language=language)
    except certificate.Unusable:
        return Document(opinion.printed(version=version, language=language), None)
    except paper.NoTimeStamp:
        logger.warning("no time stamp for opinion version %s", version.pk)
        return Document(opinion.printed(version=version, language=language), None)
    return Document(read(made), made)


def make(*, version: OpinionVersion, language: str) -> Seal:
    """The one seal of this version and language; of two who make it at once the first one's stays. Raises Unusable."""
    known = Seal.objects.filter(version=version, language=language).first()
    if known:
        return known
    consultation = version.opinion.consultation
    sealer = certificate.of(_hospital(version))
    plain = opinion.printed(version=version, language=language, certificate=_words(sealer))
    content = paper.seal(
        plain,
        sealer,
        reason=f"{consultation.number} v{version.number}",
        place=version.signer_hospital,
        stamp_url=settings.SEAL_TIME_STAMP_URL,
    )
    sha256 = hashlib.sha256(content).hexdigest()
    files.keep(_place(sha256), content)
    row = Seal(
        version=version, language=language, sha256=sha256, size=len(content), subject=sealer.subject,
        issuer=sealer.issuer, serial=sealer.serial, stamped=bool(settings.SEAL_TIME_STAMP_URL), made_at=timezone.now(),
    )  # fmt: skip
    with transaction.atomic():
        Seal.objects.bulk_create([row], ignore_conflicts=True)
        kept = Seal.objects.get(version=version, language=language)
        if kept.sha256 == sha256:
            detail = {"sha256": sha256, "serial": sealer.serial, "version": version.number}
            audit.record(by=None, action="seal.make", thing=kept, consultation=consultation, detail=detail)
            return kept
    files.forget(_place(sha256))
    return kept


def _hospital(version: OpinionVersion) -> Hospital:
    """Whose specialist signed: of a team each for their own."""
    found = version.opinion.hospital or version.opinion.consultation.asked_hospital
    if found is None:
        raise certificate.Unusable("missing")
    return found


def _words(sealer: paper.Sealer) -> str:
    return f"{sealer.subject} · {sealer.issuer} · {sealer.serial}"


def _place(sha256: str) -> Path:
    return Path(settings.MEDIA_ROOT) / "opinions" / sha256[:2] / f"{sha256}.pdf"


def read(seal: Seal) -> bytes:
    """The bytes that were signed. Refuses with `lost` when they are gone or are not those any more."""
    try:
        content = files.read(_place(seal.sha256))
    except FileNotFoundError:
        content = b""
    if hashlib.sha256(content).hexdigest() != seal.sha256:
        raise Refusal("lost", _("The stored document has changed or is gone. Tell the administrator."))
    return content


@outbox.handles("opinion.seal", atomic=False)
def make_all(version: int) -> None:
    """Soon after signing, in both languages. May run twice. Without a certificate schedulers are told once a day."""
    row = OpinionVersion.objects.select_related("opinion__consultation__asked_hospital").get(pk=version)
    consultation = row.opinion.consultation
    try:
        for language in LANGUAGES:
            make(version=row, language=language)
    except certificate.Unusable:
        hospital = row.opinion.hospital_id or consultation.asked_hospital_id
        key = f"seal_missing.{hospital}.{timezone.localdate():%Y%m%d}"
        people = audience.schedulers(consultation)
        notification.tell(people=people, kind="seal_missing", consultation=consultation, key=key)
    else:
        moves.announce(consultation, kind="opinion", seq=row.number)


@outbox.every(timedelta(hours=1), "seals")
def catch_up() -> int:
    """Opinions signed while their hospital had no usable certificate get their signature once it has one."""
    ready = [row.pk for row in Hospital.objects.filter(active=True) if certificate.standing(row).reason is None]
    bare = OpinionVersion.objects.filter(
        Q(opinion__hospital__in=ready) | Q(opinion__hospital=None, opinion__consultation__asked_hospital__in=ready),
        ~Exists(Seal.objects.filter(version=OuterRef("pk"))),
    )
    found = list(bare.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    for pk in found:
        outbox.later(kind="opinion.seal", payload={"version": pk}, key=f"seal.{pk}")
    return len(found)


@outbox.every(timedelta(days=1), "certificates")
def watch() -> None:
    """Schedulers hear of a certificate that is about to end, once a week."""
    for hospital in Hospital.objects.filter(active=True, tier=Hospital.Tier.PROVINCIAL):
        if certificate.standing(hospital).ends_soon:
            key = f"seal_ending.{hospital.pk}.{timezone.localdate():%G%V}"
            people = audience.desk_of(hospital)
            notification.tell(people=people, kind="seal_ending", consultation=None, key=key)

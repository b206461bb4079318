"""The pictures of an opinion: chosen, captioned, put in order, taken out; and their bytes, which never change."""

import hashlib
import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from consult import events
from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Consultation, KeyImage, Opinion, OpinionVersion, User
from consult.paper import glyphs
from consult.policies import opinion as policies
from consult.services import audit, files, moves

MOST = 12
LONGEST = 200  # characters of a caption


def choose(
    *, consultation: Consultation, by: User, picture: bytes, width: int, height: int, shows: dict[str, Any]
) -> KeyImage:
    """Put a JPEG of width x height pixels behind the others; the same picture twice is one. Refuses more than MOST."""
    sha256 = hashlib.sha256(picture).hexdigest()
    _may_write(consultation, by)
    files.keep(_place(sha256), picture)  # no transaction is held while a bucket takes it
    with transaction.atomic():
        return _chosen(consultation, by, {"sha256": sha256, "width": width, "height": height, "shows": shows})


def _chosen(consultation: Consultation, by: User, said: dict[str, Any]) -> KeyImage:
    row = _writable(consultation, by)
    opinion, _made = Opinion.objects.get_or_create(consultation=row, author=by, kind=Opinion.Kind.OWN)
    same = opinion.key_images.filter(sha256=said["sha256"]).first()
    if same is not None:
        return same
    if opinion.key_images.count() >= MOST:
        raise Refusal("too_many_pictures", _("An opinion holds 12 images at most. Take one out first."))
    last = opinion.key_images.aggregate(last=Max("place"))["last"] or 0
    chosen = KeyImage.objects.create(opinion=opinion, place=last + 1, **said)
    _note(chosen, row, by, "key_image.choose")
    return chosen


def _writable(consultation: Consultation, by: User) -> Consultation:
    row = moves.lock(consultation)
    _may_write(row, by)
    return row


def _may_write(row: Consultation, by: User) -> None:
    if not policies.may_write(by, row):
        raise NotAllowed("not_expert", _("Only the specialist who accepted writes the opinion."))


def _note(chosen: KeyImage, row: Consultation, by: User, action: str) -> None:
    audit.record(by=by, action=action, thing=chosen, consultation=row, detail={"sha256": chosen.sha256})
    events.announce(consultation=row.pk, kind="opinion", seq=chosen.pk, people={by.pk})


@transaction.atomic
def caption(*, chosen: KeyImage, by: User, words: str) -> KeyImage:
    """Say what is to be seen. Refuses what cannot be printed."""
    row = _own(chosen, by)
    clean = " ".join(words.replace("\x00", "").split())
    if len(clean) > LONGEST:
        raise Refusal("too_long", _("This caption is too long: 200 characters are the most."), field="caption")
    bad = glyphs.unprintable(clean)
    if bad:
        said = _("These characters cannot be printed: %(characters)s. Write it without them.")
        raise Refusal("unprintable", said % {"characters": " ".join(f"U+{ord(each):04X}" for each in bad)})
    chosen.caption = clean
    chosen.save(update_fields=["caption"])
    _note(chosen, row, by, "key_image.caption")
    return chosen


@transaction.atomic
def move(*, chosen: KeyImage, by: User, up: bool) -> None:
    """One place towards the first, or towards the last; at the end it stays."""
    row = _own(chosen, by)
    order = list(chosen.opinion.key_images.all())
    at = next(place for place, each in enumerate(order) if each.pk == chosen.pk)
    other = at - 1 if up else at + 1
    if 0 <= other < len(order):
        order[at], order[other] = order[other], order[at]
        for place, each in enumerate(order, 1):
            KeyImage.objects.filter(pk=each.pk).update(place=place)
        _note(chosen, row, by, "key_image.move")


@transaction.atomic
def remove(*, chosen: KeyImage, by: User) -> None:
    """Out of the draft; what was signed with it stays as it is."""
    row = _own(chosen, by)
    _note(chosen, row, by, "key_image.remove")
    chosen.delete()


def _own(chosen: KeyImage, by: User) -> Consultation:
    row = _writable(chosen.opinion.consultation, by)
    if chosen.opinion.author_id != by.pk or not KeyImage.objects.filter(pk=chosen.pk).exists():
        raise Conflict("picture_gone", _("This image is no longer in the opinion."))
    return row


def snapshot(opinion: Opinion) -> list[dict[str, Any]]:
    """What a version says of its pictures."""
    names = ("sha256", "caption", "width", "height", "shows")
    return [{name: getattr(each, name) for name in names} for each in opinion.key_images.all()]


def digest(opinion: Opinion | None) -> str:
    """Stands for all pictures and captions of a draft: who signs has seen just these."""
    said = snapshot(opinion) if opinion else []
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def signed(version: OpinionVersion) -> list[dict[str, Any]]:
    """The pictures a version was signed with, as `snapshot` wrote them."""
    return list(version.about.get("key_images", []))


def _place(sha256: str) -> Path:
    return Path(settings.MEDIA_ROOT) / "key_images" / sha256[:2] / f"{sha256}.jpg"


def read(sha256: str) -> bytes:
    """The JPEG. Refuses with `lost` when it is gone or is not what was signed."""
    try:
        picture = files.read(_place(sha256))
    except FileNotFoundError:
        picture = b""
    if hashlib.sha256(picture).hexdigest() != sha256:
        raise Refusal("lost", _("The stored picture has changed or is gone. Tell the administrator."))
    return picture

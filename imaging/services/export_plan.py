"""What goes out beside the images: key images of the signed opinion and marks, as the limited child is told."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac

from consult.models import Consultation, OpinionVersion, User
from consult.policies import opinion as opinions
from consult.services import key_image, store
from imaging.models import Annotation, Image
from imaging.policies import annotation as annotations
from imaging.services import annotation_words

WORDS = 1000  # characters of the diagnosis beside the key images


def of(consultation: Consultation, by: User, images: QuerySet[Image], language: str) -> dict[str, Any] | None:
    """See imaging/dicom/derived.py; None when there is nothing to say of these images."""
    version = opinions.newest_visible(by, consultation)
    signed = [each["shows"] for each in key_image.signed(version)] if version else []
    rows = list(annotations.visible_annotations(by, consultation))
    wanted = {each["image"] for each in signed} | {row.image_id for row in rows}
    shown = {image.pk: image for image in images.filter(pk__in=wanted) if image.has_pixels} if wanted else {}
    views = [_view(each, version) for each in signed if version and each["image"] in shown]
    with translation.override(language):
        marks = [_mark(row, consultation) for row in rows if row.image_id in shown]
    if not views and not marks:
        return None
    return {
        "images": {str(pk): str(store.here(image.original)) for pk, image in sorted(shown.items())},
        "views": views,
        "marks": marks,
        "keys": _keys(version) if version else None,
        "salt": salted_hmac("imaging.derived", str(consultation.pk), algorithm="sha256").hexdigest(),
    }


def unheld(consultation: Consultation, by: User, images: QuerySet[Image]) -> int:
    """Marks and key images on exported slides and pages, which the objects of this plan cannot hold."""
    version = opinions.newest_visible(by, consultation)
    on = [each["shows"]["image"] for each in key_image.signed(version)] if version else []
    on += [row.image_id for row in annotations.visible_annotations(by, consultation)]
    plain = {image.pk for image in images.filter(pk__in=set(on)) if not image.has_pixels} if on else set[int]()
    return sum(image in plain for image in on)


def _when(at: datetime) -> str:
    """YYYYMMDDHHMMSS where the site stands."""
    return timezone.localtime(at).strftime("%Y%m%d%H%M%S")


def _view(said: dict[str, Any], version: OpinionVersion) -> dict[str, Any]:
    """A key image as it was looked at; frames are counted from 0 here."""
    kept = {name: said[name] for name in ("image", "window", "turn", "flip", "invert")}
    return {**kept, "frame": said["frame"] - 1, "author": version.signer_name, "at": _when(version.signed_at)}


def _mark(row: Annotation, consultation: Consultation) -> dict[str, Any]:
    place = consultation.hospital if row.side == Annotation.Side.ASKING else consultation.asked_hospital
    return {
        "image": row.image_id,
        "frame": row.frame,
        "kind": row.kind,
        "points": row.points,
        "text": row.text,
        "figures": row.figures,
        "lines": annotation_words.lines(row),
        "by": row.author.get_username(),
        "author": row.author.display_name,
        "place": str(place.name) if place else "",
        "tracking": f"2.25.{row.uid.int}",
        "at": _when(row.changed_at),
    }


def _keys(version: OpinionVersion) -> dict[str, str]:
    words = version.diagnosis[:WORDS]
    return {
        "signer": version.signer_name,
        "place": version.signer_hospital,
        "words": words,
        "at": _when(version.signed_at),
    }

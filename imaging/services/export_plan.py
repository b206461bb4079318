"""What goes out beside the images: key images of the signed opinion and marks, as the limited child is told."""

from typing import Any

from django.utils import translation

from consult.models import Consultation, OpinionVersion, User
from consult.policies import opinion as opinions
from consult.services import key_image
from imaging.models import Annotation, Image
from imaging.policies import annotation as annotations
from imaging.services import annotation_words

WORDS = 1000  # characters of the diagnosis beside the key images


def of(consultation: Consultation, by: User, images: list[Image], language: str) -> dict[str, Any] | None:
    """See imaging/dicom/derived.py; None when there is nothing to say of these images."""
    shown = {image.pk: image for image in images if image.has_pixels}
    version = opinions.visible_versions(by, consultation).order_by("-signed_at", "-pk").first()
    signed = [each["shows"] for each in key_image.signed(version)] if version else []
    views = [_view(each) | {"author": version.signer_name} for each in signed if version and each["image"] in shown]
    with translation.override(language):
        rows = annotations.visible_annotations(by, consultation).filter(image__in=shown)
        marks = [_mark(row, consultation) for row in rows]
    if not views and not marks:
        return None
    wanted = {each["image"] for each in [*views, *marks]}
    return {
        "images": {str(pk): str(shown[pk].original) for pk in wanted},
        "views": views,
        "marks": marks,
        "keys": _keys(version) if version else None,
    }


def _view(said: dict[str, Any]) -> dict[str, Any]:
    """A key image as it was looked at; frames are counted from 0 here."""
    kept = {name: said[name] for name in ("image", "window", "turn", "flip", "invert")}
    return {**kept, "frame": said["frame"] - 1}


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
    }


def _keys(version: OpinionVersion) -> dict[str, str]:
    return {"signer": version.signer_name, "place": version.signer_hospital, "words": version.diagnosis[:WORDS]}

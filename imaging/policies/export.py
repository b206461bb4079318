"""Who takes images out of the site. Deny unless a line says yes."""

from django.db.models import QuerySet

from consult.models import Consultation, User
from consult.policies import consultation as consultations
from imaging.models import Export, Image
from imaging.policies import image as images

PLAIN = ("CT", "MR", "PT", "NM")
CAPTURES = ("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.6.", "1.2.840.10008.5.1.4.1.1.3.")
"""Secondary capture and ultrasound (PS3.4 annex B)."""


def may_export(user: User, consultation: Consultation) -> bool:
    """Those who treat: the asking side, and the answering side. The desk and the regulator look only."""
    return consultations.side_of(user, consultation) in ("asking", "answering")


def exportable(user: User, consultation: Consultation) -> QuerySet[Image]:
    """DICOM images that go out: never one that is held, which may be another patient's."""
    return images.viewable_instances(user, consultation).filter(state=Image.State.READY)


def needs_look(image: Image) -> bool:
    """Whether a person has to see that nobody is named in the pixels: all but what scanners write without text.

    Ultrasound, captured screens, colour, whatever says so itself (0028,0301), and what is derived (PS3.3 C.7.6.1.1.2).
    """
    said = image.attributes.said if hasattr(image, "attributes") else {}
    is_plain = image.modality in PLAIN and image.facts.get("samples") == 1
    is_capture = str(image.facts.get("sop_class", "")).startswith(CAPTURES)
    kinds = _values(said, "00080008")
    is_original = kinds[:2] == ["ORIGINAL", "PRIMARY"]
    return not (is_plain and is_original) or is_capture or "YES" in _values(said, "00280301")


def _values(said: dict, tag: str) -> list[str]:
    return [str(value) for value in (said.get(tag) or {}).get("Value", [])]


def cleanable(user: User, consultation: Consultation) -> list[Image]:
    """Pictures that can go out de-identified; reports, documents and recordings say too much in words."""
    rows = exportable(user, consultation).select_related("attributes").order_by("study_uid", "series_uid", "pk")
    return [row for row in rows if row.has_pixels]


def own_exports(user: User) -> QuerySet[Export]:
    """Those this person asked for, where they may still take images out of the consultation."""
    rows = Export.objects.filter(by=user, consultation__in=consultations.visible_consultations(user))
    return rows.select_related("consultation__patient")


def may_take(user: User, export: Export) -> bool:
    return export.by_id == user.pk and may_export(user, export.consultation)

"""Marks on images: drawn, changed, deleted, brought back; measured by the site from the modality's own values."""

import math
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from consult import events
from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import User
from consult.policies import consultation as consultations
from consult.services import audience, audit
from imaging.models import Annotation, Image
from imaging.policies import annotation as policies
from imaging.raster import measure
from imaging.services import rendering

MOST = 500  # standing marks on the images of one consultation


@dataclass(frozen=True, slots=True)
class Mark:
    """`points` in pixels of frame `frame` (from 0), as many as the kind has (`measure.POINTS`)."""

    frame: int
    kind: str
    points: list[list[float]]
    text: str


class Unfit(Refusal):
    """This mark cannot be on this image."""

    status = 400


def put(*, image: Image, by: User, uid: UUID, rev: int, mark: Mark) -> Annotation:
    """Draw the mark `uid`, change it, or bring it back when it was deleted. The same `rev` of the same mark again
    changes nothing; an older one is a Conflict.
    """
    check(mark, image)
    if not policies.may_draw_on(by, image):
        raise NotAllowed("may_not_draw", _("Only those who take part may draw on images, and only until the end."))
    figures = measured(mark, image)
    with transaction.atomic():
        row = Annotation.objects.select_for_update().filter(uid=uid).first()
        if row is None:
            return _made(image, by, uid, rev, mark, figures)
        if row.author_id != by.pk or row.image_id != image.pk:
            raise NotAllowed("not_yours", _("Only who drew this can change it."))
        if row.rev == rev and _is_same(row, mark):
            return row
        if rev <= row.rev:
            raise Conflict("stale", _("This was changed meanwhile."))
        action = "annotation.restore" if row.deleted_at else "annotation.change"
        row.rev, row.figures, row.changed_at, row.deleted_at = rev, figures, timezone.now(), None
        row.frame, row.kind, row.points, row.text = mark.frame, mark.kind, mark.points, mark.text
        row.save(
            update_fields=["rev", "figures", "changed_at", "deleted_at", "frame", "kind", "points", "text"],
        )
        _note(row, by, action)
    return row


def _made(image: Image, by: User, uid: UUID, rev: int, mark: Mark, figures: dict) -> Annotation:
    if Annotation.objects.standing().filter(image__consultation=image.consultation_id).count() >= MOST:
        raise Conflict("too_many", _("There are too many marks on these images. Delete some first."))
    side = consultations.side_of(by, image.consultation)
    drawn = {"frame": mark.frame, "kind": mark.kind, "points": mark.points, "text": mark.text}
    try:
        with transaction.atomic():
            row = Annotation.objects.create(
                uid=uid, rev=rev, image=image, author=by, side=side, figures=figures, changed_at=timezone.now(), **drawn
            )
    except IntegrityError:  # sent twice at the same time
        raise Conflict("stale", _("This was changed meanwhile.")) from None
    _note(row, by, "annotation.draw")
    return row


def _is_same(row: Annotation, mark: Mark) -> bool:
    now = Mark(frame=row.frame, kind=row.kind, points=row.points, text=row.text)
    return row.deleted_at is None and now == mark


@transaction.atomic
def delete(*, annotation: Annotation, by: User) -> Annotation:
    """It is shown to nobody any more, and kept. Counts as a change: an older one that comes later is too late."""
    if not policies.may_change(by, annotation):
        raise NotAllowed("not_yours", _("Only who drew this can delete it."))
    row = Annotation.objects.select_for_update().get(pk=annotation.pk)
    if row.deleted_at is not None:
        raise Conflict("deleted", _("This was deleted already."))
    row.rev, row.deleted_at = row.rev + 1, timezone.now()
    row.save(update_fields=["rev", "deleted_at"])
    _note(row, by, "annotation.delete")
    return row


def _note(row: Annotation, by: User, action: str) -> None:
    """Its audit row and its news. The words of a mark may name the patient: they stay out."""
    consultation = row.image.consultation
    detail = {"image": row.image_id, "frame": row.frame, "kind": row.kind, "points": row.points, "rev": row.rev}
    audit.record(by=by, action=action, thing=row, consultation=consultation, detail=detail)
    people = audience.onlookers(consultation)
    seen_by_all = row.image.state == Image.State.READY  # one that is held is looked at by the asking side alone
    mark = described(row) if seen_by_all else None
    events.announce(consultation=consultation.pk, kind="annotation", seq=row.pk, people=people, mark=mark)


def described(row: Annotation) -> dict[str, Any]:
    """A mark as pages know it; of one that was deleted only that it is."""
    if row.deleted_at is not None:
        return {"uid": str(row.uid), "rev": row.rev, "deleted": True}
    return {
        "uid": str(row.uid),
        "rev": row.rev,
        "image": row.image_id,
        "frame": row.frame,
        "kind": row.kind,
        "points": row.points,
        "text": row.text,
        "figures": row.figures,
        "author": row.author.display_name,
        "by": row.author.get_username(),
        "side": row.side,
        "at": row.at.isoformat(),
    }


def check(mark: Mark, image: Image) -> None:
    """Raises Unfit unless the mark has the points of its kind, finite and within the frame, and the frame is there."""
    if mark.kind not in measure.POINTS or len(mark.points) != measure.POINTS[mark.kind]:
        raise Unfit("points", _("This mark does not have the points it needs."))
    if not 0 <= mark.frame < image.frames or not image.width:  # a report is text
        raise Unfit("frame", _("There is no such frame."))
    for x, y in mark.points:
        if not (math.isfinite(x) and math.isfinite(y) and 0 <= x <= image.width and 0 <= y <= image.height):
            raise Unfit("outside", _("This mark lies outside the image."))
    if mark.kind == "probe" and not image.has_pixels:
        raise Unfit("no_values", _("Only DICOM images have values to read."))


def measured(mark: Mark, image: Image) -> dict:
    """The figures of the mark; values in the modality's units, `values` names them where that is known (HU)."""
    spacing = _spacing(mark, image)
    has_values = mark.kind in ("rectangle", "ellipse", "probe")
    frame: NDArray | None = rendering.mapped(image, mark.frame) if image.has_pixels and has_values else None
    found = measure.figures(mark.kind, mark.points, spacing, frame)
    paper = image.facts.get("ecg")
    if spacing and paper and mark.kind == "length":
        found |= measure.calipers(mark.points, spacing, paper["mm_per_s"], paper["mm_per_mv"])
    at = (image.facts.get("spacing") or {}).get("at")
    if found.get("unit") == "mm" and at in ("detector", "slide"):
        found["at"] = at  # said in words; of a slide small lengths are in micrometres
    if image.modality == "CT" and ("mean" in found or "value" in found):
        found["values"] = "HU"
    return found


def _spacing(mark: Mark, image: Image) -> measure.Spacing | None:
    """Of the place where the mark is: an ultrasound image has a scale for each of its regions."""
    said = image.facts.get("spacing")
    whole = measure.Spacing(said["row"], said["column"]) if said else None
    regions = []
    for each in image.facts.get("regions", []):
        scale = measure.Spacing(each["row"], each["column"]) if each["row"] and each["column"] else None
        regions.append(measure.Region(each["x0"], each["y0"], each["x1"], each["y1"], scale))
    return measure.spacing_at(mark.points, whole, regions)

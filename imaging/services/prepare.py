"""Makes an accepted file showable: decode in the limited child, thumbnail, compare the patient. Runs in the worker."""

import math
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from consult.services import audit, outbox, store
from imaging.dicom import names
from imaging.models import Image, Reason
from imaging.policies import identity
from imaging.raster import trace
from imaging.services import attributes, decoding, news, paging, rendering, slides, storage
from imaging.services.searching import Described

S = Image.State
LEASE = timedelta(seconds=60)
TEXTS = ("modality", "sop_uid", "series_uid", "study_uid", "description", "laterality")
PATIENT_TEXTS = ("patient_name", "patient_id", "patient_sex")


@outbox.handles("imaging.prepare", atomic=False, lease=LEASE)
def prepare(image: int) -> None:
    """Take one received image to ready, held or refused. May run twice."""
    if not Image.objects.filter(pk=image, state__in=[S.RECEIVED, S.PROCESSING]).update(state=S.PROCESSING):
        return
    row = Image.objects.select_related("consultation__patient").get(pk=image)
    if not store.here(row.original).is_file():
        refuse(row, Reason.LOST)
        return
    try:
        with storage.workplace(row.path) as work:
            facts = _decoded(row, work)
            _check(facts, row.kind, work)
            _take(row, facts)
            said = attributes.said_by_child(work) if row.kind == Image.Kind.DICOM else {}
            _publish(row, work, said)
    except slides.Unwanted:
        return
    except decoding.Undecodable as error:
        refuse(row, error.code)


def _decoded(row: Image, work: Path) -> dict[str, Any]:
    """Facts of the file, and what is shown of it in `work`. A document inside DICOM is drawn like a plain one."""
    if row.kind == Image.Kind.DOCUMENT:
        return paging.pages(row.original, work)
    if row.kind == Image.Kind.SLIDE:
        return slides.cut(row, work)
    facts = decoding.decode(kind=row.kind, source=row.original, into=work)
    if facts.pop("document", ""):
        inner = work / "document.pdf"
        if inner.is_symlink() or not inner.is_file():
            raise decoding.Undecodable(Reason.DAMAGED)
        facts |= {**paging.pages(inner, work), "kind": row.kind}
        inner.unlink()
    if facts.pop("slide", 0):
        facts |= {**slides.cut(row, work), "kind": row.kind}
    elif row.size > settings.MAX_UPLOAD_BYTES:
        raise decoding.Undecodable(Reason.TOO_LARGE)
    if facts.pop("traces", 0):
        traces = work / trace.RAW
        facts |= {**paging.pages(traces, work, "traces"), "kind": row.kind}
        traces.unlink()
        (work / trace.SAID).unlink()
    return facts


def _check(facts: dict, kind: str, work: Path) -> None:
    """The child worked on hostile bytes: its answer is believed only where it agrees with the files it left."""
    fine = facts.get("kind") == kind and not any(path.is_symlink() for path in work.iterdir())
    if not (fine and _agrees(facts, kind, work)):
        raise decoding.Undecodable(Reason.DAMAGED)


def _agrees(facts: dict, kind: str, work: Path) -> bool:
    sides = [facts.get(name) or 0 for name in ("width", "height", "frames")]
    if "report" in facts:
        return kind == Image.Kind.DICOM and sides == [0, 0, 1] and (work / names.REPORT).is_file()
    if not all(isinstance(side, int) and 0 < side < 2**31 for side in sides):
        return False
    if "pages" in facts:
        pages = [f"page-{number}{size}.jpg" for number in range(facts["frames"]) for size in ("", "-small")]
        return facts["pages"] == facts["frames"] and all((work / name).is_file() for name in [*pages, "thumbnail.webp"])
    if "tiles" in facts:
        return slides.agrees(facts, work)
    if kind == Image.Kind.DICOM:
        return (
            _has_pixels(facts, math.prod(sides), work / "frames.raw") and _lies_somewhere(facts) and _has_scales(facts)
        )
    return (work / "photo-full.jpg").is_file() and (work / "thumbnail.webp").is_file()


def _has_pixels(facts: dict, count: int, raw: Path) -> bool:
    """Whether `raw` is as long as `count` values of what the facts say, and every window is finite."""
    ends = [facts.get("low"), facts.get("high")]
    ends += [number for item in facts.get("windows", []) for number in (item["center"], item["width"])]
    if not all(isinstance(end, int | float) and math.isfinite(end) for end in ends):
        return False
    if facts.get("dtype") not in rendering.DTYPES or facts.get("samples") not in (1, 3) or not raw.is_file():
        return False
    return raw.stat().st_size == count * facts["samples"] * np.dtype(facts["dtype"]).itemsize


def _lies_somewhere(facts: dict) -> bool:
    """Whether the plane, if there is one, is of finite numbers, one position for each frame."""
    plane = facts.get("plane")
    if plane is None:
        return True
    rows = [plane["orientation"], *plane["positions"]]
    fine = [len(row) for row in rows] == [6] + [3] * facts["frames"]
    return fine and all(isinstance(each, int | float) and math.isfinite(each) for row in rows for each in row)


def _has_scales(facts: dict) -> bool:
    """Whether the regions of an ultrasound are finite boxes, their scales positive or unknown."""
    regions = facts.get("regions", [])
    edges = [region[edge] for region in regions for edge in ("x0", "y0", "x1", "y1")]
    scales = [region[step] for region in regions for step in ("row", "column") if region[step] is not None]
    fine = all(isinstance(each, int | float) and math.isfinite(each) for each in [*edges, *scales])
    return fine and all(scale > 0 for scale in scales)


def _take(image: Image, facts: dict) -> None:
    """Copy the facts into their fields, texts cut to what the fields hold."""
    for name in ("width", "height", "frames"):
        setattr(image, name, facts[name])
    for name in (*TEXTS, *PATIENT_TEXTS):
        field = Image._meta.get_field(name)
        text = str(facts.pop(name, "") or "").replace("\x00", "")
        setattr(image, name, text[: field.max_length])  # type: ignore[union-attr]
    for name in ("series_number", "instance_number"):
        setattr(image, name, facts.pop(name, None))
    image.patient_birth = _day(facts.pop("patient_birth", ""))
    image.facts = facts


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _publish(image: Image, work: Path, said: Described) -> None:
    """Thumbnail, then the folder in place, then the row: what the row promises is there."""
    shown = image.path / "shown"
    if shown.exists():  # an earlier run was cut here
        storage.forget(shown)
    os.rename(work, shown)
    rendering.make_thumbnail(image, shown)
    storage.sync(image.path)
    store.put(sorted(shown.iterdir()))
    image.differs = identity.differences(
        name=image.patient_name,
        number=image.patient_id,
        sex=image.patient_sex,
        birth=image.patient_birth,
        patient=image.consultation.patient,
    )
    image.state = S.HELD if image.differs else S.READY
    image.ready_at = timezone.now()
    fields = [*TEXTS, *PATIENT_TEXTS, "width", "height", "frames", "series_number", "instance_number", "patient_birth"]
    with transaction.atomic():
        if not Image.objects.filter(pk=image.pk, state=S.PROCESSING).select_for_update().exists():
            return
        image.save(update_fields=[*fields, "facts", "differs", "state", "ready_at"])
        if said:
            attributes.keep(image, said)
        action = "image.hold" if image.differs else "image.ready"
        audit.record(by=None, action=action, thing=image, consultation=image.consultation_id)
        news.changed(image.consultation)


def refuse(image: Image, code: str) -> None:
    """What was being prepared is not shown, and why."""
    with transaction.atomic():
        rows = Image.objects.filter(pk=image.pk, state=S.PROCESSING)
        if rows.update(state=S.REFUSED, reason=code if code in Reason.values else Reason.DAMAGED):
            detail = {"reason": code}
            audit.record(by=None, action="image.refuse", thing=image, consultation=image.consultation_id, detail=detail)
            news.changed(image.consultation)

"""Exports as people handle them: asked for, taken, removed. What is in them is exporting's."""

import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from consult import events
from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Consultation, User
from consult.services import audit, outbox, store
from imaging.models import Export, Image
from imaging.policies import export as policies
from imaging.services import storage

S = Export.State
KEPT = timedelta(hours=24)


def extent(*, consultation: Consultation, by: User) -> dict[str, Any]:
    """How many `images`, `studies` and `bytes` would go out."""
    rows = policies.exportable(by, consultation).order_by()
    return rows.aggregate(images=Count("pk"), studies=Count("study_uid", distinct=True), bytes=Sum("size"))


def cleaned(*, consultation: Consultation, by: User, checked: list[int]) -> list[Image]:
    """Those that go out de-identified once a person has seen the pixels of `checked`."""
    rows = policies.cleanable(by, consultation)
    return [row for row in rows if row.pk in checked or not policies.needs_look(row)]


@transaction.atomic
def ask(*, consultation: Consultation, by: User, purpose: str, checked: list[int] | None = None) -> Export:
    """Have the worker make a zip of all DICOM images of a consultation. One at a time for each person.

    With `checked` it is de-identified: images that need a person's look and are not among these stay here.
    """
    if not policies.may_export(by, consultation):
        raise NotAllowed("may_not_export", _("Only those who treat the patient can export images."))
    if purpose not in Export.Purpose.values:
        raise Refusal("purpose_missing", _("Say what the images are for: it is recorded."), field="purpose")
    row = Consultation.objects.select_for_update().get(pk=consultation.pk)
    if row.exports.filter(by=by, state__in=[S.WAITING, S.RUNNING]).exists():
        raise Conflict("being_made", _("An export of these images is being made already."))
    found = extent(consultation=row, by=by)
    kind = Export.Kind.WHOLE if checked is None else Export.Kind.CLEANED
    going = found["images"] if checked is None else len(cleaned(consultation=row, by=by, checked=checked))
    if not going:
        raise Refusal("no_images", _("There are no DICOM images to export."))
    made = Export.objects.create(
        consultation=row,
        by=by,
        kind=kind,
        checked=checked or [],
        purpose=purpose,
        language=translation.get_language() or "en",
        token=secrets.token_urlsafe(32),
        total=going,
    )
    detail = {"purpose": purpose, "kind": kind, "images": going, "checked": checked or []}
    audit.record(by=by, action="export.ask", thing=made, consultation=row, detail=detail)
    outbox.later(kind="imaging.export", payload={"export": made.pk}, key=f"export.{made.pk}")
    return made


def take(*, export: Export, by: User) -> None:
    """Its file is about to leave: that is recorded each time."""
    if not policies.may_take(by, export):
        raise NotAllowed("may_not_export", _("Only those who treat the patient can export images."))
    if export.state != S.READY or not store.there([export.path]):
        raise Conflict("not_ready", _("This export is not there any more. Make another one."))
    audit.record_read(by=by, thing=export, consultation=export.consultation_id, what="download")


def remove(*, export: Export, by: User | None = None) -> None:
    """Take its file away; what is being made is given up. `by` None: its time is over."""
    with transaction.atomic():
        rows = Export.objects.filter(pk=export.pk, state__in=[S.WAITING, S.RUNNING, S.READY])
        if not rows.update(state=S.REMOVED, removed_at=timezone.now()):
            raise Conflict("removed", _("This export was removed already."))
        audit.record(by=by, action="export.remove", thing=export, consultation=export.consultation_id)
        tell(export)
        store.forget(export.folder)
    storage.forget(export.folder)


@outbox.every(timedelta(minutes=10), "remove_exports")
def remove_old() -> int:
    """Those whose time is over; how many."""
    rows = list(Export.objects.filter(state=S.READY, ready_at__lt=timezone.now() - KEPT))
    for row in rows:
        remove(export=row)
    return len(rows)


def tell(export: Export) -> None:
    """The pages of who asked for it."""
    events.announce(consultation=None, kind="image", seq=export.pk, people={export.by_id})

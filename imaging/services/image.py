"""What people do to images: confirm whose they are, withdraw, look."""

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed
from consult.models import User
from consult.services import audit, store
from consult.states import State
from imaging.models import Image
from imaging.policies import image as policies
from imaging.services import news, storage

CARRIED = ("patient_name", "patient_id", "patient_sex", "patient_birth")
READ_ONCE_IN = 600  # seconds: scrolling through a series is one reading, not three hundred


@transaction.atomic
def confirm(*, image: Image, by: User) -> list[Image]:
    """A doctor of the asking side says: this file is of this patient, whatever name it carries.

    Goes for all held files of the consultation that carry the same name, number, sex and birth date.
    """
    if not policies.may_confirm(by, image):
        raise NotAllowed("may_not_confirm", _("Only a doctor of the asking side can confirm whose image this is."))
    alike = {name: getattr(image, name) for name in CARRIED}
    held = Image.objects.filter(consultation=image.consultation_id, state=Image.State.HELD, **alike)
    confirmed = []
    for each in held.select_for_update().order_by("pk"):
        each.state, each.confirmed_by, each.confirmed_at = Image.State.READY, by, timezone.now()
        each.save(update_fields=["state", "confirmed_by", "confirmed_at"])
        detail = {"differs": each.differs}
        audit.record(by=by, action="image.confirm", thing=each, consultation=each.consultation_id, detail=detail)
        confirmed.append(each)
    if not confirmed:
        raise Conflict("not_held", _("This image was already confirmed or removed."))
    news.changed(image.consultation)
    return confirmed


def withdraw(*, image: Image, by: User) -> None:
    """Take an image back: before submission it is gone, later it stays kept but is shown to nobody."""
    if not policies.may_withdraw(by, image):
        raise NotAllowed("may_not_withdraw", _("Only the person who sent this image can remove it."))
    with transaction.atomic():
        rows = Image.objects.filter(pk=image.pk).exclude(state=Image.State.WITHDRAWN)
        if not rows.update(state=Image.State.WITHDRAWN, withdrawn_by=by, withdrawn_at=timezone.now()):
            raise Conflict("withdrawn", _("This image was already removed."))
        detail = {"sha256": image.sha256, "was": image.state, "reason": image.reason}
        audit.record(by=by, action="image.withdraw", thing=image, consultation=image.consultation_id, detail=detail)
        news.changed(image.consultation)
        goes = image.consultation.state == State.DRAFT or image.state == Image.State.REFUSED
        if goes:
            store.forget(image.path)
    if goes:
        storage.forget(image.path)


def dismiss(*, image: Image, by: User) -> None:
    """Forget a refused file and the others here that were refused for the same reason: the list shows them as one."""
    alike = Image.objects.filter(consultation=image.consultation_id, state=Image.State.REFUSED, reason=image.reason)
    others = alike.exclude(pk=image.pk).select_related("consultation", "uploaded_by")
    for each in [image, *(other for other in others if policies.may_withdraw(by, other))]:
        withdraw(image=each, by=by)


def note_reading(*, image: Image, by: User, what: str = "read") -> None:
    """One audit row for each person, image and ten minutes; downloads count each time."""
    once = what == "read"
    if not once or cache.add(f"image-read-{by.pk}-{image.pk}", 1, READ_ONCE_IN):
        audit.record_read(by=by, thing=image, consultation=image.consultation_id, what=what)

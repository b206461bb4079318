"""Who takes images out of the site. Deny unless a line says yes."""

from django.db.models import QuerySet

from consult.models import Consultation, User
from consult.policies import consultation as consultations
from imaging.models import Export, Image
from imaging.policies import image as images


def may_export(user: User, consultation: Consultation) -> bool:
    """Those who treat: the asking side, and the answering side. The desk and the regulator look only."""
    return consultations.side_of(user, consultation) in ("asking", "answering")


def exportable(user: User, consultation: Consultation) -> QuerySet[Image]:
    """DICOM images that go out: never one that is held, which may be another patient's."""
    return images.viewable_instances(user, consultation).filter(state=Image.State.READY)


def own_exports(user: User) -> QuerySet[Export]:
    """Those this person asked for, where they may still take images out of the consultation."""
    rows = Export.objects.filter(by=user, consultation__in=consultations.visible_consultations(user))
    return rows.select_related("consultation__patient")


def may_take(user: User, export: Export) -> bool:
    return export.by_id == user.pk and may_export(user, export.consultation)

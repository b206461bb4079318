"""Who may ask for a still, of whose camera, and who sees what came of it. Deny unless a line says yes."""

from django.db.models import QuerySet

from consult.models import Consultation, User
from consult.policies import consultation as consultations
from imaging.models import Still


def visible_stills(user: User) -> QuerySet[Still]:
    """Of the consultations this person sees."""
    seen = consultations.visible_consultations(user)
    return Still.objects.filter(consultation__in=seen).select_related("consultation", "asked_by", "of", "image")


def may_ask(user: User, consultation: Consultation) -> bool:
    """Both sides, while they may be in the call."""
    return consultations.may_join(user, consultation)


def may_be_asked(user: User, consultation: Consultation) -> bool:
    """Whose camera: who may be in the call and may add images, for it is sent in their name."""
    return consultations.may_join(user, consultation) and consultations.may_add_images(user, consultation)


def may_answer(user: User, still: Still) -> bool:
    """Take it, or say why not: only whose camera it is."""
    return still.of_id == user.pk and still.state == Still.State.ASKED

"""Who sees the marks on images and who may draw, change and delete them. Deny unless a line says yes."""

from django.db.models import QuerySet

from consult.models import Consultation, User
from consult.policies import consultation as consultations
from imaging.models import Annotation, Image
from imaging.policies import image as images

S = Image.State


def visible_annotations(user: User, consultation: Consultation) -> QuerySet[Annotation]:
    """The standing marks on images of a consultation that this person sees, where they may see the pixels as well."""
    states = [S.READY, S.HELD] if consultations.side_of(user, consultation) == "asking" else [S.READY]
    rows = Annotation.objects.standing().filter(image__consultation=consultation, image__state__in=states)
    return rows.select_related("author", "image")


def may_annotate(user: User, consultation: Consultation) -> bool:
    """Who may add images may draw on them: the asking side until the end, the specialist while answering."""
    return images.may_add(user, consultation) and consultations.side_of(user, consultation) in ("asking", "answering")


def may_draw_on(user: User, image: Image) -> bool:
    return images.may_view(user, image) and may_annotate(user, image.consultation)


def may_change(user: User, annotation: Annotation) -> bool:
    """Only one's own: nobody's measurement changes under their name."""
    return annotation.author_id == user.pk and may_draw_on(user, annotation.image)

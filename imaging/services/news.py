"""Tells open pages and the room that the images of a consultation changed."""

from consult import events
from consult.models import Consultation
from consult.services import audience
from imaging.models import Image


def changed(consultation: Consultation) -> None:
    """After commit: everyone whose lists show it fetches the images again."""
    newest = Image.objects.filter(consultation=consultation).order_by("-pk").values_list("pk", flat=True).first()
    people = audience.onlookers(consultation)
    events.announce(consultation=consultation.pk, kind="image", seq=newest or 0, people=people)

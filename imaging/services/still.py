"""Stills of a far camera: asked for, taken and sent by the page of whose camera it is, or not taken with a reason."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult import events
from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Consultation, User
from consult.services import audit, relay
from imaging.models import Image, Still
from imaging.policies import still as policies

AT_ONCE = timedelta(seconds=3)
"""A second press within this time is the same wish."""
OPEN = timedelta(minutes=10)
"""How long an asked still may take on a bad line, from the question to its first byte."""


@transaction.atomic
def ask(*, consultation: Consultation, by: User, of: User, source: str) -> Still:
    """Ask the page of `of` for a still of its camera. They are told; what arrives is theirs to remove."""
    if not policies.may_ask(by, consultation):
        raise NotAllowed("may_not_ask", _("Stills can be taken by those in the call only."))
    peers, _tracks = relay.presence(consultation.pk)
    if not policies.may_be_asked(of, consultation) or of.get_username() not in {peer["username"] for peer in peers}:
        raise Conflict("not_there", _("This person is not in the call any more."))
    if source not in Still.Source.values:
        raise Refusal("unknown_source", _("There is no such camera."))
    row = Consultation.objects.select_for_update().get(pk=consultation.pk)
    waiting = Still.objects.filter(consultation=row, of=of, source=source, state=Still.State.ASKED)
    if waiting.filter(at__gt=timezone.now() - AT_ONCE).exists():
        raise Conflict("being_taken", _("A still of this camera is being taken already."))
    still = Still.objects.create(consultation=row, asked_by=by, of=of, source=source)
    detail = {"of": of.get_username(), "source": source}
    audit.record(by=by, action="still.ask", thing=still, consultation=row, detail=detail)
    _tell(still)
    return still


def open_for(*, pk: int, by: User, consultation: Consultation) -> Still:
    """The asked still that an upload of `by` brings."""
    still = policies.visible_stills(by).filter(pk=pk, consultation=consultation).first()
    if still is None or not policies.may_answer(by, still) or still.at < timezone.now() - OPEN:
        raise Conflict("not_asked", _("Nobody waits for this still any more."))
    return still


def arrived(*, pk: int, image: Image, by: User) -> None:
    """In the intake's transaction: the upload that brings this still is whole."""
    taken = {"state": Still.State.TAKEN, "image": image, "taken_at": timezone.now()}
    if Still.objects.filter(pk=pk, state=Still.State.ASKED).update(**taken):
        still = Still.objects.get(pk=pk)
        detail = {"image": image.pk, "source": still.source}
        audit.record(by=by, action="still.take", thing=still, consultation=still.consultation_id, detail=detail)
        _tell(still)


@transaction.atomic
def fail(*, still: Still, by: User, reason: str) -> None:
    """The page of the camera says why there is none."""
    if still.of_id != by.pk:
        raise NotAllowed("not_yours", _("Only the person whose camera it is can answer."))
    if reason not in Still.Reason.values:
        raise Refusal("unknown_reason", _("There is no such reason."))
    failed = {"state": Still.State.FAILED, "reason": reason}
    if not Still.objects.filter(pk=still.pk, state=Still.State.ASKED).update(**failed):
        raise Conflict("answered", _("This still was answered already."))
    detail = {"reason": reason}
    audit.record(by=by, action="still.fail", thing=still, consultation=still.consultation_id, detail=detail)
    _tell(still)


def _tell(still: Still) -> None:
    """The room only: elsewhere a still is news once it is an image."""
    events.announce(consultation=still.consultation_id, kind="still", seq=still.pk, people=[])

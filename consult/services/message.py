"""The chat kept with the record."""

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Consultation, Message, User
from consult.policies import consultation as policies
from consult.services import audience, audit, moves, notification

LONGEST = 4000


@transaction.atomic
def post(*, consultation: Consultation, by: User, body: str, token: str) -> Message:
    """Add a message with the next number. The same `token` of the same author answers the first message again."""
    body = body.replace("\x00", "").strip()
    row = moves.lock(consultation)
    known = Message.objects.filter(consultation=row, author=by, token=token).first()
    if known is not None and policies.side_of(by, row):
        return known
    if not policies.may_post(by, row):
        if policies.side_of(by, row) in {"asking", "answering", "desk"} and row.closed_at:
            raise Conflict("closed", _("This consultation has ended; nothing more can be written."))
        raise NotAllowed("not_taking_part", _("Only those who take part may write here."))
    if not body:
        raise Refusal("empty", _("Write something first."), field="body")
    if len(body) > LONGEST:
        raise Refusal("too_long", _("This message is too long: 4,000 characters are the most."), field="body")
    Consultation.objects.filter(pk=row.pk).update(message_seq=F("message_seq") + 1)
    seq = row.message_seq + 1
    message = Message.objects.create(consultation=row, seq=seq, author=by, body=body, token=token)
    audit.record(by=by, action="message.post", thing=message, consultation=row, detail={"seq": seq})
    consultation.message_seq = seq
    people = audience.askers(row) | audience.answering(row)
    notification.tell(people=people - {by.pk}, kind="message", consultation=row, key=f"message.{row.pk}.{seq}")
    moves.announce(row, kind="message", seq=seq)
    return message

"""The sham guard: looks at a consultation after it is signed or has ended, and keeps what a reviewer should see."""

from collections.abc import Callable
from datetime import timedelta
from difflib import SequenceMatcher
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consult.errors import NotAllowed, Refusal
from consult.models import AuditEntry, Consultation, Flag, Opinion, OpinionVersion, Role, User
from consult.policies import guard as policies
from consult.services import audit, moves, notification, outbox
from consult.states import FINAL

TEXTS = ("findings", "diagnosis", "recommendation")
OPENED = ("read", "download", "print", "view")
LONGEST = 2000
Found = dict[str, Any] | None


def look_later(consultation: Consultation) -> None:
    """In the transaction that signs or ends it."""
    outbox.later(kind="guard.look", payload={"consultation": consultation.pk}, key=f"guard.{consultation.pk}")


@outbox.handles("guard.look")
def look(consultation: int) -> None:
    """Every rule once for one consultation. May run twice: a flag that was raised is not raised again."""
    thing = Consultation.objects.get(pk=consultation)
    versions = OpinionVersion.objects.filter(opinion__consultation=thing, opinion__kind=Opinion.Kind.OWN)
    version = versions.order_by("-signed_at").select_related("signed_by").first()
    made = [
        rule
        for rule, judge in RULES.items()
        if (found := judge(thing, version)) is not None and _raise(thing, rule, found)
    ]
    if made:
        people = Role.objects.filter(kind__in=(Role.Kind.REGULATOR, Role.Kind.SCHEDULER), hospital=None, active=True)
        ids = set(people.values_list("person_id", flat=True)) - {thing.expert_id or 0, thing.asker_id}
        notification.tell(
            people=ids, kind="flagged", consultation=thing, key=f"flagged.{thing.pk}.{'.'.join(made)}"[:120]
        )


def _raise(thing: Consultation, rule: str, found: dict[str, Any]) -> bool:
    flag, is_new = Flag.objects.get_or_create(consultation=thing, rule=rule, defaults={"found": found})
    if is_new:
        audit.record(by=None, action="flag.raise", thing=flag, consultation=thing, detail={"rule": rule, **found})
    return is_new


def _short_call(thing: Consultation, version: OpinionVersion | None) -> Found:
    """Readings of images have no call to be judged by."""
    began, ended = thing.session_started_at, thing.session_ended_at or (version.signed_at if version else None)
    if began is None or ended is None or _is_reading(thing):
        return None
    seconds = int((ended - began).total_seconds())
    return {"seconds": seconds} if seconds < policies.SHORTEST_CALL.total_seconds() else None


def _is_reading(thing: Consultation) -> bool:
    return thing.purpose == Consultation.Purpose.IMAGING


def _text(version: OpinionVersion) -> str:
    return "".join("".join(getattr(version, name).split()) for name in TEXTS)


def _short_text(thing: Consultation, version: OpinionVersion | None) -> Found:
    count = len(_text(version)) if version else policies.SHORTEST_TEXT
    return {"characters": count} if count < policies.SHORTEST_TEXT else None


def _no_opinion(thing: Consultation, version: OpinionVersion | None) -> Found:
    """Called off after a call took place."""
    ended = version is None and thing.session_started_at is not None and thing.state in FINAL
    return {"state": str(thing.state)} if ended else None


def _copied(thing: Consultation, version: OpinionVersion | None) -> Found:
    """Readings begin with templates, and are alike for a good reason."""
    if version is None or _is_reading(thing) or len(_text(version)) < policies.LONG_ENOUGH:
        return None
    words = _text(version)
    earlier = (
        OpinionVersion.objects.filter(signed_by=version.signed_by, opinion__kind=Opinion.Kind.OWN, pk__lt=version.pk)
        .exclude(opinion__consultation=thing)
        .exclude(opinion__consultation__patient=thing.patient_id)
        .select_related("opinion__consultation")
        .order_by("-pk")[: policies.COMPARED]
    )
    best: tuple[float, str] = (0.0, "")
    for other in earlier:
        matcher = SequenceMatcher(None, words, _text(other), autojunk=False)
        if matcher.real_quick_ratio() > best[0] and matcher.quick_ratio() > best[0]:
            best = max(best, (matcher.ratio(), str(other.opinion.consultation)))
    return {"percent": int(best[0] * 100), "of": best[1]} if best[0] >= policies.ALIKE else None


def _unopened(thing: Consultation, version: OpinionVersion | None) -> Found:
    """Neither the record nor an image was opened by the signer, who was not in the call either."""
    if version is None:
        return None
    by = AuditEntry.objects.filter(
        consultation=thing.pk, actor=version.signed_by.get_username(), at__lte=version.signed_at
    )
    for action in by.values_list("action", flat=True):
        if action == "session.arrive" or action.rsplit(".", 1)[-1] in OPENED:
            return None
    return {"version": version.number}


def _many(thing: Consultation, version: OpinionVersion | None) -> Found:
    """Readings are quick by nature: they are not counted."""
    if version is None or _is_reading(thing):
        return None
    since = version.signed_at - timedelta(hours=1)
    rows = OpinionVersion.objects.filter(
        signed_by=version.signed_by, number=1, signed_at__gt=since, signed_at__lte=version.signed_at
    )
    count = rows.exclude(opinion__consultation__purpose=Consultation.Purpose.IMAGING).count()
    return {"count": count} if count > policies.MOST_AN_HOUR else None


RULES: dict[str, Callable[[Consultation, OpinionVersion | None], Found]] = {
    "short_call": _short_call,
    "short_text": _short_text,
    "no_opinion": _no_opinion,
    "copied": _copied,
    "unopened": _unopened,
    "many": _many,
}


def evidence(flag: Flag) -> str:
    """What was found, in the reader's language."""
    found = flag.found
    if flag.rule == "short_call":
        least = int(policies.SHORTEST_CALL.total_seconds())
        words = _("The call took %(seconds)s seconds; less than %(least)s is flagged.")
        return words % {"seconds": found["seconds"], "least": least}
    if flag.rule == "short_text":
        words = ngettext(
            "The opinion has %(characters)s character; fewer than %(least)s are flagged.",
            "The opinion has %(characters)s characters; fewer than %(least)s are flagged.",
            found["characters"],
        )
        return words % {"characters": found["characters"], "least": policies.SHORTEST_TEXT}
    if flag.rule == "no_opinion":
        return _("A call was held and the consultation ended without a signed opinion.")
    if flag.rule == "copied":
        words = _("%(percent)s%% of the text is that of the same specialist's opinion on %(of)s, another patient.")
        return words % {"percent": found["percent"], "of": found["of"]}
    if flag.rule == "unopened":
        return _("The signer opened neither the record nor an image before signing, and was not in the call.")
    words = _("%(count)s opinions were signed by this specialist within one hour; more than %(most)s are flagged.")
    return words % {"count": found["count"], "most": policies.MOST_AN_HOUR}


@transaction.atomic
def review(*, flag: Flag, by: User, verdict: str, words: str) -> Flag:
    """Cleared or confirmed, with words. Of two reviewers one is first."""
    if not policies.visible_flags(by).filter(pk=flag.pk).exists():
        raise NotAllowed("not_reviewer", _("Only schedulers and the regulator review this."))
    words = words.replace("\x00", "").strip()[:LONGEST]
    if not words:
        raise Refusal("reason_missing", _("Say why: the others need to know."), field="words")
    if verdict not in {Flag.State.CLEARED, Flag.State.CONFIRMED}:
        raise Refusal("unknown_verdict", _("Choose one of the answers."), field="verdict")
    rows = Flag.objects.filter(pk=flag.pk, state=Flag.State.OPEN)
    if not rows.update(state=verdict, words=words, reviewed_by=by, reviewed_at=timezone.now()):
        raise moves.too_late()
    flag.refresh_from_db()
    detail = {"verdict": verdict, "rule": flag.rule}
    audit.record(by=by, action="flag.review", thing=flag, consultation=flag.consultation_id, detail=detail)
    return flag

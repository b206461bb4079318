"""Rows of the table of doors that belong together, and what has to be behind them."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.urls.resolvers import URLPattern, URLResolver
from django.utils import timezone

from consult.models import Agreement, Consultation, Role, User
from consult.services import referral, team
from imaging.models import Export
from tests import cast as walk
from tests.cast import Cast


@dataclass(frozen=True)
class Door:
    """`args` are names of what `World.names` knows; `posts` is what a POST sends, None when the door takes none."""

    args: tuple[str, ...] = ("consultation",)
    posts: dict[str, Any] | None = None
    gets: bool = True
    draft: bool = False
    team: bool = False


SECRET = "仅限泥屯"  # in every text of Nitun's consultation


def urls(patterns: list[URLPattern | URLResolver]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found |= urls(pattern.url_patterns)
        else:
            found.add(pattern.name or str(pattern.pattern))
    return found


def finished(thing: Consultation, by: User) -> Export:
    """An export that can be taken."""
    when = {"state": Export.State.READY, "ready_at": timezone.now()}
    row = Export.objects.create(consultation=thing, by=by, purpose="treatment", token=uuid4().hex, size=6, **when)
    row.folder.mkdir(parents=True)
    row.path.write_text(SECRET[:2])
    return row


REASON = {"reason": "x"}
MOVES: dict[str, dict[str, Any]] = {
    "triage": {},
    "assign": {"role": 1, "revision": 1},
    "accept": {},
    "take": {},
    "read": {},
    "to_desk": {"department": 1, "revision": 1},
    "decline": REASON,
    "ask_more": REASON,
    "supply": {"answer": "x"},
    "return": REASON,
    "review": {},
    "end_session": {},
    "miss": {"side": "asking", "reason": "x"},
    "follow_up": {},
    "close": {},
    "cancel": REASON,
    "call_off": REASON,
}
TEAM_DOORS: dict[str, Door] = {
    "consultation-team": Door(team=True),
    "team-invite": Door(posts={"roles": [1]}, team=True),
    "team-join": Door(posts={}, gets=False, team=True),
    "team-decline": Door(posts={"reason": "x"}, team=True),
    "team-withdraw": Door(("consultation", "seat"), {}, gets=False, team=True),
    "team-chair": Door(("consultation", "seat"), {}, gets=False, team=True),
    "team-excuse": Door(("consultation", "seat"), {"reason": "x"}, team=True),
    "joint-report": Door(team=True),
    "joint-report-draft": Door(posts={"findings": "x", "draft_rev": 0}, team=True),
    "joint-report-put": Door(posts={"draft_rev": 0}, team=True),
    "joint-report-confirm": Door(posts={"verdict": "agree", "password": "x"}, gets=False, team=True),
    "joint-report-sign": Door(posts={"draft_rev": 0, "password": "x"}, team=True),
}
AFTERCARE_DOORS: dict[str, Door] = {
    "consultation-aftercare": Door(),
    "rating-give": Door(posts={"stars": 5}, gets=False),
    "follow-up-plan": Door(posts={"task": "x"}, gets=False),
    "follow-up-enter": Door(("consultation", "follow_up"), {"found": "x"}, gets=False),
    "outcome-record": Door(posts={"patient": "died"}, gets=False),
    "ask-again": Door(posts={}, gets=False),
}
GUARD_DOORS: dict[str, Door] = {
    "guard": Door(()),
    "guard-review": Door(("flag",), {"verdict": "cleared", "words": "x"}, gets=False),
}
REFERRAL_DOORS: dict[str, Door] = {
    "referral": Door(("referral",)),
    "referral-state": Door(("referral",)),
    "referral-act": Door(("referral", "withdraw"), {"reason": "x"}, gets=False),
    "referral-arrange": Door(("referral",), {"bed": "x"}, gets=False),
    "referral-discharge": Door(("referral",), {"course": "x"}, gets=False),
    "referral-letter": Door(("referral", "transfer")),
}
HOSPITAL = {"name": "x", "name_en": "x", "county": "x"}
ADMINISTRATION_DOORS: dict[str, Door] = {
    "administration": Door(()),
    "hospital-new": Door((), {"code": "x", "tier": "township", **HOSPITAL}),
    "hospital": Door(("hospital",), HOSPITAL),
    "hospital-switch": Door(("hospital",), {}, gets=False),
    "department-new": Door(("hospital",), {"name": "x", "name_en": "x", "specialty": "general"}),
    "department": Door(("desk",), {"name": "x", "name_en": "x", "specialty": "general"}),
    "department-switch": Door(("desk",), {}, gets=False),
    "agreement-new": Door((), {"number": "x"}),
    "agreement-end": Door(("agreement",), {"reason": "x"}, gets=False),
}
DOORS = TEAM_DOORS | REFERRAL_DOORS | GUARD_DOORS | AFTERCARE_DOORS | ADMINISTRATION_DOORS
SCHEDULERS_ONLY = {"guard"} | {name for name, door in ADMINISTRATION_DOORS.items() if door.gets}
TEAM_EXPERTS = {"joint-report-draft", "joint-report-put", "joint-report-sign", "team-invite", "team-excuse"}


def referred(cast: Cast) -> int:
    """Nitun's patient is referred to the provincial hospital."""
    names = ("reason", "diagnosis", "treatment", "condition", "wanted")
    role = Role.objects.get(person=cast.doctor)
    texts = dict.fromkeys(names, SECRET)
    return referral.ask(by=cast.doctor, role=role, patient=cast.patient, to=cast.cardiology, texts=texts).pk


def administered(cast: Cast) -> dict[str, int]:
    """What the province's scheduler keeps."""
    agreement = Agreement.objects.get(primary=cast.nitun, superior=cast.provincial)
    return {"desk": cast.cardiology.pk, "hospital": cast.nitun.pk, "agreement": agreement.pk}


def gathered(cast: Cast, texts: dict[str, str]) -> Consultation:
    """The opinions of a team are due: one specialist has joined the first, one is invited."""
    thing = walk.opinion_due(cast, **texts)
    team.invite(consultation=thing, by=cast.expert, roles=Role.objects.filter(person=cast.other_expert))
    team.join(consultation=thing, by=cast.other_expert)
    team.invite(consultation=thing, by=cast.expert, roles=Role.objects.filter(person=cast.second_expert))
    return thing

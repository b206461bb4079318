"""How the service does: times, refusals, volumes, what came of the opinions. Reads, and counts in one pass.

Times are of consultations sent in the period. Quantiles are those of SQL's percentile_cont: linear between neighbours.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
from django.db.models import F, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.utils import timezone

from consult.models import Clock, Consultation, Decision, MoveReason, Specialty
from consult.services import columns
from consult.services.columns import Floats, Letters, Seconds
from consult.states import State

REFUSALS = ("decline", "return_")
ENDED_WELL = frozenset({State.ACKNOWLEDGED, State.FOLLOW_UP, State.CLOSED})
TOP = 50  # reasons shown


@dataclass(frozen=True, slots=True)
class Filters:
    """`first` and `last` are days, both included; the rest narrows when it is set."""

    first: date
    last: date
    hospital: int | None = None
    asked_hospital: int | None = None
    expert: int | None = None
    specialty: str = ""
    urgency: str = ""

    @property
    def query(self) -> Q:
        zone = timezone.get_default_timezone()
        since = timezone.make_aware(datetime.combine(self.first, time.min), zone)
        until = timezone.make_aware(datetime.combine(self.last + timedelta(days=1), time.min), zone)
        named = ("hospital", "asked_hospital", "expert", "specialty", "urgency")
        chosen = {name: getattr(self, name) for name in named if getattr(self, name)}
        return Q(submitted_at__gte=since, submitted_at__lt=until, **chosen)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: between which moments, pauses included, and the clocks that measure it."""

    name: str
    began: str
    ended: str
    clocks: frozenset[str] = frozenset()


STEPS = (
    Step("triage", "submitted_at", "offered_at", frozenset({Clock.Step.TRIAGE})),
    Step("accept", "offered_at", "accepted_at", frozenset({Clock.Step.ACCEPT})),
    Step("start", "accepted_at", "session_started_at", frozenset({Clock.Step.SESSION})),
    Step("call", "session_started_at", "session_ended_at"),
    Step("opinion", "answerable_at", "signed_at", frozenset({Clock.Step.ANSWER, Clock.Step.OPINION})),
    Step("whole", "submitted_at", "signed_at"),
)
MOMENTS = ("submitted_at", "offered_at", "accepted_at", "session_started_at", "session_ended_at", "signed_at")
SPECIALTIES, VERDICTS, CLOCKS = list(Specialty.values), list(Decision.Verdict.values), list(Clock.Step.values)


@dataclass(slots=True)
class Spread:
    """Minutes of one step; `late` is in how many consultations its clock ran out, None where it has no clock."""

    name: str
    count: int
    median: float | None
    p90: float | None
    longest: float | None
    late: int | None


@dataclass(slots=True)
class Line:
    """One line of a table: the whole, a month, a hospital, a person, a specialty."""

    key: Any
    label: str = ""
    requests: int = 0
    answered: int = 0
    refusals: int = 0
    late: int = 0
    """Consultations of which a step was late."""
    decided: int = 0
    adopted: int = 0
    partly: int = 0
    compared: int = 0
    changed: int = 0
    avoided: int = 0
    median: float | None = None
    p90: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    total: Line
    steps: list[Spread]
    months: list[Line]
    hospitals: list[Line]
    answering: list[Line]
    experts: list[Line]
    specialties: list[Line]
    reasons: list[tuple[str, str, int]]
    """Move, words, how often; the most frequent first."""


def report(rows: QuerySet[Consultation], filters: Filters) -> Report:
    """Everything of the page, from four questions to the database, however many rows there are."""
    chosen = rows.filter(filters.query)
    found = columns.columns(
        chosen,
        pk=F("pk"),
        hospital=F("hospital"),
        asked_hospital=F("asked_hospital"),
        expert=F("expert"),
        specialty=columns.place("specialty", SPECIALTIES),
        before=Letters(KeyTextTransform(0, "present_codes")),
        avoided=columns.flag(Q(purpose=Consultation.Purpose.REFERRAL, state__in=ENDED_WELL)),
        **{name: Seconds(name) for name in MOMENTS},
    )
    ended, accepted = found["session_ended_at"], found["accepted_at"]
    found["answerable_at"] = np.where(np.isnan(ended), accepted, ended)
    inside = chosen.order_by().values("pk")
    refused = list(
        MoveReason.objects.filter(move__in=REFUSALS, consultation__in=inside)
        .order_by("pk")
        .values_list("consultation_id", "move", "words")
    )
    late = _late(inside)
    sums = _sums(found, inside, [pk for pk, _move, _words in refused], late["consultation"])
    minutes = (found["signed_at"] - found["submitted_at"]) / 60

    def lines(keys: Floats, names: Sequence[Any] | None = None) -> list[Line]:
        return _lines(keys, names, sums, minutes)

    totals = lines(np.zeros(len(minutes)))
    months = _months(filters)
    of_month = np.searchsorted([at for _name, at in months], found["submitted_at"], side="right") - 1
    return Report(
        total=totals[0] if totals else Line(""),
        steps=[_spread(step, found, late) for step in STEPS],
        months=_every_month(lines(of_month.astype(float), [name for name, _at in months]), months),
        hospitals=_busiest(lines(found["hospital"])),
        answering=_busiest(lines(found["asked_hospital"])),
        experts=_busiest(lines(found["expert"])),
        specialties=_busiest(lines(found["specialty"], SPECIALTIES)),
        reasons=[(move, words, count) for (move, words), count in _reasons(refused)],
    )


def _decided(inside: QuerySet[Any, Any]) -> dict[str, Floats]:
    """The newest decision of each consultation."""
    found = columns.columns(
        Decision.objects.filter(consultation__in=inside),
        pk=F("pk"),
        consultation=F("consultation"),
        verdict=columns.place("verdict", VERDICTS),
        after=Letters(KeyTextTransform(0, "final_codes")),
    )
    order = np.lexsort((-found["pk"], found["consultation"]))
    _keys, newest = np.unique(found["consultation"][order], return_index=True)
    return {name: column[order][newest] for name, column in found.items()}


def _late(inside: QuerySet[Any, Any]) -> dict[str, Floats]:
    """Clocks that ran out, also while they are running; not while they stand."""
    over = Q(ended_at__gt=F("due_at")) | Q(ended_at=None, paused_at=None, due_at__lt=timezone.now())
    rows = Clock.objects.filter(over, consultation__in=inside)
    return columns.columns(rows, consultation=F("consultation"), step=columns.place("step", CLOCKS))


def _sums(found: dict[str, Floats], inside: QuerySet[Any, Any], refused: list[int], late: Floats) -> dict[str, Floats]:
    """What is summed of each consultation, by the name of its field in Line."""
    decided = _decided(inside)
    order = np.argsort(found["pk"])
    ordered = found["pk"][order]

    def of_each(pks: Any, weights: Any = None) -> Floats:
        """Summed for each consultation; one that came meanwhile is not of this report."""
        keys = np.asarray(pks, dtype=float)
        known = np.isin(keys, ordered)
        at = order[np.searchsorted(ordered, keys[known])]
        weighed = None if weights is None else np.asarray(weights, dtype=float)[known]
        return np.bincount(at, weights=weighed, minlength=len(ordered)).astype(float)

    of, verdict, after = decided["consultation"], decided["verdict"], np.full(len(ordered), np.nan)
    known = np.isin(of, ordered)
    after[order[np.searchsorted(ordered, of[known])]] = decided["after"][known]
    compared = ~np.isnan(found["before"]) & ~np.isnan(after)  # words alone cannot be compared
    return {
        "requests": np.ones(len(ordered)),
        "answered": (~np.isnan(found["signed_at"])).astype(float),
        "refusals": of_each(refused),
        "late": (of_each(late) > 0).astype(float),
        "decided": of_each(of),
        "adopted": of_each(of, verdict == VERDICTS.index(Decision.Verdict.ADOPTED)),
        "partly": of_each(of, verdict == VERDICTS.index(Decision.Verdict.PARTLY)),
        "compared": compared.astype(float),
        "changed": (compared & (found["before"] != after)).astype(float),
        "avoided": found["avoided"],
    }


def _lines(keys: Floats, names: Sequence[Any] | None, sums: dict[str, Floats], minutes: Floats) -> list[Line]:
    """A line for each key, NaN is no key; the key is a place in `names` when there are some."""
    chosen = ~np.isnan(keys)
    places, of = np.unique(keys[chosen], return_inverse=True)
    totals = {name: np.bincount(of, weights=column[chosen], minlength=len(places)) for name, column in sums.items()}
    mine = minutes[chosen]
    answered = ~np.isnan(mine)
    order = np.lexsort((mine[answered], of[answered]))
    groups, ordered = of[answered][order], mine[answered][order]
    lines = []
    for place, key in enumerate(places):
        begin, end = np.searchsorted(groups, place), np.searchsorted(groups, place, side="right")
        counts: dict[str, Any] = {name: int(column[place]) for name, column in totals.items()}
        line = Line(names[int(key)] if names else int(key), **counts)
        line.median, line.p90 = quantile(ordered[begin:end], 0.5), quantile(ordered[begin:end], 0.9)
        lines.append(line)
    return lines


def _spread(step: Step, moments: dict[str, Floats], late: dict[str, Floats]) -> Spread:
    minutes = (moments[step.ended] - moments[step.began]) / 60
    minutes = np.sort(minutes[minutes >= 0])  # NaN is not
    longest = float(minutes[-1]) if len(minutes) else None
    of_step = np.isin(late["step"], [CLOCKS.index(clock) for clock in step.clocks])
    over = len(np.unique(late["consultation"][of_step])) if step.clocks else None
    return Spread(step.name, len(minutes), quantile(minutes, 0.5), quantile(minutes, 0.9), longest, over)


def quantile(ordered: Sequence[float] | Floats, share: float) -> float | None:
    """As percentile_cont: linear between the two neighbours; None of nothing."""
    if not len(ordered):
        return None
    at = (len(ordered) - 1) * share
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (at - low))


def _busiest(lines: list[Line]) -> list[Line]:
    return sorted((line for line in lines if line.key), key=lambda line: (-line.requests, str(line.key)))


def _months(filters: Filters) -> list[tuple[str, float]]:
    """Each month of the period and when it begins in the site's zone, in seconds since 1970."""
    months, day, zone = [], filters.first.replace(day=1), timezone.get_default_timezone()
    while day <= filters.last:
        months.append((f"{day:%Y-%m}", timezone.make_aware(datetime.combine(day, time.min), zone).timestamp()))
        day = (day + timedelta(days=32)).replace(day=1)
    return months


def _every_month(lines: list[Line], months: list[tuple[str, float]]) -> list[Line]:
    """Also those without a request."""
    known = {line.key: line for line in lines}
    return [known.get(name, Line(name)) for name, _at in months]


def _reasons(refused: list[tuple[int, str, str]]) -> list[tuple[tuple[str, str], int]]:
    counted: dict[tuple[str, str], int] = defaultdict(int)
    for _pk, move, words in refused:
        counted[move, " ".join(words.split())] += 1
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:TOP]

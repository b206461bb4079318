"""How the service does: times, refusals, volumes, what came of the opinions. Reads, and counts in one pass.

Times are of consultations sent in the period. Quantiles are those of SQL's percentile_cont: linear between neighbours.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db.models import F, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Left
from django.utils import timezone
from numpy.typing import NDArray

from consult.models import Clock, Consultation, Decision, MoveReason
from consult.states import State

Floats = NDArray[np.float64]
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


class Row(NamedTuple):
    pk: int
    state: str
    urgency: str
    specialty: str
    purpose: str
    hospital: int
    asked_hospital: int | None
    expert: int | None
    submitted_at: datetime
    offered_at: datetime | None
    accepted_at: datetime | None
    session_started_at: datetime | None
    session_ended_at: datetime | None
    signed_at: datetime | None


class Outcome(NamedTuple):
    """The newest decision: its verdict, and the main ICD-10 categories before and after."""

    verdict: str
    before: str | None
    after: str | None

    @property
    def changed(self) -> bool | None:
        """None where one of them has no code: words alone cannot be compared."""
        return self.before != self.after if self.before and self.after else None


class Known(NamedTuple):
    """What is known of consultations by their keys, beside their own rows."""

    outcomes: dict[int, Outcome]
    refused: Counter[int]
    late: dict[int, set[str]]


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
MOMENTS = Row._fields[8:]


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
    """Everything of the page, from five questions to the database, however many rows there are."""
    chosen = rows.filter(filters.query)
    found = [Row(*values) for values in chosen.order_by().values_list(*Row._fields)]
    outcomes = _outcomes(chosen)
    refused = list(
        MoveReason.objects.filter(move__in=REFUSALS, consultation__in=chosen.order_by().values("pk"))
        .order_by("pk")
        .values_list("consultation_id", "move", "words")
    )
    about = Known(outcomes, Counter(pk for pk, _move, _words in refused), _late(chosen))

    moments = _moments(found)
    columns = _columns(found, about)
    minutes = (moments["signed_at"] - moments["submitted_at"]) / 60

    def lines(keys: list[Any]) -> list[Line]:
        return _lines(keys, columns, minutes)

    totals = lines([""] * len(found))
    return Report(
        total=totals[0] if totals else Line(""),
        steps=[_spread(step, moments, about.late) for step in STEPS],
        months=_every_month(lines(_months(found)), filters),
        hospitals=_busiest(lines([row.hospital for row in found])),
        answering=_busiest(lines([row.asked_hospital for row in found])),
        experts=_busiest(lines([row.expert for row in found])),
        specialties=_busiest(lines([row.specialty for row in found])),
        reasons=[(move, words, count) for (move, words), count in _reasons(refused)],
    )


def _outcomes(chosen: QuerySet[Consultation]) -> dict[int, Outcome]:
    decided = (
        Decision.objects.filter(consultation__in=chosen.order_by().values("pk"))
        .annotate(
            before=Left(KeyTextTransform(0, "consultation__present_codes"), 3),
            after=Left(KeyTextTransform(0, "final_codes"), 3),
        )
        .order_by("pk")
    )
    return {pk: Outcome(*rest) for pk, *rest in decided.values_list("consultation_id", "verdict", "before", "after")}


def _late(chosen: QuerySet[Consultation]) -> dict[int, set[str]]:
    """Of each consultation the steps whose clock ran out, also while it is running; not while it stands."""
    over = Q(ended_at__gt=F("due_at")) | Q(ended_at=None, paused_at=None, due_at__lt=timezone.now())
    late: dict[int, set[str]] = defaultdict(set)
    rows = Clock.objects.filter(over, consultation__in=chosen.order_by().values("pk")).order_by()
    for pk, step in rows.values_list("consultation_id", "step"):
        late[pk].add(step)
    return late


def _moments(found: list[Row]) -> dict[str, Floats]:
    """Each moment in seconds since 1970, NaN where it has not come."""
    moments = {
        name: np.array([at.timestamp() if at else np.nan for at in (getattr(row, name) for row in found)], dtype=float)
        for name in MOMENTS
    }
    ended, accepted = moments["session_ended_at"], moments["accepted_at"]
    return moments | {"answerable_at": np.where(np.isnan(ended), accepted, ended)}


def _months(found: list[Row]) -> list[str]:
    zone = timezone.get_default_timezone()
    days = (row.submitted_at.astimezone(zone) for row in found)
    return [f"{day.year}-{day.month:02}" for day in days]


def _columns(found: list[Row], about: Known) -> dict[str, Floats]:
    """What is summed of each consultation, by the name of its field in Line."""
    none = Outcome("", None, None)
    outcomes = [about.outcomes.get(row.pk, none) for row in found]
    changed = [outcome.changed for outcome in outcomes]
    avoided = [row.purpose == Consultation.Purpose.REFERRAL and row.state in ENDED_WELL for row in found]
    sums: dict[str, list[Any]] = {
        "requests": [1] * len(found),
        "answered": [row.signed_at is not None for row in found],
        "refusals": [about.refused.get(row.pk, 0) for row in found],
        "late": [row.pk in about.late for row in found],
        "decided": [outcome is not none for outcome in outcomes],
        "adopted": [outcome.verdict == Decision.Verdict.ADOPTED for outcome in outcomes],
        "partly": [outcome.verdict == Decision.Verdict.PARTLY for outcome in outcomes],
        "compared": [each is not None for each in changed],
        "changed": [each is True for each in changed],
        "avoided": avoided,
    }
    return {name: np.array(values, dtype=float) for name, values in sums.items()}


def _lines(keys: list[Any], columns: dict[str, Floats], minutes: Floats) -> list[Line]:
    """A line for each key, None is no key."""
    places: dict[Any, int] = {}
    of = np.array([-1 if key is None else places.setdefault(key, len(places)) for key in keys], dtype=int)
    chosen = of >= 0
    sums = {
        name: np.bincount(of[chosen], weights=column[chosen], minlength=len(places)) for name, column in columns.items()
    }
    answered = chosen & ~np.isnan(minutes)
    order = np.lexsort((minutes[answered], of[answered]))
    groups, ordered = of[answered][order], minutes[answered][order]
    lines = []
    for key, place in places.items():
        begin, end = np.searchsorted(groups, place), np.searchsorted(groups, place, side="right")
        mine = ordered[begin:end]
        counts: dict[str, Any] = {name: int(column[place]) for name, column in sums.items()}
        lines.append(Line(key, median=quantile(mine, 0.5), p90=quantile(mine, 0.9), **counts))
    return lines


def _spread(step: Step, moments: dict[str, Floats], late: dict[int, set[str]]) -> Spread:
    minutes = (moments[step.ended] - moments[step.began]) / 60
    minutes = np.sort(minutes[minutes >= 0])  # NaN is not
    longest = float(minutes[-1]) if len(minutes) else None
    over = sum(not step.clocks.isdisjoint(steps) for steps in late.values()) if step.clocks else None
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


def _every_month(lines: list[Line], filters: Filters) -> list[Line]:
    """Each month of the period, also those without a request."""
    known = {line.key: line for line in lines}
    months, day = [], filters.first.replace(day=1)
    while day <= filters.last:
        months.append(known.get(f"{day:%Y-%m}", Line(f"{day:%Y-%m}")))
        day = (day + timedelta(days=32)).replace(day=1)
    return months


def _reasons(refused: list[tuple[int, str, str]]) -> list[tuple[tuple[str, str], int]]:
    counted: dict[tuple[str, str], int] = defaultdict(int)
    for _pk, move, words in refused:
        counted[move, " ".join(words.split())] += 1
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:TOP]

"""How the service does: times, refusals, volumes, what came of the opinions. Reads, and counts in one pass.

Times are of consultations sent in the period. Quantiles are those of SQL's percentile_cont: linear between neighbours.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Left
from django.utils import timezone

from consult.models import Clock, Consultation, Decision, MoveReason
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
    """One step: from which moment to which, pauses included, and the clocks that measure it."""

    name: str
    began: Callable[[Row], datetime | None]
    ended: Callable[[Row], datetime | None]
    clocks: frozenset[str] = frozenset()


STEPS = (
    Step("triage", lambda row: row.submitted_at, lambda row: row.offered_at, frozenset({Clock.Step.TRIAGE})),
    Step("accept", lambda row: row.offered_at, lambda row: row.accepted_at, frozenset({Clock.Step.ACCEPT})),
    Step("start", lambda row: row.accepted_at, lambda row: row.session_started_at, frozenset({Clock.Step.SESSION})),
    Step("call", lambda row: row.session_started_at, lambda row: row.session_ended_at),
    Step(
        "opinion",
        lambda row: row.session_ended_at or row.accepted_at,
        lambda row: row.signed_at,
        frozenset({Clock.Step.ANSWER, Clock.Step.OPINION}),
    ),
    Step("whole", lambda row: row.submitted_at, lambda row: row.signed_at),
)


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
    minutes: list[float] = field(default_factory=list, repr=False)


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

    def lines(key: Callable[[Row], Any]) -> list[Line]:
        return _lines(found, key, about)

    totals = lines(lambda _row: "")
    return Report(
        total=totals[0] if totals else Line(""),
        steps=[_spread(step, found, about.late) for step in STEPS],
        months=_every_month(lines(lambda row: timezone.localtime(row.submitted_at).strftime("%Y-%m")), filters),
        hospitals=_busiest(lines(lambda row: row.hospital)),
        answering=_busiest(lines(lambda row: row.asked_hospital)),
        experts=_busiest(lines(lambda row: row.expert)),
        specialties=_busiest(lines(lambda row: row.specialty)),
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


def _lines(found: Iterable[Row], key: Callable[[Row], Any], about: Known) -> list[Line]:
    table: dict[Any, Line] = {}
    for row in found:
        name = key(row)
        if name is None:
            continue
        line = table.get(name)
        if line is None:
            line = table[name] = Line(name)
        _count(line, row, about)
    for line in table.values():
        line.minutes.sort()
        line.median, line.p90 = quantile(line.minutes, 0.5), quantile(line.minutes, 0.9)
    return list(table.values())


def _count(line: Line, row: Row, about: Known) -> None:
    line.requests += 1
    line.refusals += about.refused[row.pk]
    line.late += row.pk in about.late
    if row.signed_at:
        line.answered += 1
        line.minutes.append((row.signed_at - row.submitted_at).total_seconds() / 60)
    if outcome := about.outcomes.get(row.pk):
        line.decided += 1
        line.adopted += outcome.verdict == Decision.Verdict.ADOPTED
        line.partly += outcome.verdict == Decision.Verdict.PARTLY
        changed = outcome.changed
        line.compared += changed is not None
        line.changed += changed is True
    if row.purpose == Consultation.Purpose.REFERRAL and row.state in ENDED_WELL:
        line.avoided += 1


def _spread(step: Step, found: Iterable[Row], late: dict[int, set[str]]) -> Spread:
    minutes = []
    for row in found:
        began, ended = step.began(row), step.ended(row)
        if began and ended and ended >= began:
            minutes.append((ended - began).total_seconds() / 60)
    minutes.sort()
    longest = minutes[-1] if minutes else None
    over = sum(not step.clocks.isdisjoint(steps) for steps in late.values()) if step.clocks else None
    return Spread(step.name, len(minutes), quantile(minutes, 0.5), quantile(minutes, 0.9), longest, over)


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """As percentile_cont: linear between the two neighbours; None of nothing."""
    if not ordered:
        return None
    at = (len(ordered) - 1) * share
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


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

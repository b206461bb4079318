"""Turns the clock step by step: requests come, people act, the schedule of the site runs as in a server."""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from consult.services import outbox
from telemed.simulation import swaps
from telemed.simulation.clock import Clock
from telemed.simulation.course import Course
from telemed.simulation.province import Maker, Province

AFTER = timedelta(days=30)
"""How long what was asked in the last minute may take to end."""
BY_HOUR = (1, 1, 1, 1, 1, 2, 4, 10, 20, 22, 20, 14, 8, 12, 20, 20, 16, 10, 6, 5, 4, 3, 2, 1)


@dataclass
class Month:
    """What happened. `told`: how often people were told that something cannot be done, by the refusal's code."""

    province: Province
    asked: int = 0
    days: float = 0.0
    open: int = 0
    told: Counter[str] = field(default_factory=Counter)


def arrivals(chance: random.Random, start: datetime, days: int, count: int) -> list[datetime]:
    """`count` moments in `days`, most of them by day."""
    found = []
    for _each in range(count):
        hour = chance.choices(range(24), BY_HOUR)[0]
        found.append(start + timedelta(days=chance.randrange(days), hours=hour, minutes=chance.uniform(0, 60)))
    return sorted(found)


def play(
    clock: Clock, make: Maker, province: Province, *, days: int, count: int, step: timedelta, say: Callable[[str], None]
) -> Month:
    """Until every request has ended, or `AFTER` has gone by after the last day."""
    month = Month(province)
    start = clock.now
    waiting: list[tuple[datetime, int, Course | None]] = [
        (at, number, None) for number, at in enumerate(arrivals(make.chance, start, days, count))
    ]
    heapq.heapify(waiting)
    end, next_number, day = start + timedelta(days=days) + AFTER, count, start.date()
    while waiting and clock.now < end:
        until = clock.now + step
        while waiting and waiting[0][0] <= until:
            at, _number, course = heapq.heappop(waiting)
            clock.turn(at)
            if course is None:
                course = Course(province, make, month.told)
                later: timedelta | None = course.begin()
                month.asked += 1
            else:
                later = course.look()
            if later is not None:
                heapq.heappush(waiting, (clock.now + later, next_number, course))
                next_number += 1
        clock.turn(until)
        outbox.beat_once()
        if clock.now.date() != day:
            day = clock.now.date()
            swaps.of_a_day(province, make.chance, month.told)
            say(f"{day}: {month.asked} asked, {len(waiting)} to come or open")
    month.days = (clock.now - start) / timedelta(days=1)
    month.open = sum(course is not None for _at, _number, course in waiting)
    return month

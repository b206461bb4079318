"""How a rule repeats: RFC 5545 recurrence text from what a form says, its words, and its days."""

from datetime import date, datetime, time, timedelta

from dateutil.rrule import rrulestr
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from consult.models import Rule
from consult.policies import holiday

CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
H = Rule.Holidays


def daily(every: int = 1) -> str:
    return "FREQ=DAILY" if every == 1 else f"FREQ=DAILY;INTERVAL={every}"


def weekly(weekdays: list[int], every: int = 1) -> str:
    """`weekdays` from 0, Monday."""
    interval = "" if every == 1 else f";INTERVAL={every}"
    return f"FREQ=WEEKLY{interval};BYDAY={','.join(CODES[day] for day in sorted(weekdays))}"


def parts(rrule: str) -> tuple[str, int, list[int]]:
    """Frequency, interval, weekdays of a text made by `daily` or `weekly`."""
    said = dict(part.split("=", 1) for part in rrule.split(";"))
    days = [CODES.index(code) for code in said["BYDAY"].split(",")] if "BYDAY" in said else []
    return said["FREQ"], int(said.get("INTERVAL", "1")), days


def words(rrule: str) -> str:
    """The rule as one says it: "Every 2 weeks: Mon, Wed"."""
    freq, every, weekdays = parts(rrule)
    if freq == "DAILY":
        return _("Every day") if every == 1 else _("Every %(count)s days in turn") % {"count": every}
    names = _(", ").join(str(WEEKDAYS_ABBR[day]) for day in weekdays)
    weeks = _("Every week: %(days)s") if every == 1 else _("Every %(count)s weeks: %(days)s")
    return weeks % {"count": every, "days": names}


def days_of(rule: Rule, first: date, last: date) -> list[date]:
    """The days in `first` to `last`, both included, on which the rule gives a shift."""
    freq, every, _days = parts(rule.rrule)
    last = min(last, rule.last or last)
    step = every * (7 if freq == "WEEKLY" else 1)
    skipped = max(0, (first - rule.first).days // step) * step  # whole turns before, not walked through one by one
    start = datetime.combine(rule.first + timedelta(days=skipped), time())
    found = rrulestr(rule.rrule, dtstart=start).between(
        datetime.combine(max(first, rule.first), time()), datetime.combine(last, time()), inc=True
    )
    return [moment.date() for moment in found if _fits(rule, moment.date())]


def _fits(rule: Rule, day: date) -> bool:
    if rule.holidays == H.NOT:
        return not holiday.is_public_holiday(day)
    if rule.holidays == H.ONLY:
        return holiday.is_public_holiday(day)
    if rule.holidays == H.WORKDAYS:
        return holiday.is_workday(day)
    if rule.holidays == H.FREE:
        return not holiday.is_workday(day)
    return True

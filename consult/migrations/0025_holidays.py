"""The calendar as far as it is announced: 2026 by the State Council; of 2027 the days the law itself names."""

from datetime import date, timedelta

from django.db import migrations

# name, English name, first free day, number of free days, days worked in exchange
KNOWN = (
    ("元旦", "New Year's Day", "2026-01-01", 3, ("2026-01-04",)),
    ("春节", "Spring Festival", "2026-02-15", 9, ("2026-02-14", "2026-02-28")),
    ("清明节", "Qingming Festival", "2026-04-04", 3, ()),
    ("劳动节", "Labour Day", "2026-05-01", 5, ("2026-05-09",)),
    ("端午节", "Dragon Boat Festival", "2026-06-19", 3, ()),
    ("中秋节", "Mid-Autumn Festival", "2026-09-25", 3, ()),
    ("国庆节", "National Day", "2026-10-01", 7, ("2026-09-20", "2026-10-10")),
    ("元旦", "New Year's Day", "2027-01-01", 1, ()),
    ("春节", "Spring Festival", "2027-02-05", 4, ()),
    ("清明节", "Qingming Festival", "2027-04-05", 1, ()),
    ("劳动节", "Labour Day", "2027-05-01", 2, ()),
    ("端午节", "Dragon Boat Festival", "2027-06-09", 1, ()),
    ("中秋节", "Mid-Autumn Festival", "2027-09-15", 1, ()),
    ("国庆节", "National Day", "2027-10-01", 3, ()),
)


def fill(apps, schema_editor):
    Holiday = apps.get_model("consult", "Holiday")
    rows = []
    for name, name_en, first, days, worked in KNOWN:
        free = [date.fromisoformat(first) + timedelta(days=n) for n in range(days)]
        rows += [Holiday(day=day, kind="free", name=name, name_en=name_en) for day in free]
        rows += [Holiday(day=date.fromisoformat(day), kind="work", name=name, name_en=name_en) for day in worked]
    Holiday.objects.bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("consult", "0024_roster_plan")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]

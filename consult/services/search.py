"""What consultations are found by: kept in the transaction that changes it. Drafts of opinions are never in it."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Prefetch, Q
from django.utils import timezone

from consult.codes import icd10, sought
from consult.models import Consultation, Decision, OpinionVersion, SearchEntry
from consult.services import outbox

RELATED = ("patient", "hospital", "asker", "expert", "asked_hospital")
AT_ONCE = 500


def keep(consultations: Iterable[int]) -> int:
    """Write the words of these consultations as they are now; answers how many there were."""
    rows = (
        Consultation.objects.filter(pk__in=consultations)
        .select_related(*RELATED)
        .prefetch_related(
            Prefetch("decisions", Decision.objects.order_by("pk")),
            Prefetch("opinions__versions", OpinionVersion.objects.order_by("pk")),
        )
    )
    entries = [entry_of(row) for row in rows]
    SearchEntry.objects.bulk_create(
        entries, update_conflicts=True, unique_fields=["consultation"], update_fields=["text", "folded"]
    )
    return len(entries)


def entry_of(row: Consultation) -> SearchEntry:
    text = sought.plain(" ".join(word for word in _words(row) if word))
    return SearchEntry(consultation=row, text=text, folded=sought.folded(text))


def _words(row: Consultation) -> list[str]:
    sent = timezone.localtime(row.submitted_at).date().isoformat() if row.submitted_at else ""
    found = [row.number or "", sent, row.question, row.present_diagnosis, *_coded(row.present_codes)]
    if row.patient:
        found += [row.patient.name, row.patient.name_index, row.patient.record_number, row.patient.id_number]
    for person in (row.asker, row.expert):
        found += [person.name, person.name_en, person.name_index] if person else []
    for hospital in (row.hospital, row.asked_hospital):
        found += [hospital.name, hospital.name_en] if hospital else []
    for opinion in row.opinions.all():
        for version in list(opinion.versions.all())[-1:]:
            codes = version.about.get("codes", {}).get("diagnosis", [])
            found += [version.diagnosis, *_coded([each["code"] for each in codes])]
    for decision in list(row.decisions.all())[-1:]:
        found += [decision.final_diagnosis, *_coded(decision.final_codes)]
    return found


def _coded(codes: list[str]) -> list[str]:
    entries = [found for code in codes if (found := icd10.entry(code))]
    return [word for one in entries for word in (one.code, one.name_zh, one.name_en)]


@outbox.handles("search.hospital")
def keep_of(hospital: int, after: int) -> None:
    """A hospital has another name: its consultations, some at a time, in the order of their keys."""
    rows = Consultation.objects.filter(Q(hospital=hospital) | Q(asked_hospital=hospital), pk__gt=after)
    pks = list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    keep(pks)
    if len(pks) == AT_ONCE:
        outbox.later(kind="search.hospital", payload={"hospital": hospital, "after": pks[-1]})


@outbox.every(timedelta(minutes=10), "search")
def catch_up() -> int:
    """Consultations from before there was a search, and such as were brought in from elsewhere."""
    return keep(list(Consultation.objects.filter(entry=None).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]))

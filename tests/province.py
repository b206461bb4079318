"""How fast lists, search and statistics are with the consultations of years: `make bench`, or

    python -m tests.province [200000]

A throwaway PostgreSQL, 85 centres, 40 specialists, 3,000 requests a month; each page is asked for many times, signed
in, without the network. Writes docs/province.json: milliseconds, p50 and p95.
"""

import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from tests.platform.servers import postgres
from tests.platform.site import ROOT, environment

WHOLE, A_MONTH = 200_000, 3_000
CENTRES, EXPERTS, TIMES = 85, 40, 20
TARGET = 300  # milliseconds at p95
BATCH = 2_000
FAMILY, GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "桂英秀兰建国丽华志强大山小宝雪梅晓东文博玉珍福贵"
DIAGNOSES = (
    ("高血压", "I10"),
    ("不稳定型心绞痛", "I20.0"),
    ("肺炎", "J18.9"),
    ("脑梗死", "I63.9"),
    ("2型糖尿病", "E11.9"),
)
PAGES = {
    "home": "/",
    "finished, page 40": "/worklists/done/?page=40",
    "search: a name": "/?q=王桂英",
    "search: a common family name": "/?q=王",
    "search: initials": "/?q=wgy",
    "search: a diagnosis": "/?q=肺炎",
    "search: two words": "/?q=zhang I63.9",
    "search: nothing": "/?q=没有这个词",
    "statistics": "/statistics/",
}
WHO = {"regulator": "regulator", "scheduler": "scheduler", "specialist": "expert0", "doctor": "doctor0"}


def main() -> None:
    """In a process of its own, so that settings are read after there is a database."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else WHOLE
    if os.environ.get("PROVINCE") == "inside":
        _inside(rows)
        return
    with postgres() as url:
        env = environment(DATABASE_URL=url, PROVINCE="inside", DATA_DIR=os.environ.get("DATA_DIR", str(ROOT / "data")))
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
        subprocess.run([sys.executable, "-m", "tests.province", str(rows)], cwd=ROOT, env=env, check=True)


def _inside(rows: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")
    import django

    django.setup()
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["testserver"]
    began = time.monotonic()
    _fill(rows)
    found = {"consultations": rows, "filled in s": round(time.monotonic() - began), "ms": _measure()}
    if rows == WHOLE:
        (ROOT / "docs" / "province.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(found, indent=1, ensure_ascii=False))
    slow = {name: ms for name, ms in found["ms"].items() if ms["p95"] > TARGET}  # type: ignore[attr-defined]
    print(f"Over {TARGET} ms at p95: {', '.join(slow) or 'none'}")


def _measure() -> dict[str, dict[str, float]]:
    from django.test import Client

    from consult.models import User

    found = {}
    for who, username in WHO.items():
        client = Client()
        client.force_login(User.objects.get(username=username))
        for name, path in PAGES.items():
            took = []
            for _again in range(TIMES):
                began = time.perf_counter()
                answer = client.get(path)
                took.append((time.perf_counter() - began) * 1000)
                assert answer.status_code in (200, 404), (who, path, answer.status_code)
            took.sort()
            if answer.status_code == 200:
                found[f"{who}: {name}"] = {"p50": round(took[TIMES // 2]), "p95": round(took[int(TIMES * 0.95) - 1])}
    return found


def _fill(rows: int) -> None:
    """All by bulk insert; the same every time."""
    from django.db import connection, transaction

    chance = random.Random(5)
    with transaction.atomic():
        places = _places()
        things = _consultations(rows, places, chance)
        _answers(things, chance)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _save(model: Any, rows: Iterable[Any]) -> list[Any]:
    made: list[Any] = []
    for batch in itertools.batched(rows, BATCH) if hasattr(itertools, "batched") else _batched(rows):
        made += model.objects.bulk_create(batch)
    return made


def _batched(rows: Iterable[Any]) -> Iterator[list[Any]]:
    walk = iter(rows)
    while batch := list(itertools.islice(walk, BATCH)):
        yield batch


def _places() -> dict[str, list[Any]]:
    from consult.models import Department, Hospital, Role, Specialty, User
    from consult.services import names

    specialties = list(Specialty.values)
    hospitals = _save(
        Hospital,
        [Hospital(code=f"s{n}", name=f"第{n}医院", name_en=f"Hospital {n}", tier="provincial") for n in range(4)]
        + [Hospital(code=f"c{n}", name=f"第{n}卫生院", name_en=f"Centre {n}", tier="township") for n in range(CENTRES)],
    )
    departments = _save(
        Department,
        [
            Department(hospital=hospital, name="科", name_en="Department", specialty=specialties[n % len(specialties)])
            for n, hospital in enumerate(hospitals)
        ],
    )

    def person(username: str, n: int) -> User:
        name = FAMILY[n % len(FAMILY)] + GIVEN[n % len(GIVEN)] + GIVEN[n * 7 % len(GIVEN)]
        return User(username=username, name=name, name_index=names.index(name), password="!")

    doctors = _save(User, [person(f"doctor{n}", n) for n in range(CENTRES)])
    experts = _save(User, [person(f"expert{n}", n + 3) for n in range(EXPERTS)])
    desk = _save(User, [person("scheduler", 1), person("regulator", 2)])
    answering = [departments[n % 4] for n in range(EXPERTS)]
    roles = [
        Role(person=one, kind="doctor", hospital=d.hospital, department=d)
        for one, d in zip(doctors, departments[4:], strict=True)
    ]
    roles += [
        Role(person=one, kind="expert", hospital=d.hospital, department=d)
        for one, d in zip(experts, answering, strict=True)
    ]
    _save(Role, [*roles, Role(person=desk[0], kind="scheduler"), Role(person=desk[1], kind="regulator")])
    return {"doctors": doctors, "experts": experts, "asking": departments[4:], "answering": answering}


def _consultations(rows: int, places: dict[str, list[Any]], chance: random.Random) -> list[Any]:
    from django.db import connection
    from django.utils import timezone

    from consult.models import Consultation, Patient
    from consult.services import names

    people = _save(Patient, (_patient(n, places, chance, names.index, Patient) for n in range(rows // 3 + 1)))
    start = timezone.now() - timedelta(days=30 * rows / A_MONTH)
    step = (timezone.now() - start) / rows

    def one(n: int) -> Consultation:
        patient, expert, at = chance.choice(people), n % EXPERTS, start + step * n
        centre = patient.hospital_id - places["asking"][0].hospital_id
        words, code = DIAGNOSES[n % len(DIAGNOSES)]
        done, minutes = n < rows - 200, chance.expovariate(1 / 90)
        made = Consultation(
            number=f"C{at:%Y%m%d}-{n % 9999:04}{n // 9999}", state="CLOSED" if done else "OFFERED", patient=patient,
            hospital_id=patient.hospital_id, department=places["asking"][centre], asker=places["doctors"][centre],
            urgency=chance.choice(["emergency", "urgent", "routine"]), purpose=chance.choice(["diagnosis", "referral"]),
            present_diagnosis=f"{words}？", present_codes=[code], question="下一步如何处理？是否需要转诊？",
            specialty=places["answering"][expert].specialty, asked_hospital=places["answering"][expert].hospital,
            asked_department=places["answering"][expert], expert=places["experts"][expert], submitted_at=at,
            offered_at=at + timedelta(minutes=minutes / 4),
        )  # fmt: skip
        if done:
            made.accepted_at = at + timedelta(minutes=minutes / 2)
            made.session_started_at = at + timedelta(minutes=minutes)
            made.session_ended_at = at + timedelta(minutes=minutes + 15)
            made.signed_at = made.closed_at = at + timedelta(minutes=minutes * 2 + 20)
        return made

    things = _save(Consultation, (one(n) for n in range(rows)))
    with connection.cursor() as cursor:  # auto_now wrote the moment of the insert
        cursor.execute("UPDATE consult_consultation SET changed_at = COALESCE(closed_at, submitted_at)")
    return things


def _patient(n: int, places: dict[str, list[Any]], chance: random.Random, index: Any, patient: Any) -> Any:
    name = chance.choice(FAMILY) + chance.choice(GIVEN) + chance.choice(GIVEN)
    centre = n % CENTRES
    return patient(
        hospital=places["asking"][centre].hospital, record_number=f"N-{n:06}", name=name, name_index=index(name),
        sex="female", birth_date=date(1950, 1, 1) + timedelta(days=n % 20000), created_by=places["doctors"][centre],
    )  # fmt: skip


def _answers(things: list[Any], chance: random.Random) -> None:
    from consult.codes import sought
    from consult.models import Decision, MoveReason, Opinion, OpinionVersion, Participant, SearchEntry

    _clocks(things, chance)
    _save(
        Participant,
        (
            Participant(consultation=thing, person_id=person, side=side)
            for thing in things
            for person, side in ((thing.asker_id, "asking"), (thing.expert_id, "answering"))
        ),
    )
    signed = [thing for thing in things if thing.signed_at]
    opinions = _save(Opinion, (Opinion(consultation=thing, author_id=thing.expert_id) for thing in signed))
    versions = _save(OpinionVersion, (_version(opinion, OpinionVersion) for opinion in opinions))
    _save(
        Decision,
        (
            Decision(
                version=version, consultation=thing, verdict="adopted", final_diagnosis=thing.present_diagnosis,
                final_codes=[chance.choice(DIAGNOSES)[1]], by_id=thing.asker_id,
            )
            for version, thing in zip(versions, signed, strict=True)
        ),
    )  # fmt: skip
    _save(
        MoveReason,
        (
            MoveReason(consultation=thing, move="decline", words="正在手术", by_id=thing.expert_id)
            for thing in things[::20]
        ),
    )

    def entry(thing: Any) -> SearchEntry:
        words = [
            thing.number,
            thing.patient.name,
            thing.patient.name_index,
            thing.patient.record_number,
            thing.question,
        ]
        words += [thing.present_diagnosis, thing.present_codes[0], thing.asker.name, thing.asker.name_index]
        words += [thing.expert.name, thing.expert.name_index, thing.asked_hospital.name, thing.asked_hospital.name_en]
        text = sought.plain(" ".join(words))
        return SearchEntry(consultation=thing, text=text, folded=sought.folded(text))

    _save(SearchEntry, map(entry, things))


def _version(opinion: Any, version: Any) -> Any:
    return version(
        opinion=opinion, number=1, findings="所见", diagnosis="诊断", recommendation="建议",
        signed_by_id=opinion.author_id,
        signed_at=opinion.consultation.signed_at, signer_name="名", signer_title="chief", signer_hospital="医院",
        licence_number="1", sha256="0" * 64,
    )  # fmt: skip


def _clocks(things: list[Any], chance: random.Random) -> None:
    from consult.models import Clock
    from consult.services import clock

    table = clock.current()

    def of(thing: Any, step: str, began: datetime, ended: datetime | None) -> Clock:
        due = began + timedelta(minutes=chance.choice([30, 60, 240, 1440]))
        return Clock(
            consultation=thing,
            step=step,
            urgency=thing.urgency,
            table=table,
            started_at=began,
            due_at=due,
            ended_at=ended,
        )

    steps = (
        ("triage", "submitted_at", "offered_at"), ("accept", "offered_at", "accepted_at"),
        ("session", "accepted_at", "session_started_at"), ("opinion", "session_ended_at", "signed_at"),
    )  # fmt: skip
    _save(
        Clock,
        (
            of(thing, step, getattr(thing, began), getattr(thing, ended))
            for thing in things
            for step, began, ended in steps
            if getattr(thing, began)
        ),
    )


if __name__ == "__main__":
    main()

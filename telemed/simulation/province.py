"""The places and people of a simulated province, its agreements, licences and published roster."""

import random
from dataclasses import dataclass
from datetime import date, time, timedelta

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from consult.models import Agreement, Department, Hospital, Licence, Patient, Role, Rule, Shift, Specialty, User
from consult.policies import publication as previews
from consult.policies import repeat
from consult.services import names, plan, publication

PASSWORD = "simulated"  # noqa: S105  (of people who do not exist)
FAMILY, GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "桂英秀兰建国丽华志强大山小宝雪梅晓东文博玉珍福贵"
SUPERIOR = ("山西省人民医院", "山西医科大学第一医院", "山西医科大学第二医院", "山西白求恩医院")
SPECIALTIES = (
    Specialty.CARDIOLOGY, Specialty.RADIOLOGY, Specialty.NEUROLOGY, Specialty.RESPIRATORY, Specialty.ORTHOPAEDICS,
)  # fmt: skip
TITLES = (Role.Title.CHIEF, Role.Title.ASSOCIATE, Role.Title.ATTENDING)


@dataclass(frozen=True, slots=True)
class Province:
    doctors: list[Role]
    experts: list[Role]
    scheduler: User
    regulator: User


class Maker:
    """Makes one; the same for the same seed."""

    def __init__(self, chance: random.Random, first: date, last: date) -> None:
        self.chance, self.first, self.last = chance, first, last
        self.password = make_password(PASSWORD)
        self.made = 0

    def province(self, centres: int, experts: int) -> Province:
        scheduler, regulator = self._person("scheduler"), self._person("regulator")
        for user in (scheduler, regulator):
            Role.objects.create(person=user, kind=user.username)
        superior = [self._hospital(f"superior{n}", name, "provincial") for n, name in enumerate(SUPERIOR)]
        wards = [self._department(each, specialty) for each in superior for specialty in SPECIALTIES]
        primary = [self._hospital(f"centre{n}", f"第{n + 1}中心卫生院", "township") for n in range(centres)]
        for each in primary:
            self._agree(each, superior)
        doctors = [self._clinical(f"doctor{n}", "doctor", self._department(each)) for n, each in enumerate(primary)]
        known = [self._clinical(f"expert{n}", "expert", wards[n % len(wards)]) for n in range(experts)]
        self._roster(scheduler, known)
        return Province(doctors, known, scheduler, regulator)

    def patient(self, doctor: Role) -> Patient:
        self.made += 1
        name = self._name()
        return Patient.objects.create(
            hospital_id=doctor.hospital_id or 0,
            record_number=f"S{self.made:06}",
            name=name,
            name_index=names.index(name),
            sex=self.chance.choice(["female", "male"]),
            birth_date=date(1930, 1, 1) + timedelta(days=self.chance.randrange(32_000)),
            created_by=doctor.person,
        )

    def _name(self) -> str:
        return self.chance.choice(FAMILY) + "".join(self.chance.sample(GIVEN, 2))

    def _hospital(self, code: str, name: str, tier: str) -> Hospital:
        return Hospital.objects.create(code=code, name=name, name_en=code, tier=tier)

    def _department(self, hospital: Hospital, specialty: str = Specialty.GENERAL) -> Department:
        words = str(Specialty(specialty).label)
        return Department.objects.create(hospital=hospital, name=words, name_en=specialty, specialty=specialty)

    def _agree(self, primary: Hospital, superior: list[Hospital]) -> None:
        span = {"valid_from": self.first - timedelta(days=99), "valid_until": self.last + timedelta(days=365)}
        for each in superior:
            Agreement.objects.create(primary=primary, superior=each, number=f"{primary.code}-{each.code}", **span)

    def _person(self, username: str) -> User:
        name = self._name()
        return User.objects.create(
            username=username, name=name, name_index=names.index(name), password=self.password, language="zh-hans"
        )

    def _clinical(self, username: str, kind: str, department: Department) -> Role:
        user = self._person(username)
        Licence.objects.create(
            person=user,
            number=f"1401{user.pk:011}",
            valid_from=self.first - timedelta(days=999),
            valid_until=self.last + timedelta(days=999),
        )
        title = self.chance.choice(TITLES)
        return Role.objects.create(
            person=user, kind=kind, hospital=department.hospital, department=department, title=title
        )

    def _roster(self, scheduler: User, experts: list[Role]) -> None:
        """Everybody works on working days, the two of a department take turns on call by night; some take leave."""
        days = (self.last - self.first).days
        for at, role in enumerate(experts):
            fields = {"role": role, "rrule": repeat.daily(), "first": self.first}
            turn = {"rrule": repeat.daily(2), "first": self.first + timedelta(days=at // (len(experts) // 2 or 1) % 2)}
            work = {"level": Shift.Level.DUTY, "starts": time(8), "minutes": 600, "holidays": Rule.Holidays.WORKDAYS}
            plan.add_rule(by=scheduler, fields={**fields, **work})
            night = {"level": Shift.Level.ON_CALL, "starts": time(18), "minutes": 840, "holidays": Rule.Holidays.USUAL}
            plan.add_rule(by=scheduler, fields={**fields, **night, **turn})
            if self.chance.random() < 0.2:
                away = self.first + timedelta(days=self.chance.randrange(max(days, 1)))
                plan.give_leave(by=scheduler, role=role, first=away, last=away + timedelta(days=2), reason="年休假")
        for department in {role.department for role in experts if role.department}:
            shown = previews.preview(department, self.first, self.last)
            publication.publish(
                by=scheduler, department=department, first=self.first, last=self.last,
                known=shown.known, digest=shown.diff.digest(),
            )  # fmt: skip
        if not Shift.objects.filter(starts_at__lte=timezone.now() + timedelta(days=1)).exists():
            raise RuntimeError("nobody is on duty in this province")

"""`manage.py demo`: believable data, made through the services that people use. Runs once; again it does nothing."""

import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import F
from django.utils import timezone, translation
from PIL import Image, ImageDraw

from consult import policies
from consult.models import (
    Agreement,
    Consultation,
    Department,
    Hospital,
    Licence,
    Patient,
    Role,
    User,
)
from consult.services import (
    answer,
    consent,
    consultation,
    decision,
    message,
    names,
    opinion,
    patient,
    reading_desk,
    session,
    triage,
)
from imaging.services import demo as pictures
from telemed import (
    demo_aftercare,
    demo_booking,
    demo_ca,
    demo_duty,
    demo_guard,
    demo_referrals,
    demo_roster,
    demo_teams,
)
from telemed import demo_data as data

PASSWORD = "telemed-demo"  # noqa: S105 - printed by `serve`, refused outside DEBUG


class Command(BaseCommand):
    help = "Fill this installation with hospitals, people and consultations. Refused when DEBUG is off."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LOCAL:
            raise CommandError("Demo data are for development: DEBUG is off.")
        with translation.override("zh-hans"):
            with transaction.atomic():
                places()
                people()
                demo_roster.fill()
                demo_duty.fill()
            superior = Hospital.objects.filter(tier=Hospital.Tier.PROVINCIAL)
            demo_ca.make(settings.SEAL_KEYS, superior.values_list("code", "name"))
            if not Consultation.objects.exists():
                cases = [Case(*row) for row in data.CASES]
                for case in cases:
                    case.draft()
                for case in cases:
                    if own := data.PICTURES.get((case.who[0], case.far)):
                        pictures.give(case.thing, getattr(pictures, own))
                pictures.fill(case.thing for case in cases)
                for case in cases:
                    case.walk()
                for row in demo_booking.CASES:
                    booked = Case(*row)
                    booked.draft()
                    booked.walk()
                open_desk(next(case for case in cases if case.who[0] == data.TO_DESK))
                demo_teams.fill(User.objects.get(username="scheduler"), PASSWORD, signature)
                demo_referrals.fill()
                demo_aftercare.fill()
                demo_guard.fill()
                read_old_news()
        self.stdout.write(
            f"{Hospital.objects.count()} hospitals, {User.objects.count()} people, "
            f"{Consultation.objects.count()} consultations"
        )


def read_old_news() -> None:
    """Everybody has seen what they were told, but for what waits for an act of theirs."""
    for person in User.objects.all():
        waits = policies.worklist(person, "todo").values("pk")
        old = person.notifications.exclude(consultation__in=waits)
        old.update(seen_at=F("at"))


def open_desk(case: "Case") -> None:
    """The reading desk of the case's specialist, its templates, and the case in its queue."""
    department = case._department(case.expert)
    reading_desk.set_reads(department=department, by=case.desk, reads=True)
    for name, modality, *texts in data.TEMPLATES:
        fields = {"name": name, "modality": modality, **dict(zip(reading_desk.TEXTS, texts, strict=True))}
        reading_desk.keep_template(department=department, by=case.expert, fields=fields)
    thing = Consultation.objects.get(pk=case.thing.pk)
    reading_desk.give(consultation=thing, by=case.desk, department=department)


def places() -> None:
    """Hospitals with departments, and an agreement between every primary and every superior one."""
    for code, name, name_en, tier, county in data.HOSPITALS:
        known = {"name": name, "name_en": name_en, "tier": tier, "county": county}
        hospital, _ = Hospital.objects.get_or_create(code=code, defaults=known)
        rows = {"provincial": data.SUPERIOR_DEPARTMENTS, "county": data.COUNTY_DEPARTMENTS}
        for title, title_en, specialty in rows.get(tier, data.TOWNSHIP_DEPARTMENTS):
            known = {"name_en": title_en, "specialty": specialty}
            Department.objects.get_or_create(hospital=hospital, name=title, defaults=known)
    today = timezone.localdate()
    for primary in Hospital.objects.exclude(tier=Hospital.Tier.PROVINCIAL):
        for superior in Hospital.objects.filter(tier=Hospital.Tier.PROVINCIAL):
            Agreement.objects.get_or_create(
                primary=primary,
                superior=superior,
                defaults={
                    "number": f"SX-{primary.code}-{superior.code}",
                    "valid_from": today - timedelta(days=200),
                    "valid_until": today + timedelta(days=900),
                },
            )


def people() -> None:
    """Accounts with one role each; clinical ones with a licence."""
    today = timezone.localdate()
    password = ""
    for username, name, name_en, kind, code, specialty, title in data.PEOPLE:
        if User.objects.filter(username=username).exists():
            continue
        person = User(username=username, name=name, name_en=name_en, name_index=names.index(name, name_en))
        person.phone = data.PHONES.get(username, "")
        if not password:  # one hash for all: argon2 is slow on purpose
            person.set_password(PASSWORD)
            password = person.password
        person.password = password
        person.save()
        department = Department.objects.filter(hospital__code=code, specialty=specialty).first()
        hospital = department.hospital if department else None
        Role.objects.create(person=person, kind=kind, hospital=hospital, department=department, title=title)
        if department:
            Licence.objects.create(
                person=person,
                number=f"1401{person.pk:011d}",
                valid_from=today - timedelta(days=1200),
                valid_until=today + timedelta(days=2400),
            )


def signature() -> bytes:
    """A drawn signature, as the browser sends it."""
    picture = Image.new("RGBA", (300, 120))
    pen = ImageDraw.Draw(picture)
    pen.line([(20, 80), (60, 25), (80, 95), (120, 40), (150, 90), (190, 30)], fill="black", width=4, joint="curve")
    pen.line([(200, 85), (230, 50), (280, 60)], fill="black", width=4, joint="curve")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


class Case:
    """One consultation on its way from the draft to how far its row says."""

    thing: Consultation

    def __init__(
        self,
        asker: str,
        who: tuple[str, str, str],
        urgency: str,
        purpose: str,
        answers: tuple[str, str],
        far: str,
        *texts: str,
    ) -> None:
        self.asker = User.objects.get(username=asker)
        self.department = self._department(self.asker)
        self.who, self.urgency, self.purpose, self.far = who, urgency, purpose, far
        self.expert, self.specialty = User.objects.get(username=answers[0]), answers[1]
        self.desk = User.objects.get(username="scheduler")
        self.texts = dict(zip(data.FIELDS, texts, strict=True))

    @staticmethod
    def _department(person: User) -> Department:
        department = person.roles.exclude(department=None)[0].department
        if department is None:
            raise CommandError(f"{person.username} has no department")
        return department

    def draft(self) -> None:
        self.thing = consultation.start_draft(by=self.asker, department=self.department)
        fields = {
            "patient": self._patient(),
            "urgency": self.urgency,
            "purpose": self.purpose,
            "specialty": self.specialty,
            "title_wanted": "attending",
            "wanted_at": timezone.now() + timedelta(hours=1 if self.urgency == "emergency" else 26),
            "present_codes": data.PRESENT_CODES.get(self.texts["present_diagnosis"], "").split(),
            **self.texts,
        }
        consultation.save_draft(consultation=self.thing, by=self.asker, fields=fields)
        if self.far != "draft":
            signer, relation = data.GUARDIANS.get(self.who[0], (self.who[0], "self"))
            consent.record(
                consultation=self.thing,
                by=self.asker,
                text=consent.current(),
                signer_name=signer,
                relation=relation,
                method="drawn",
                content=signature(),
            )

    def _patient(self) -> Patient:
        name, sex, born = self.who
        known = Patient.objects.filter(hospital_id=self.department.hospital_id, name=name).first()
        if known:
            return known
        number = f"{self.department.hospital.code[:2].upper()}-{1001 + Patient.objects.count()}"
        fields = {"record_number": number, "name": name, "sex": sex, "birth_date": date.fromisoformat(born)}
        return patient.enter(by=self.asker, department=self.department, fields=fields)

    def walk(self) -> None:
        """Make every step on the way to `far`, in the names of those who make it."""
        for step in ROUTES[self.far]:
            self.thing = Consultation.objects.get(pk=self.thing.pk)
            step(self)

    def submit(self) -> None:
        consultation.submit(consultation=self.thing, by=self.asker)

    def triage(self) -> None:
        triage.take(consultation=self.thing, by=self.desk)

    def ask_more(self) -> None:
        triage.ask_more(consultation=self.thing, by=self.desk, reason="请补充近期肺功能或血气分析结果。")

    def send_back(self) -> None:
        triage.return_(consultation=self.thing, by=self.desk, reason="请写明会诊前已做的检查和用药。")

    def assign(self) -> None:
        triage.assign(
            consultation=self.thing, by=self.desk, expert=self.expert, department=self._department(self.expert)
        )

    def accept(self) -> None:
        answer.accept(consultation=self.thing, by=self.expert)

    def book(self) -> None:
        demo_booking.walk(self.thing, self.far)

    def meet(self) -> None:
        for person in (self.asker, self.expert):
            session.arrived(consultation=self.thing, by=person)
        for number, (side, text) in enumerate(data.CHAT[self.specialty]):
            by = self.asker if side == "asker" else self.expert
            message.post(consultation=self.thing, by=by, body=text, token=f"demo-{self.thing.pk}-{number}")
        demo_guard.as_long_as(self.thing, demo_guard.SHORT if self.who[0] == demo_guard.FLAGGED else demo_guard.USUAL)
        session.end(consultation=self.thing, by=self.expert)

    def sign(self) -> None:
        texts: dict[str, Any] = dict(zip(opinion.TEXTS, data.OPINIONS[self.who[0]], strict=True))
        texts["diagnosis_codes"] = self._codes()
        saved = opinion.save_draft(consultation=self.thing, by=self.expert, fields=texts, draft_rev=0)
        opinion.sign(consultation=self.thing, by=self.expert, password=PASSWORD, draft_rev=saved.draft_rev)

    def _codes(self) -> list[str]:
        return data.OPINION_CODES.get(self.who[0], "").split()

    def decide(self) -> None:
        version = opinion.newest(self.thing)
        if version is None:
            raise CommandError("nothing signed to decide about")
        diagnosis = self.texts["present_diagnosis"].rstrip("？")
        decision.record(
            version=version,
            by=self.asker,
            verdict="adopted",
            reason="",
            final_diagnosis=diagnosis,
            final_codes=self._codes(),
        )

    def close(self) -> None:
        consultation.close(consultation=self.thing, by=self.asker)


Step = Callable[[Case], None]
SUBMITTED: tuple[Step, ...] = (Case.submit,)
TRIAGE = (*SUBMITTED, Case.triage)
OFFERED = (*TRIAGE, Case.assign)
ACCEPTED = (*OFFERED, Case.accept)
DUE = (*ACCEPTED, Case.meet)
SIGNED = (*DUE, Case.sign)
ROUTES: dict[str, tuple[Step, ...]] = {
    "draft": (),
    "submitted": SUBMITTED,
    "triage": TRIAGE,
    "needs_info": (*TRIAGE, Case.ask_more),
    "returned": (*TRIAGE, Case.send_back),
    "offered": OFFERED,
    "accepted": ACCEPTED,
    **dict.fromkeys(("booked", "moved", "waiting"), (*ACCEPTED, Case.book)),
    "opinion_due": DUE,
    "signed": SIGNED,
    "acknowledged": (*SIGNED, Case.decide),
    "closed": (*SIGNED, Case.decide, Case.close),
}

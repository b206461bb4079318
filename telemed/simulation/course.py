"""What people do with one request at each of its states, with delays, refusals, cuts and changes of mind.

Each act is the service that a page would call. Where somebody was first, or the moment has passed, the service says so
and the request is looked at again: as people do.
"""

import io
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from PIL import Image, ImageDraw

from consult.errors import Refusal
from consult.models import Consultation, Participant, Role, Urgency, User
from consult.policies import booking as times
from consult.policies import suggest
from consult.services import answer, booking, consent, consultation, decision, opinion, session, triage
from consult.states import State
from telemed.simulation.province import PASSWORD, SPECIALTIES, TITLES, Maker, Province

S = State
Later = timedelta | None
AGAIN = timedelta(minutes=1)
MINUTES = {  # median of what people take, by urgency
    Urgency.EMERGENCY: {"desk": 1, "expert": 3, "asker": 5, "write": 12},
    Urgency.URGENT: {"desk": 8, "expert": 20, "asker": 20, "write": 45},
    Urgency.ROUTINE: {"desk": 25, "expert": 120, "asker": 60, "write": 180},
}
SILENT = 0.08  # of the offers are not looked at for a long time
DIAGNOSES = (
    ("高血压", "I10"),
    ("不稳定型心绞痛", "I20.0"),
    ("肺炎", "J18.9"),
    ("脑梗死", "I63.9"),
    ("2型糖尿病", "E11.9"),
)
WORDS = {
    "reason": "本院无该专科，需上级医院协助",
    "record_summary": "反复不适3天，加重2小时。",
    "tests": "血常规、心电图已查。",
    "question": "诊断及进一步处理？",
}


def drawn() -> bytes:
    """A signature as a page sends it."""
    image = Image.new("RGBA", (300, 120))
    ImageDraw.Draw(image).line([(20, 90), (90, 20), (160, 100), (270, 40)], fill="black", width=4)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


SIGNATURE = drawn()


class Course:
    """One request from its draft to its end. `look` acts once and says when to look again; None: it has ended."""

    def __init__(self, province: Province, make: Maker, told: Counter[str]) -> None:
        self.province, self.make, self.chance, self.told = province, make, make.chance, told
        self.doctor = self.chance.choice(province.doctors)
        kinds, weights = list(Urgency.values), (5, 30, 65)
        self.urgency = Urgency(self.chance.choices(kinds, weights)[0])
        self.silent_until: datetime | None = None
        self.met = False
        self.pk = 0

    def begin(self) -> timedelta:
        """The draft with patient and consent, sent."""
        chance, by = self.chance, self.doctor.person
        thing = consultation.start_draft(by=by, department=_department(self.doctor))
        words, code = chance.choice(DIAGNOSES)
        purpose = chance.choice([Consultation.Purpose.DIAGNOSIS, Consultation.Purpose.REFERRAL])
        fields: dict[str, Any] = {
            **WORDS, "patient": self.make.patient(self.doctor), "wanted_at": timezone.now() + timedelta(hours=4),
            "urgency": self.urgency, "purpose": purpose, "present_diagnosis": words, "present_codes": [code],
            "specialty": chance.choice(SPECIALTIES), "title_wanted": chance.choice(TITLES),
        }  # fmt: skip
        consultation.save_draft(consultation=thing, by=by, fields=fields)
        consent.record(
            consultation=thing, by=by, text=consent.current(), signer_name="家属", relation="child", method="drawn",
            content=SIGNATURE,
        )  # fmt: skip
        consultation.submit(consultation=thing, by=by)
        self.pk = thing.pk
        return self._after("desk")

    def look(self) -> Later:
        row = Consultation.objects.get(pk=self.pk)
        act = ACTS.get(State(row.state))
        if act is None:
            return None
        try:
            return act(self, row)
        except Refusal as refusal:
            self.told[refusal.code] += 1
            return AGAIN

    def _after(self, who: str) -> timedelta:
        median = MINUTES[self.urgency][who]
        return timedelta(minutes=median * self.chance.lognormvariate(0, 0.5))

    def _is(self, share: float) -> bool:
        return self.chance.random() < share

    def _desk(self, row: Consultation) -> Later:
        desk, asker = self.province.scheduler, self.doctor.person
        if self._is(0.03):
            consultation.cancel(consultation=row, by=asker, reason="患者好转")
            return None
        if row.state == S.SUBMITTED:
            triage.take(consultation=row, by=desk)
            if self._is(0.05):
                triage.return_(consultation=row, by=desk, reason="请补充病历摘要")
                return self._after("asker")
            if self._is(0.08):
                triage.ask_more(consultation=row, by=desk, reason="请上传心电图\n请补充用药史")
                return self._after("asker")
            return self._after("desk")
        best = [one.role for one in suggest.suggested(row) if one.role.person_id != row.expert_id]
        role = self.chance.choice(best[:3])
        triage.assign(consultation=row, by=desk, expert=role.person, department=_department(role))
        self.silent_until = timezone.now() + timedelta(hours=2) if self._is(SILENT) else None
        return self._after("expert")

    def _resubmit(self, row: Consultation) -> Later:
        by = self.doctor.person
        consultation.save_draft(
            consultation=row,
            by=by,
            fields={"record_summary": "已补充病史。", "wanted_at": timezone.now() + timedelta(hours=4)},
        )
        consultation.submit(consultation=row, by=by)
        return self._after("desk")

    def _supply(self, row: Consultation) -> Later:
        triage.supply(consultation=row, by=self.doctor.person, answer="已上传，见影像。")
        return self._after("desk")

    def _offered(self, row: Consultation) -> Later:
        if self.silent_until and timezone.now() < self.silent_until:
            return self._second(row)
        if self._is(0.12):
            answer.decline(consultation=row, by=_expert(row), reason=self.chance.choice(["正在手术", "不属本专业"]))
            return self._after("desk")
        answer.accept(consultation=row, by=_expert(row))
        return self._after("expert")

    def _second(self, row: Consultation) -> Later:
        """Somebody else of the department answers, or one whom the chain has rung."""
        others = Role.objects.filter(kind=Role.Kind.EXPERT, department=row.asked_department).exclude(person=row.expert)
        role = others.select_related("person").first()
        if role and self._is(0.5):
            answer.take_from_department(consultation=row, by=role.person)
            return self._after("expert")
        return timedelta(minutes=30)

    def _accepted(self, row: Consultation) -> Later:
        if self._is(0.02):
            consultation.call_off(consultation=row, by=self.doctor.person, reason="患者已转院")
            return None
        if row.urgency != Urgency.EMERGENCY and self._is(0.3):
            answer.review(consultation=row, by=_expert(row))
            return self._after("write")
        if row.urgency == Urgency.EMERGENCY:
            return self._meet(row)
        slots = times.free(row)
        if not slots:
            if not row.waitings.filter(ended_at=None).exists():
                booking.wait(consultation=row, by=self.doctor.person)
            return timedelta(minutes=30) if not self._is(0.2) else self._meet(row)
        booking.hold(
            consultation=row,
            by=self.doctor.person,
            starts_at=slots[self.chance.randrange(min(3, len(slots)))].starts_at,
        )
        if self._is(0.03):
            return timedelta(minutes=20)  # forgotten: the hold runs out
        booking.book(consultation=row, by=self.doctor.person)
        return AGAIN

    def _scheduled(self, row: Consultation) -> Later:
        at = row.scheduled_at
        if at and timezone.now() < at:
            if self._is(0.02):
                booking.cancel(consultation=row, by=_expert(row), reason="急诊手术")
            return max(at - timezone.now(), AGAIN)
        if self._is(0.04):
            side = self.chance.choice(list(Participant.Side.values))
            session.miss(consultation=row, by=self.province.scheduler, side=side, reason="未到")
            return None
        return self._meet(row)

    def _meet(self, row: Consultation) -> Later:
        session.arrived(consultation=row, by=self.doctor.person)
        session.arrived(consultation=row, by=_expert(row))
        self.met = True
        return timedelta(minutes=self.chance.uniform(5, 25))

    def _talk(self, row: Consultation) -> Later:
        if self._is(0.1):
            session.departed(consultation=row, by=self.doctor.person)  # the line is cut
            return timedelta(seconds=30)
        session.end(consultation=row, by=_expert(row))
        for person in (self.doctor.person, _expert(row)):
            session.departed(consultation=row, by=person)
        return self._after("write")

    def _write(self, row: Consultation) -> Later:
        words, _code = self.chance.choice(DIAGNOSES)
        texts = {"findings": "已阅资料。", "diagnosis": words, "recommendation": "按方案治疗，3天后复诊。"}
        known = row.opinions.filter(author=row.expert).first()
        saved = opinion.save_draft(
            consultation=row, by=_expert(row), fields=texts, draft_rev=known.draft_rev if known else 0
        )
        opinion.sign(consultation=row, by=_expert(row), password=PASSWORD, draft_rev=saved.draft_rev)
        return self._after("asker")

    def _decide(self, row: Consultation) -> Later:
        version = opinion.newest(row)
        if version is None:
            raise RuntimeError(f"{row} is signed and has no opinion")
        verdict = self.chance.choices(["adopted", "partly", "not"], (80, 15, 5))[0]
        words, code = self.chance.choice(DIAGNOSES)
        decision.record(
            version=version, by=self.doctor.person, verdict=verdict, reason="" if verdict == "adopted" else "条件有限",
            final_diagnosis=words, final_codes=[code],
        )  # fmt: skip
        return self._after("asker")

    def _close(self, row: Consultation) -> Later:
        if row.state == S.ACKNOWLEDGED and self._is(0.2):
            consultation.follow_up(consultation=row, by=self.doctor.person)
            return timedelta(days=1)
        consultation.close(consultation=row, by=self.doctor.person)
        return None


ACTS: dict[State, Callable[[Course, Consultation], Later]] = {
    S.SUBMITTED: Course._desk,
    S.TRIAGE: Course._desk,
    S.DECLINED: Course._desk,
    S.RETURNED: Course._resubmit,
    S.NEEDS_INFO: Course._supply,
    S.OFFERED: Course._offered,
    S.ACCEPTED: Course._accepted,
    S.SCHEDULED: Course._scheduled,
    S.WAITING: Course._meet,
    S.IN_SESSION: Course._talk,
    S.INTERRUPTED: Course._meet,
    S.ASYNC_REVIEW: Course._write,
    S.OPINION_DUE: Course._write,
    S.SIGNED: Course._decide,
    S.ACKNOWLEDGED: Course._close,
    S.FOLLOW_UP: Course._close,
}


def _expert(row: Consultation) -> User:
    if row.expert is None:
        raise RuntimeError(f"{row} has no specialist")
    return row.expert


def _department(role: Role) -> Any:
    return role.department

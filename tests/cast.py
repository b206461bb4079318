"""The people of every test, and helpers that walk a consultation through the services. No random factories.

`doctor.nitun` asks, `second.nitun` is a colleague of the same department, `doctor.haizhou` is the outsider.
`expert.provincial` answers (cardiology) with `second.provincial` beside; `expert.bethune` (radiology) is elsewhere.
"""

import io
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from PIL import Image, ImageDraw

from consult.models import (
    Agreement,
    Consent,
    Consultation,
    Department,
    Hospital,
    Licence,
    OpinionVersion,
    Patient,
    Role,
    User,
)
from consult.services import (
    answer,
    consent,
    consultation,
    decision,
    names,
    opinion,
    patient,
    session,
    triage,
)

PASSWORD = "telemed-demo"


@dataclass(frozen=True, slots=True)
class Cast:
    nitun: Hospital
    haizhou: Hospital
    provincial: Hospital
    bethune: Hospital
    nitun_medicine: Department
    haizhou_medicine: Department
    cardiology: Department
    radiology: Department
    doctor: User  # doctor.nitun
    colleague: User  # second.nitun
    outsider: User  # doctor.haizhou
    expert: User  # expert.provincial
    second_expert: User  # second.provincial, same department
    other_expert: User  # expert.bethune
    scheduler: User
    regulator: User
    patient: Patient


def people() -> Cast:
    """Create everyone in the database."""
    places = [
        ("nitun", "泥屯镇中心卫生院", "Nitun Township Health Centre", "township"),
        ("haizhou", "解州镇中心卫生院", "Haizhou Township Health Centre", "township"),
        ("provincial", "山西省人民医院", "Shanxi Provincial People's Hospital", "provincial"),
        ("bethune", "山西白求恩医院", "Shanxi Bethune Hospital", "provincial"),
    ]
    hospital = {
        code: Hospital.objects.create(code=code, name=name, name_en=name_en, tier=tier)
        for code, name, name_en, tier in places
    }
    department = {
        code: Department.objects.create(hospital=hospital[code], name=name, name_en=name_en, specialty=specialty)
        for code, name, name_en, specialty in [
            ("nitun", "全科", "General Practice", "general"),
            ("haizhou", "全科", "General Practice", "general"),
            ("provincial", "心血管内科", "Cardiology", "cardiology"),
            ("bethune", "医学影像科", "Radiology", "radiology"),
        ]
    }
    _agreements(hospital)
    doctor = person("doctor.nitun", "李秀兰", "Li Xiulan", "doctor", department["nitun"], "attending")
    return Cast(
        nitun=hospital["nitun"],
        haizhou=hospital["haizhou"],
        provincial=hospital["provincial"],
        bethune=hospital["bethune"],
        nitun_medicine=department["nitun"],
        haizhou_medicine=department["haizhou"],
        cardiology=department["provincial"],
        radiology=department["bethune"],
        doctor=doctor,
        colleague=person("second.nitun", "赵强", "Zhao Qiang", "doctor", department["nitun"], "resident"),
        outsider=person("doctor.haizhou", "王建国", "Wang Jianguo", "doctor", department["haizhou"], "attending"),
        expert=person("expert.provincial", "张文博", "Zhang Wenbo", "expert", department["provincial"], "chief"),
        second_expert=person("second.provincial", "刘敏", "Liu Min", "expert", department["provincial"], "attending"),
        other_expert=person("expert.bethune", "陈静", "Chen Jing", "expert", department["bethune"], "associate_chief"),
        scheduler=person("scheduler", "孙丽", "Sun Li", "scheduler"),
        regulator=person("regulator", "周明", "Zhou Ming", "regulator"),
        patient=Patient.objects.create(
            hospital=hospital["nitun"],
            record_number="N-0001",
            name="王桂英",
            name_index=names.index("王桂英"),
            sex="female",
            birth_date=date(1956, 3, 8),
            created_by=doctor,
        ),
    )


def _agreements(hospital: dict[str, Hospital]) -> None:
    today = timezone.localdate()
    for primary in ("nitun", "haizhou"):
        for superior in ("provincial", "bethune"):
            Agreement.objects.create(
                primary=hospital[primary],
                superior=hospital[superior],
                number=f"SX-{primary}-{superior}",
                valid_from=today - timedelta(days=30),
                valid_until=today + timedelta(days=365),
            )


_hashes: dict[str, str] = {}


def person(
    username: str, name: str, name_en: str, kind: str, department: Department | None = None, title: str = ""
) -> User:
    """One account with its role, and a licence when it is a clinical one; everyone's password is PASSWORD."""
    user = User(username=username, name=name, name_en=name_en, name_index=names.index(name, name_en))
    if "all" not in _hashes:  # one hash for everybody: argon2 is slow on purpose
        user.set_password(PASSWORD)
        _hashes["all"] = user.password
    user.password = _hashes["all"]
    user.save()
    Role.objects.create(
        person=user,
        kind=kind,
        hospital=department.hospital if department else None,
        department=department,
        title=title,
    )
    if department:
        today = timezone.localdate()
        Licence.objects.create(
            person=user,
            number=f"1101{user.pk:011d}",
            valid_from=today - timedelta(days=365),
            valid_until=today + timedelta(days=365),
        )
    return user


def again(user: User) -> User:
    """The same person as a new request reads them: roles are read anew."""
    return User.objects.get(pk=user.pk)


REQUEST: dict[str, Any] = {
    "urgency": "urgent",
    "purpose": "diagnosis",
    "reason": "心电图改变，本院无心血管专科",
    "record_summary": "女，70岁，反复胸闷3天，加重2小时。",
    "tests": "心电图：V1-V4 ST段压低0.1mV。肌钙蛋白阴性。",
    "present_diagnosis": "冠心病？不稳定型心绞痛？",
    "question": "是否需要立即转诊行冠脉造影？",
    "specialty": "cardiology",
    "title_wanted": "chief",
}
OPINION = {
    "findings": "V1-V4 ST段压低，T波倒置；血压145/90mmHg。",
    "diagnosis": "急性冠脉综合征（不稳定型心绞痛，中危）",
    "recommendation": "阿司匹林300mg嚼服，2小时后复查肌钙蛋白，建议24小时内转诊。",
}


def signature() -> bytes:
    """A drawn signature as the browser sends it: PNG on a transparent ground."""
    image = Image.new("RGBA", (300, 120))
    ImageDraw.Draw(image).line([(20, 90), (90, 20), (160, 100), (270, 40)], fill="black", width=4)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def give_consent(thing: Consultation, by: User) -> Consent:
    return consent.record(
        consultation=thing,
        by=by,
        text=consent.current(),
        signer_name="王桂英",
        relation="self",
        method="drawn",
        content=signature(),
    )


def draft(cast: Cast, **fields: Any) -> Consultation:
    """A complete draft with consent, ready to be submitted."""
    thing = consultation.start_draft(by=cast.doctor, department=cast.nitun_medicine)
    wanted = {"patient": cast.patient, "wanted_at": timezone.now() + timedelta(hours=2), **REQUEST, **fields}
    consultation.save_draft(consultation=thing, by=cast.doctor, fields=wanted)
    give_consent(thing, cast.doctor)
    return thing


def submitted(cast: Cast, **fields: Any) -> Consultation:
    return consultation.submit(consultation=draft(cast, **fields), by=cast.doctor)


def in_triage(cast: Cast, **fields: Any) -> Consultation:
    return triage.take(consultation=submitted(cast, **fields), by=cast.scheduler)


def needs_info(cast: Cast, **fields: Any) -> Consultation:
    return triage.ask_more(consultation=in_triage(cast, **fields), by=cast.scheduler, reason="请补充心电图")


def returned(cast: Cast, **fields: Any) -> Consultation:
    return triage.return_(consultation=in_triage(cast, **fields), by=cast.scheduler, reason="科室有误")


def offered(cast: Cast, **fields: Any) -> Consultation:
    return triage.assign(
        consultation=submitted(cast, **fields), by=cast.scheduler, expert=cast.expert, department=cast.cardiology
    )


def declined(cast: Cast, **fields: Any) -> Consultation:
    return answer.decline(consultation=offered(cast, **fields), by=cast.expert, reason="正在手术")


def accepted(cast: Cast, **fields: Any) -> Consultation:
    return answer.accept(consultation=offered(cast, **fields), by=cast.expert)


def in_review(cast: Cast, **fields: Any) -> Consultation:
    return answer.review(consultation=accepted(cast, **fields), by=cast.expert)


def waiting(cast: Cast, **fields: Any) -> Consultation:
    return session.arrived(consultation=accepted(cast, **fields), by=cast.doctor)


def in_session(cast: Cast, **fields: Any) -> Consultation:
    return session.arrived(consultation=waiting(cast, **fields), by=cast.expert)


def interrupted(cast: Cast, **fields: Any) -> Consultation:
    return session.departed(consultation=in_session(cast, **fields), by=cast.doctor)


def opinion_due(cast: Cast, **fields: Any) -> Consultation:
    return session.end(consultation=in_session(cast, **fields), by=cast.expert)


def write_opinion(cast: Cast, thing: Consultation, **texts: str) -> int:
    """Save the expert's draft and answer its revision."""
    known = thing.opinions.filter(author=cast.expert).first()
    saved = opinion.save_draft(
        consultation=thing, by=cast.expert, fields={**OPINION, **texts}, draft_rev=known.draft_rev if known else 0
    )
    return saved.draft_rev


def sign(cast: Cast, thing: Consultation, **texts: str) -> OpinionVersion:
    rev = write_opinion(cast, thing, **texts)
    return opinion.sign(consultation=thing, by=cast.expert, password=PASSWORD, draft_rev=rev)


def signed(cast: Cast, **fields: Any) -> Consultation:
    thing = opinion_due(cast, **fields)
    sign(cast, thing)
    return thing


def acknowledged(cast: Cast, **fields: Any) -> Consultation:
    thing = signed(cast, **fields)
    version = opinion.newest(thing)
    assert version is not None
    decision.record(version=version, by=cast.doctor, verdict="adopted", reason="", final_diagnosis="不稳定型心绞痛")
    thing.refresh_from_db()
    return thing


def following_up(cast: Cast, **fields: Any) -> Consultation:
    return consultation.follow_up(consultation=acknowledged(cast, **fields), by=cast.doctor)


def closed(cast: Cast, **fields: Any) -> Consultation:
    return consultation.close(consultation=acknowledged(cast, **fields), by=cast.doctor)


def cancelled(cast: Cast, **fields: Any) -> Consultation:
    return consultation.cancel(consultation=submitted(cast, **fields), by=cast.doctor, reason="患者好转")


def enter_patient(cast: Cast, **fields: Any) -> Patient:
    known = {"record_number": "N-0002", "name": "张大山", "sex": "male", "birth_date": date(1961, 5, 20)}
    return patient.enter(by=cast.doctor, department=cast.nitun_medicine, fields={**known, **fields})

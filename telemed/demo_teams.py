"""The demo's team: three specialties answer one doctor, with a remark in the joint report."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from consult.models import Consultation, Opinion, Patient, Role, User
from consult.services import answer, consent, consultation, joint_report, opinion, patient, session, team, triage
from telemed import demo_guard

REQUEST: dict[str, Any] = {
    "urgency": "urgent",
    "purpose": "treatment",
    "specialty": "respiratory",
    "title_wanted": "associate_chief",
    "record_summary": (
        "活动后气促1月，加重3天，右下肢肿胀1周。右股骨颈骨折术后40天，卧床。"
        "血压105/70mmHg，心率108次/分，血氧饱和度91%。"
    ),
    "tests": (
        "D-二聚体6.8mg/L；肌钙蛋白I 0.12ng/mL；BNP 420pg/mL；心电图SIQIIITIII；下肢静脉超声示右股静脉血栓；CTPA已做。"
    ),
    "present_diagnosis": "肺血栓栓塞症？右下肢深静脉血栓形成",
    "present_codes": ["I26.9", "I80.2"],
    "reason": "病情重，涉及呼吸、心血管和影像专科，本院无多学科会诊条件。",
    "question": "危险分层如何？是否溶栓？抗凝方案及疗程？是否需要转诊？",
}
PATIENT = {"name": "梁满仓", "sex": "male", "birth_date": "1957-02-11", "record_number": "YQ-2031"}
# who, words of the own opinion
OPINIONS = (
    (
        "expert.second",
        (
            "急性起病，低氧，D-二聚体明显升高，CTPA双侧肺动脉充盈缺损；血压稳定，无休克。",
            "急性肺血栓栓塞症，中高危",
            "暂不常规溶栓，立即足量抗凝；吸氧，监护48至72小时，血压下降时补救性溶栓。",
        ),
        "I26.9",
    ),
    (
        "expert.provincial",
        (
            "心电图SIQIIITIII，肌钙蛋白与BNP升高，提示右心负荷增加；血流动力学目前稳定。",
            "急性肺栓塞，右心功能受损",
            "床旁超声评估右室功能；低分子肝素1mg/kg每12小时皮下注射，病情稳定后改口服抗凝药。",
        ),
        "I26.9",
    ),
    (
        "expert.bethune",
        (
            "CTPA：双侧肺动脉主干及右下叶肺动脉充盈缺损，右室/左室横径比约1.1，未见肺梗死灶。",
            "双侧肺动脉栓塞，右室增大",
            "治疗3个月后复查CTPA，评估残余血栓。",
        ),
        "I26.9",
    ),
)
REPORT = {
    "findings": (
        "三科一致认为双侧肺动脉栓塞诊断成立。患者血压稳定，肌钙蛋白和BNP升高、右室增大，属中高危；"
        "骨折术后40天，出血风险需顾及。"
    ),
    "diagnosis": "急性肺血栓栓塞症（中高危）；右下肢深静脉血栓形成",
    "diagnosis_codes": ["I26.9", "I80.2"],
    "recommendation": (
        "立即低分子肝素足量抗凝，暂不常规溶栓；转上级医院呼吸与危重症医学科监护，备补救性溶栓；"
        "抗凝至少3个月，期满复查CTPA与下肢静脉超声。"
    ),
}
WORDS = {
    "expert.provincial": ("remark", "转运途中备血管活性药物，必要时先行床旁超声。"),
    "expert.bethune": ("agree", ""),
}


def fill(scheduler: User, password: str, signature: Callable[[], bytes]) -> Consultation:
    """One consultation answered by a team, in the names of those who do it."""
    asker = User.objects.get(username="doctor.yangqu")
    chair, *others = (User.objects.get(username=name) for name, _texts, _codes in OPINIONS)
    thing = _asked(asker, signature)
    triage.take(consultation=thing, by=scheduler)
    department = role_of(chair).department
    if department is None:
        raise ValueError("a specialist has a department")
    triage.assign(consultation=thing, by=scheduler, expert=chair, department=department)
    answer.accept(consultation=thing, by=chair)
    team.invite(consultation=thing, by=chair, roles=[role_of(one) for one in others])
    for one in others:
        team.join(consultation=thing, by=one)
    for one in (asker, chair, *others):
        session.arrived(consultation=thing, by=one)
    demo_guard.as_long_as(thing, demo_guard.USUAL)
    session.end(consultation=thing, by=chair)
    _write(thing, chair, password)
    return thing


def role_of(person: User) -> Role:
    return person.roles.select_related("department")[0]


def _asked(asker: User, signature: Callable[[], bytes]) -> Consultation:
    department = role_of(asker).department
    if department is None:
        raise ValueError("a doctor has a department")
    thing = consultation.start_draft(by=asker, department=department)
    who: Patient = patient.enter(by=asker, department=department, fields=PATIENT)
    fields = {"patient": who, "wanted_at": timezone.now() + timedelta(hours=6), **REQUEST}
    consultation.save_draft(consultation=thing, by=asker, fields=fields)
    consent.record(
        consultation=thing,
        by=asker,
        text=consent.current(),
        signer_name=who.name,
        relation="self",
        method="drawn",
        content=signature(),
    )
    return consultation.submit(consultation=thing, by=asker)


def _write(thing: Consultation, chair: User, password: str) -> None:
    for name, texts, codes in OPINIONS:
        person = User.objects.get(username=name)
        fields: dict[str, Any] = dict(zip(opinion.TEXTS, texts, strict=True)) | {"diagnosis_codes": codes.split()}
        saved = opinion.save_draft(consultation=thing, by=person, fields=fields, draft_rev=0)
        opinion.sign(consultation=thing, by=person, password=password, draft_rev=saved.draft_rev)
    report: Opinion = joint_report.save(consultation=thing, by=chair, fields=REPORT, draft_rev=0)
    report = joint_report.put(consultation=thing, by=chair, draft_rev=report.draft_rev)
    for name, (verdict, words) in WORDS.items():
        joint_report.confirm(
            consultation=thing,
            by=User.objects.get(username=name),
            verdict=verdict,
            words=words,
            password=password,
            sha256=joint_report.digest(report),
        )
    joint_report.sign(consultation=thing, by=chair, password=password, draft_rev=report.draft_rev)

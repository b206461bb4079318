"""Demo: calls that are booked for today and the next days, one that was moved, one that waits for a free time."""

from consult.errors import Refusal
from consult.models import Consultation
from consult.policies import booking as policies
from consult.services import booking

# As demo_data.CASES: asker, patient, urgency, purpose, expert and specialty, how far, five texts.
CASES = (
    (
        "doctor.haizhou",
        ("董秀英", "female", "1958-11-02"),
        "urgent",
        "diagnosis",
        ("expert.first", "neurology"),
        "booked",
        "突发眩晕6小时，恶心呕吐，行走不稳。高血压、糖尿病史。血压168/96mmHg。",
        "头颅CT未见出血。血糖9.8mmol/L。",
        "后循环缺血？",
        "本院无神经专科，无MRI。",
        "是否需要立即转院行MRI？目前如何处理？",
    ),
    (
        "doctor.nitun",
        ("武建平", "male", "1965-04-17"),
        "routine",
        "treatment",
        ("expert.provincial", "cardiology"),
        "booked",
        "高血压12年，三药联合血压仍在160/95mmHg左右。无胸痛。",
        "肌酐88μmol/L，血钾4.1mmol/L，心电图左室高电压。",
        "难治性高血压？",
        "调整用药后仍未达标。",
        "下一步如何调整？是否需要排查继发性高血压？",
    ),
    (
        "doctor.mishan",
        ("畅玉兰", "female", "1949-09-23"),
        "routine",
        "diagnosis",
        ("expert.second", "respiratory"),
        "moved",
        "慢性咳嗽、活动后气短5年，近1月加重。吸烟30年。",
        "胸片示肺气肿征；指脉氧92%。",
        "慢性阻塞性肺疾病？",
        "本院无肺功能检查。",
        "如何分级与用药？是否需要家庭氧疗？",
    ),
    (
        "doctor.gaoyang",
        ("樊小军", "male", "1991-06-30"),
        "routine",
        "diagnosis",
        ("he.bethune", "dermatology"),
        "waiting",
        "双手背红斑、脱屑伴瘙痒3月，接触清洁剂后加重。",
        "真菌镜检阴性。",
        "慢性湿疹？",
        "外用激素效果不佳。",
        "是否考虑接触性皮炎？如何维持治疗？",
    ),
)


def walk(thing: Consultation, far: str) -> None:
    """An accepted one, to its appointment or into the line; whose roster has no time left stays as it is."""
    asker, expert = thing.asker, thing.expert
    if expert is None:
        return
    try:
        if far == "waiting":
            booking.wait(consultation=thing, by=asker)
            return
        slots = policies.free(thing)
        if not slots:
            return
        booking.hold(consultation=thing, by=asker, starts_at=slots[0].starts_at)
        booking.book(consultation=thing, by=asker)
        if far == "moved" and len(slots) > 2:
            booking.hold(consultation=thing, by=expert, starts_at=slots[2].starts_at)
            booking.book(consultation=thing, by=expert, reason="上午有门诊，改到空闲时段。")
    except Refusal:
        return

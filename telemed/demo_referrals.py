"""The demo's referrals: one patient who went up and came back with a letter, one sent down who is on the way."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from consult.models import Consultation, Referral, User
from consult.services import referral
from telemed.demo_teams import role_of

UP = {
    "reason": "心动过速发作频繁，专家建议电生理检查及射频消融，本院无条件。",
    "diagnosis": "阵发性室上性心动过速",
    "codes": ["I47.1"],
    "treatment": "改良Valsalva动作；发作时静脉腺苷6mg一次有效。",
    "condition": "血压125/78mmHg，心率72次/分，神志清楚，可自行活动。",
    "wanted": "心脏电生理检查，适合时行导管射频消融。",
}
BACK = {
    "course": "入院后行心脏电生理检查，证实房室结折返性心动过速，行慢径路射频消融，术中术后顺利。",
    "diagnosis": "房室结折返性心动过速，射频消融术后",
    "codes": ["I47.1"],
    "treatment": "慢径路射频消融；术后阿司匹林100mg每日一次，连用1个月。",
    "condition": "窦性心律，72次/分，穿刺部位愈合良好。",
    "advice": "1周内避免剧烈活动；1个月后门诊复查心电图；如有心悸随时就诊。",
}
DOWN = {
    "reason": "急性期治疗结束，病情稳定，回当地继续康复。",
    "diagnosis": "急性下壁ST段抬高型心肌梗死，PCI术后2周",
    "codes": ["I21.1"],
    "treatment": "右冠状动脉支架1枚；双联抗血小板、他汀、ACEI。",
    "condition": "血压118/72mmHg，心率66次/分，可平地步行500米。",
    "wanted": "心脏康复、血压血糖监测，按时服用双联抗血小板药12个月。",
}


def fill() -> None:
    """Both ways, in the names of those who make each step."""
    expert = User.objects.get(username="expert.provincial")
    went = Consultation.objects.get(patient__name="郝玉梅")
    up = _asked(went.asker, expert, UP, thing=went)
    referral.accept(referral=up, by=expert)
    referral.arrange(referral=up, by=expert, comes_at=timezone.now() + timedelta(days=1), bed="心内科三病区 12床")
    referral.arrive(referral=up, by=expert)
    referral.discharge(referral=up, by=expert, texts=BACK)
    patient = Consultation.objects.get(patient__name="田富贵")
    down = _asked(expert, patient.asker, DOWN, patient=patient.patient)
    referral.accept(referral=down, by=patient.asker)
    referral.arrange(referral=down, by=patient.asker, comes_at=timezone.now() + timedelta(days=2), bed="康复病房 3床")


def _asked(
    by: User, to: User, texts: dict[str, Any], *, thing: Consultation | None = None, patient: Any = None
) -> Referral:
    department = role_of(to).department
    if department is None:
        raise ValueError("both sides have a department")
    who: Any = thing.patient if thing else patient
    return referral.ask(by=by, role=role_of(by), patient=who, to=department, texts=texts, consultation=thing)

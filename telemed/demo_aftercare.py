"""What the demo's consultations came to: both sides rated one, another is followed up."""

from datetime import timedelta

from django.utils import timezone

from consult.models import Consultation
from consult.services import aftercare, decision, opinion


def fill() -> None:
    closed = Consultation.objects.get(patient__name="王桂英", state="CLOSED")
    if closed.expert is None:
        raise ValueError("a closed consultation was answered")
    words = "意见具体，筛查项目本院都能落实，患者血压已控制。"
    aftercare.rate(consultation=closed, by=closed.asker, stars=5, words=words)
    words = "病史和用药记录完整；希望下次附动态血压报告。"
    aftercare.rate(consultation=closed, by=closed.expert, stars=4, words=words)
    aftercare.record_outcome(
        consultation=closed,
        by=closed.asker,
        changed="yes",
        avoided="yes",
        patient="improved",
        words="醛固酮/肾素比值升高，加用螺内酯后血压132/80mmHg，未转诊。",
    )
    _follow_up(Consultation.objects.get(patient__name="梁满仓"))


def _follow_up(thing: Consultation) -> None:
    """The team's report is adopted, and the patient looked at again on three days."""
    version = opinion.newest(thing)
    if version is None:
        raise ValueError("the team has signed")
    decision.record(
        version=version, by=thing.asker, verdict="adopted", reason="",
        final_diagnosis=version.diagnosis, final_codes=thing.present_codes,
    )  # fmt: skip
    today = timezone.localdate()
    for days, task in ((0, "血氧饱和度和下肢周径"), (7, "复查血常规、D-二聚体"), (90, "复查CTPA与下肢静脉超声")):
        row = aftercare.plan(consultation=thing, by=thing.asker, due_on=today + timedelta(days=days), task=task)
        if not days:
            aftercare.enter(
                follow_up=row, by=thing.asker, found="血氧饱和度95%（鼻导管2L/min），右小腿周径较昨日减小1cm。"
            )

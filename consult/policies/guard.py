"""Which consultations look as if held for show, and who reviews that. The thresholds are here and in docs/guard.md."""

from datetime import timedelta

from django.db.models import QuerySet

from consult.models import Flag
from consult.policies import person
from consult.policies.consultation import visible_consultations
from consult.policies.person import Person

SHORTEST_CALL = timedelta(minutes=3)
SHORTEST_TEXT = 30
"""Characters of findings, diagnosis and recommendation together."""
ALIKE = 0.9
"""Share of an earlier opinion of the same specialist about another patient that is found again (0 to 1)."""
COMPARED = 30
"""Earlier opinions that are compared, the newest first."""
LONG_ENOUGH = 60
"""Characters below which two texts are alike by chance: a normal finding."""
MOST_AN_HOUR = 8


def may_review(user: Person) -> bool:
    return person.is_scheduler(user) or person.is_regulator(user)


def visible_flags(user: Person) -> QuerySet[Flag]:
    """For schedulers and the regulator, of what they look after; nobody reviews what they answered or asked."""
    if not may_review(user):
        return Flag.objects.none()
    rows = Flag.objects.filter(consultation__in=visible_consultations(user))
    return rows.exclude(consultation__expert_id=user.pk).exclude(consultation__asker_id=user.pk)

"""How people are described: the age a clinician says."""

from datetime import date

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def age(birth_date: date | None) -> str:
    """Completed years; below two years completed months."""
    if birth_date is None:
        return ""
    today = timezone.localdate()
    months = (today.year - birth_date.year) * 12 + today.month - birth_date.month - (today.day < birth_date.day)
    if months < 24:
        return _("%(count)s months old") % {"count": max(months, 0)}
    return _("%(count)s years old") % {"count": months // 12}

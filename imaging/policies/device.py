"""Who says which devices may send: the administrators of the site. Deny unless a line says yes."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from consult.policies.person import Person
from imaging.models import Device, Knock


def may_manage(user: Person) -> bool:
    return not isinstance(user, AnonymousUser) and user.is_active and user.is_superuser


def manageable_devices(user: Person) -> QuerySet[Device]:
    rows = Device.objects.select_related("hospital").order_by("hospital__name", "ae_title", "address")
    return rows if may_manage(user) else rows.none()


def visible_knocks(user: Person) -> QuerySet[Knock]:
    return Knock.objects.all() if may_manage(user) else Knock.objects.none()

"""People: one account each, roles per hospital, licences."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from consult.models.hospital import Department, Hospital


class User(AbstractUser):
    """A person who signs in. `username` is the field peers see in the call; names are kept in Chinese order."""

    class Theme(models.TextChoices):
        SYSTEM = "system", _("As the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    name = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60, blank=True)
    name_index = models.CharField(max_length=160, blank=True, editable=False, help_text="pinyin and initials")
    phone = models.CharField(max_length=30, blank=True)
    language = models.CharField(max_length=10, blank=True, choices=[("zh-hans", "简体中文"), ("en", "English")])
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    online_at = models.DateTimeField(null=True, editable=False, help_text="a page of theirs was last seen open")

    _clock_spans: "dict[str, Any] | None" = None  # read once by policies.clock.offers_writing
    _active_roles: "list[Role] | None" = None  # read once by policies.person.roles

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        english = (get_language() or "").startswith("en")
        return (self.name_en if english else self.name) or self.name or self.username

    def get_full_name(self) -> str:
        return self.display_name


class Role(models.Model):
    """What a person is at one hospital. A regulator and the province's scheduler belong to no hospital."""

    class Kind(models.TextChoices):
        DOCTOR = "doctor", _("Doctor")
        EXPERT = "expert", _("Specialist")
        SCHEDULER = "scheduler", _("Scheduler")
        REGULATOR = "regulator", _("Regulator")

    class Title(models.TextChoices):
        NONE = "", _("No title")
        RESIDENT = "resident", _("Resident physician")
        ATTENDING = "attending", _("Attending physician")
        ASSOCIATE = "associate_chief", _("Associate chief physician")
        CHIEF = "chief", _("Chief physician")

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="roles")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    hospital = models.ForeignKey(Hospital, null=True, blank=True, on_delete=models.PROTECT, related_name="roles")
    department = models.ForeignKey(Department, null=True, blank=True, on_delete=models.PROTECT, related_name="roles")
    title = models.CharField(max_length=16, choices=Title.choices, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                "person", "kind", Coalesce("hospital", 0), Coalesce("department", 0), name="role_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["scheduler", "regulator"]) | Q(hospital__isnull=False, department__isnull=False),
                name="clinical_role_has_department",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.hospital or ''}".strip()


class Licence(models.Model):
    """A practising licence; an opinion cannot be signed without one valid on the day."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="licences")
    number = models.CharField(max_length=40, unique=True)
    valid_from = models.DateField()
    valid_until = models.DateField()

    class Meta:
        ordering = ["-valid_until"]
        constraints = [
            models.CheckConstraint(condition=Q(valid_from__lte=F("valid_until")), name="licence_days_in_order")
        ]

    def __str__(self) -> str:
        return self.number

"""A patient sent to another hospital, up or down, with the letters of both sides."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from consult.models.consultation import Consultation
from consult.models.hospital import Department, Hospital
from consult.models.patient import Patient
from consult.states import ReferralState


class Referral(models.Model):
    """From one department to another. The texts of a letter that is not signed yet are nobody's but the page's."""

    class Direction(models.TextChoices):
        UP = "up", _("To the superior hospital")
        DOWN = "down", _("Back to the primary hospital")

    number = models.CharField(max_length=20, unique=True, help_text="R20261122-0001")
    direction = models.CharField(max_length=4, choices=Direction.choices)
    state = models.CharField(max_length=12, choices=ReferralState.choices, default=ReferralState.ASKED, db_index=True)
    consultation = models.ForeignKey(
        Consultation, null=True, blank=True, on_delete=models.PROTECT, related_name="referrals"
    )
    back_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="returns")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="referrals")
    from_hospital = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="referrals_sent")
    from_department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="referrals_sent")
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="referrals_sent")
    to_hospital = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="referrals_received")
    to_department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="referrals_received")
    receiver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="referrals_received"
    )
    bed = models.CharField(max_length=60, blank=True)
    comes_at = models.DateTimeField(null=True, blank=True, help_text="arranged")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["to_department", "state"]),
            models.Index(fields=["from_department", "state"]),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(from_hospital=F("to_hospital")), name="referral_between_two"),
            models.UniqueConstraint(
                fields=["consultation", "direction"],
                condition=Q(state__in=["ASKED", "ACCEPTED", "ARRANGED", "ARRIVED", "DISCHARGED"]),
                name="one_open_referral_of_a_consultation",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("referral", args=[self.pk])


class ReferralStep(models.Model):
    """What happened, when, by whom; both sides read it. Only added to."""

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="steps")
    name = models.CharField(max_length=12)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    words = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.referral_id} {self.name}"


class Letter(models.Model):
    """A signed letter; never changed. `said` is all it says, `sha256` over its canonical JSON."""

    class Kind(models.TextChoices):
        TRANSFER = "transfer", _("Transfer letter")
        DISCHARGE = "discharge", _("Discharge letter")

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="letters")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    said = models.JSONField()
    hospital = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="+", help_text="the signer's")
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["referral", "kind"], name="one_letter_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} letter {self.pk}"


class LetterSeal(models.Model):
    """A letter's PDF under the hospital's certificate, one a language; the bytes are a file by `sha256`."""

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="seals")
    language = models.CharField(max_length=10)
    sha256 = models.CharField(max_length=64)
    subject = models.CharField(max_length=200)
    serial = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["letter", "language"], name="one_letter_seal_of_a_language")]

    def __str__(self) -> str:
        return f"seal of letter {self.letter_id} {self.language}"

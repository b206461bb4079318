"""The specialist's opinion: a changing draft and signed versions that never change; and the asking side's decision."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consult.models.consultation import Consultation
from consult.models.hospital import Hospital
from consult.models.person import Role


class Opinion(models.Model):
    """One expert's opinion, or the joint report of a team, whose author is its chair.

    Its texts are the draft, hidden from the asking side; `draft_rev` guards lost edits.
    """

    class Kind(models.TextChoices):
        OWN = "own", _("Opinion")
        JOINT = "joint", _("Joint report")

    consultation = models.ForeignKey(Consultation, on_delete=models.PROTECT, related_name="opinions")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="opinions")
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.OWN)
    hospital = models.ForeignKey(
        Hospital,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="whose certificate signs it; set when it is signed",
    )
    put_at = models.DateTimeField(null=True, blank=True, help_text="when a joint report was put to the members")
    findings = models.TextField(blank=True)
    diagnosis = models.TextField(blank=True)
    recommendation = models.TextField(blank=True)
    diagnosis_codes = models.JSONField(default=list, blank=True, help_text="ICD-10, the main one first")
    critical = models.TextField(blank=True, help_text="what cannot wait; the asking side reads it back")
    amendment_reason = models.TextField(blank=True)
    draft_rev = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation", "author"], condition=Q(kind="own"), name="own_opinion_once"
            ),
            models.UniqueConstraint(fields=["consultation"], condition=Q(kind="joint"), name="joint_report_once"),
        ]

    def __str__(self) -> str:
        return f"opinion {self.pk}"


class OpinionVersion(models.Model):
    """What was signed, with identity, licence, time and hash. `sha256` is over the canonical JSON of all it says."""

    opinion = models.ForeignKey(Opinion, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(help_text="from 1")
    findings = models.TextField()
    diagnosis = models.TextField()
    recommendation = models.TextField()
    amendment_reason = models.TextField(blank=True)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    signer_name = models.CharField(max_length=60)
    signer_title = models.CharField(max_length=60, help_text="code of Role.Title")
    signer_hospital = models.CharField(max_length=120)
    licence_number = models.CharField(max_length=40)
    about = models.JSONField(default=dict, help_text="patient and request as they were when it was signed")
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["opinion", "number"], name="opinion_version_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="opinion_version_from_one"),
        ]

    def __str__(self) -> str:
        return f"opinion {self.opinion_id} v{self.number}"

    @property
    def signer_title_label(self) -> str:
        return str(dict(Role.Title.choices).get(self.signer_title, self.signer_title))


class Confirmation(models.Model):
    """What a member of the team says to the joint report as it was put: `sha256` is over its texts."""

    class Verdict(models.TextChoices):
        AGREE = "agree", _("Agrees")
        REMARK = "remark", _("Agrees with a remark")
        DISSENT = "dissent", _("Does not agree")

    report = models.ForeignKey(Opinion, on_delete=models.CASCADE, related_name="confirmations")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    words = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["report", "person"], name="confirmation_once"),
            models.CheckConstraint(condition=Q(verdict="agree") | ~Q(words=""), name="remark_has_words"),
        ]

    def __str__(self) -> str:
        return f"confirmation {self.pk}"


class Decision(models.Model):
    """What the asking side does with a signed opinion."""

    class Verdict(models.TextChoices):
        ADOPTED = "adopted", _("Adopted")
        PARTLY = "partly", _("Partly adopted")
        NOT = "not", _("Not adopted")

    version = models.OneToOneField(OpinionVersion, on_delete=models.PROTECT, related_name="decision")
    consultation = models.ForeignKey(Consultation, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    final_diagnosis = models.TextField()
    final_codes = models.JSONField(default=list, blank=True, help_text="ICD-10, the main one first")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(verdict="adopted") | ~Q(reason=""), name="not_adopted_says_why")
        ]

    def __str__(self) -> str:
        return f"decision {self.pk}"

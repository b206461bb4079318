"""A consultation: one question about one patient, asked by one hospital of another; and who takes part."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from consult.models.hospital import Department, Hospital, Specialty
from consult.models.patient import Patient
from consult.models.person import Role
from consult.states import MemberState, State


class Urgency(models.TextChoices):
    EMERGENCY = "emergency", _("Emergency")
    URGENT = "urgent", _("Urgent")
    ROUTINE = "routine", _("Routine")


class Consultation(models.Model):
    """The request with all fields an invitation must carry, and where it stands.

    `revision` counts every change; `message_seq` is the last message's number. Both only grow.
    """

    class Purpose(models.TextChoices):
        DIAGNOSIS = "diagnosis", _("Diagnosis")
        TREATMENT = "treatment", _("Treatment plan")
        IMAGING = "imaging", _("Reading of images")
        REFERRAL = "referral", _("Whether to transfer the patient")
        TEACHING = "teaching", _("Guidance of a procedure")

    number = models.CharField(  # noqa: DJ001  (null, so that drafts without one stay unique)
        max_length=20, unique=True, null=True, help_text="given at submit: C20261122-0001"
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.DRAFT, db_index=True)
    revision = models.PositiveIntegerField(default=1)
    message_seq = models.PositiveIntegerField(default=0)

    hospital = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="requests")
    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="requests")
    asker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requests")
    patient = models.ForeignKey(Patient, null=True, blank=True, on_delete=models.PROTECT, related_name="consultations")

    urgency = models.CharField(max_length=10, choices=Urgency.choices, blank=True)
    purpose = models.CharField(max_length=12, choices=Purpose.choices, blank=True)
    reason = models.TextField(blank=True)
    wanted_at = models.DateTimeField(null=True, blank=True)
    record_summary = models.TextField(blank=True)
    tests = models.TextField(blank=True)
    present_diagnosis = models.TextField(blank=True)
    present_codes = models.JSONField(default=list, blank=True, help_text="ICD-10, the main one first")
    question = models.TextField(blank=True)
    specialty = models.CharField(max_length=24, choices=Specialty.choices, blank=True)
    title_wanted = models.CharField(max_length=16, choices=Role.Title.choices, blank=True)

    role_wanted = models.ForeignKey(
        Role,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the specialist the asking doctor would like; the desk decides",
    )
    asked_hospital = models.ForeignKey(
        Hospital,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="asked",
        help_text="set when assigned",
    )
    asked_department = models.ForeignKey(
        Department, null=True, blank=True, on_delete=models.PROTECT, related_name="asked"
    )
    expert = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="answers"
    )
    last_reason = models.TextField(blank=True, help_text="of the last move that needed words")

    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    due_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="of the running clock, so that lists can be ordered by it"
    )
    submitted_at = models.DateTimeField(null=True, blank=True, db_index=True)
    offered_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    scheduled_at = models.DateTimeField(null=True, blank=True, help_text="booked: the call begins")
    scheduled_until = models.DateTimeField(null=True, blank=True)
    session_started_at = models.DateTimeField(null=True, blank=True)
    session_ended_at = models.DateTimeField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["hospital", "state"]),
            models.Index(fields=["expert", "state"]),
            models.Index(fields=["asked_department", "state"]),
            models.Index(fields=["-changed_at", "-id"], name="consultations_newest_first"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["DRAFT", "CANCELLED"])
                | Q(number__isnull=False, submitted_at__isnull=False, patient__isnull=False),
                name="submitted_is_complete",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["OFFERED", "ACCEPTED", "SCHEDULED", "WAITING", "IN_SESSION", "INTERRUPTED"])
                | Q(expert__isnull=False, asked_department__isnull=False),
                name="offered_has_expert",
            ),
        ]

    def __str__(self) -> str:
        return self.number or f"#{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("consultation", args=[self.pk])

    @property
    def is_at_desk(self) -> bool:
        """It waits at a reading desk for the first who has time; `policies.consultation.AT_DESK` of many."""
        return self.state == State.TRIAGE and self.asked_department_id is not None and not self.expert_id

    @property
    def state_words(self) -> str:
        """The state as people say it: who waits at a reading desk is through triage."""
        return str(_("Waiting to be read")) if self.is_at_desk else self.get_state_display()


class Participant(models.Model):
    """Who takes part, on which side. Access follows these rows and the workflow, never a form field."""

    class Side(models.TextChoices):
        ASKING = "asking", _("Asking side")
        ANSWERING = "answering", _("Answering side")

    consultation = models.ForeignKey(Consultation, on_delete=models.CASCADE, related_name="participants")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="participations")
    side = models.CharField(max_length=10, choices=Side.choices)
    since = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    last_joined_at = models.DateTimeField(null=True, blank=True)
    last_left_at = models.DateTimeField(null=True, blank=True)
    standing = models.CharField(max_length=10, choices=MemberState.choices, blank=True, help_text="of a team's member")
    department = models.ForeignKey(
        Department,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the member answers for",
    )
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    stood_at = models.DateTimeField(null=True, blank=True, help_text="when the standing last changed")
    words = models.TextField(blank=True, help_text="why declined, or why the team closed without")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["person"], name="participant_in_team", condition=~Q(standing=""))]
        constraints = [
            models.UniqueConstraint(fields=["consultation", "person"], name="participant_once"),
            models.CheckConstraint(
                condition=Q(standing="") | Q(department__isnull=False, stood_at__isnull=False),
                name="member_has_department",
            ),
            models.CheckConstraint(
                condition=~Q(standing__in=["DECLINED", "EXCUSED"]) | ~Q(words=""), name="left_team_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"participant {self.pk}"


class DayNumber(models.Model):
    """The last number given on a day of the site's zone."""

    day = models.DateField(unique=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day:%Y%m%d} {self.last}"

"""When a call takes place: a specialist's time held, then booked; and who waits for some.

What nobody may book twice is a cell: a quarter of an hour of one person. A booking of any length is the rows of its
cells, so that a unique constraint refuses what overlaps on every database.
"""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from consult.models.consultation import Consultation

CELL = timedelta(minutes=15)


class Booking(models.Model):
    """Held until `held_until`, then booked or free again. A row stays when it is free: it says why."""

    class State(models.TextChoices):
        HELD = "held", _("On hold")
        BOOKED = "booked", _("Booked")
        FREE = "free", _("Free again")

    class Why(models.TextChoices):
        RELEASED = "released", _("Given back")
        EXPIRED = "expired", _("Not booked in time")
        MOVED = "moved", _("Another time was booked")
        CANCELLED = "cancelled", _("Cancelled")
        DISPLACED = "displaced", _("Taken over by an urgent booking")
        ENDED = "ended", _("Took place or ended otherwise")

    consultation = models.ForeignKey(Consultation, on_delete=models.CASCADE, related_name="bookings")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bookings")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.HELD)
    held_until = models.DateTimeField(null=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", help_text="null: was offered"
    )
    at = models.DateTimeField(auto_now_add=True)
    booked_at = models.DateTimeField(null=True)
    override = models.BooleanField(default=False, help_text="over others or outside the roster")
    reason = models.TextField(blank=True, help_text="of another time, or of the override")
    freed_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=10, choices=Why.choices, blank=True)
    conflict_told_at = models.DateTimeField(null=True, help_text="the schedulers know that the shift is gone")
    absence_told_at = models.DateTimeField(null=True, help_text="both sides know that nobody began")

    class Meta:
        ordering = ["starts_at", "id"]
        indexes = [models.Index(fields=["person", "starts_at"]), models.Index(fields=["state", "starts_at"])]
        constraints = [
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="booking_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(state="held", held_until__isnull=False) | Q(state="booked") | Q(state="free"),
                name="held_booking_expires",
            ),
            models.CheckConstraint(
                condition=Q(state="free", freed_at__isnull=False) | (~Q(state="free") & Q(freed_at=None)),
                name="free_booking_says_when",
            ),
            models.UniqueConstraint(fields=["consultation"], name="one_held_booking", condition=Q(state="held")),
            models.UniqueConstraint(fields=["consultation"], name="one_booked_booking", condition=Q(state="booked")),
        ]

    def __str__(self) -> str:
        return f"booking {self.pk} {self.state}"


class BookedCell(models.Model):
    """A quarter of an hour of a person that is held or booked; gone when it is free."""

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="cells")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["person", "at"], name="cell_booked_once")]

    def __str__(self) -> str:
        return f"cell {self.pk}"


class Waiting(models.Model):
    """A consultation that found no free time of its specialist; the next that gets free is offered to it."""

    consultation = models.ForeignKey(Consultation, on_delete=models.CASCADE, related_name="waitings")
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint(fields=["consultation"], name="waits_once", condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"waiting {self.pk}"

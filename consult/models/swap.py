"""A shift that one specialist asks another to take, alone or for one of theirs."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from consult.models.person import Role
from consult.models.roster import Shift
from consult.states import SwapState


class Swap(models.Model):
    """`shift` goes from its `giver` to `taker`, of the same department; `back`, if any, the other way.

    Both shifts as they were when it was asked are kept in words of time, also when they are gone.
    """

    giver = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="swaps_asked")
    taker = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="swaps_wanted")
    shift = models.ForeignKey(Shift, null=True, on_delete=models.SET_NULL, related_name="swaps")
    back = models.ForeignKey(Shift, null=True, on_delete=models.SET_NULL, related_name="swaps_back")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    back_starts_at = models.DateTimeField(null=True)
    back_ends_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=SwapState.choices, default=SwapState.ASKED)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", help_text="who ended it"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(giver=F("taker")), name="swap_between_two"),
            models.UniqueConstraint(
                fields=["shift"], name="swap_of_a_shift_once", condition=Q(state__in=["ASKED", "ACCEPTED"])
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True, decided_at__isnull=True)
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="swap_decided_by_and_at",
            ),
        ]

    def __str__(self) -> str:
        return f"swap {self.pk}"

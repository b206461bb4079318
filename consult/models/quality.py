"""How good the call was for one page of one person: kept with the consultation's record."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from consult.models.consultation import Consultation


class CallQuality(models.Model):
    """Sums since that page joined, written again every half minute: what is here holds up to `seen_at`.

    Shares are 0 to 1, rates kbit/s. Figures of the page are its own words; those that begin with `relay_` are the
    relay's, of what it received from this page, and null when it told none.
    """

    consultation = models.ForeignKey(Consultation, on_delete=models.PROTECT, related_name="qualities")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    session = models.CharField(max_length=64, help_text="of the page in the call")
    began_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()

    seconds = models.PositiveIntegerField(default=0, help_text="measured")
    slow = models.PositiveIntegerField(default=0, help_text="seconds of them with two bars")
    poor = models.PositiveIntegerField(default=0, help_text="seconds with one bar")
    lost = models.PositiveIntegerField(default=0, help_text="seconds without a connection")
    loss_in = models.FloatField(default=0, help_text="share of packets that did not arrive, mean")
    loss_out = models.FloatField(default=0)
    trip_ms = models.PositiveIntegerField(default=0, help_text="there and back, mean")
    trip_worst_ms = models.PositiveIntegerField(default=0)
    jitter_ms = models.PositiveIntegerField(default=0, help_text="mean")
    frozen_seconds = models.FloatField(default=0, help_text="a picture stood still")
    up_kbps = models.PositiveIntegerField(default=0, help_text="mean")
    down_kbps = models.PositiveIntegerField(default=0)

    relay_packets = models.PositiveBigIntegerField(null=True)
    relay_lost = models.PositiveBigIntegerField(null=True)
    relay_jitter_ms = models.FloatField(null=True)
    relay_trip_ms = models.FloatField(null=True)

    class Meta:
        ordering = ["began_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["consultation", "person", "session"], name="quality_once"),
            models.CheckConstraint(
                condition=Q(loss_in__gte=0, loss_in__lte=1, loss_out__gte=0, loss_out__lte=1), name="quality_shares"
            ),
            models.CheckConstraint(
                condition=Q(relay_packets=None, relay_lost=None)
                | Q(relay_packets__isnull=False, relay_lost__isnull=False),
                name="quality_relay_both",
            ),
        ]

    def __str__(self) -> str:
        return f"quality {self.pk}"

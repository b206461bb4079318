"""Registered relays and which room lives on which."""

from django.db import models


class Relay(models.Model):
    """A relay that dialled in. Live while `seen_at` is younger than 6 s and `channel` is not empty.

    `move_at`: its rooms may move from then on; empty while nobody has found it gone. `draining` is the operator's wish
    and stays, `leaving` the relay's own word before it ends. `busy`: its processor has no room for new rooms.
    """

    name = models.CharField(max_length=60, unique=True)
    channel = models.CharField(max_length=120, blank=True, help_text="channel layer name of its link's consumer")
    address = models.CharField(max_length=200)
    port = models.PositiveIntegerField()
    capacity = models.PositiveIntegerField(default=0)
    version = models.CharField(max_length=20, blank=True)
    rooms = models.PositiveIntegerField(default=0)
    participants = models.PositiveIntegerField(default=0)
    load = models.FloatField(default=0)
    seen_at = models.DateTimeField()
    move_at = models.DateTimeField(null=True, blank=True)
    draining = models.BooleanField(default=False)
    leaving = models.BooleanField(default=False)
    busy = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def empties(self) -> bool:
        """Whether its rooms are to move as soon as another relay has room."""
        return self.draining or self.leaving


class Placement(models.Model):
    """The relay a consultation's room lives on, and who is there as that relay last told (docs/protocol.md, `room`).

    After a move, `at`, those who have not yet come to the new relay stay among `peers`, marked `moving`; on `former`
    their media still run.
    """

    consultation = models.OneToOneField("consult.Consultation", on_delete=models.CASCADE, related_name="placement")
    relay = models.ForeignKey(Relay, on_delete=models.CASCADE, related_name="placements")
    former = models.ForeignKey(Relay, on_delete=models.SET_NULL, null=True, blank=True, related_name="moved_away")
    at = models.DateTimeField(auto_now_add=True)
    peers = models.JSONField(default=list)
    tracks = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"placement {self.pk}"

"""Registered relays and which room lives on which."""

from django.db import models


class Relay(models.Model):
    """A relay that dialled in. Live while `seen_at` is younger than 6 s and `channel` is not empty."""

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

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Placement(models.Model):
    """The relay a consultation's room lives on, and who is there as that relay last told (docs/protocol.md, `room`)."""

    consultation = models.OneToOneField("consult.Consultation", on_delete=models.CASCADE, related_name="placement")
    relay = models.ForeignKey(Relay, on_delete=models.CASCADE, related_name="placements")
    at = models.DateTimeField(auto_now_add=True)
    peers = models.JSONField(default=list)
    tracks = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"placement {self.pk}"

"""A secret address under which a calendar program fetches a person's shifts. Only the secret's SHA-256 is kept."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class RosterFeed(models.Model):
    """`digest` is of 256 random bits, so that a plain hash is enough."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="roster_feeds")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the secret, hex")
    made_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to ten minutes")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["person"], name="one_roster_feed_each", condition=Q(revoked_at=None))
        ]

    def __str__(self) -> str:
        return f"roster feed {self.pk}"

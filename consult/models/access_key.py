"""A key with which a program acts as its owner over DICOMweb. The key itself is never kept, only its SHA-256."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class AccessKey(models.Model):
    """`digest` is of 256 random bits, so that a plain hash is enough. `hint` is how the key begins."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_keys")
    name = models.CharField(max_length=60, help_text="what it is for")
    hint = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key, hex")
    may_read = models.BooleanField(default=False, help_text="search and fetch")
    may_store = models.BooleanField(default=False)
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to ten minutes")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "name"], name="access_key_name_once", condition=Q(revoked_at=None)
            ),
            models.CheckConstraint(condition=Q(may_read=True) | Q(may_store=True), name="access_key_opens_something"),
            models.CheckConstraint(
                condition=Q(revoked_by__isnull=True, revoked_at__isnull=True)
                | Q(revoked_by__isnull=False, revoked_at__isnull=False),
                name="access_key_revoked_by_and_at",
            ),
        ]

    def __str__(self) -> str:
        return f"access key {self.pk}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

"""Who did or read what, when: append-only (database triggers refuse UPDATE and DELETE) and hash-chained."""

from django.db import models


class AuditEntry(models.Model):
    """`hash` = SHA-256 of `prev_hash` and the entry's canonical JSON; `seq` counts from 1 without gaps."""

    seq = models.PositiveBigIntegerField(unique=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=150, help_text="username, or system")
    hospital = models.CharField(max_length=40, blank=True, help_text="code of the actor's hospital")
    action = models.CharField(max_length=60, help_text="noun.verb")
    object_kind = models.CharField(max_length=30)
    object_id = models.CharField(max_length=40)
    consultation = models.BigIntegerField(null=True, db_index=True)
    detail = models.JSONField(default=dict)
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["seq"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.seq} {self.action}"


class AuditHead(models.Model):
    """One row: the number and hash of the newest entry. Locked while an entry is added."""

    seq = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"head {self.seq}"

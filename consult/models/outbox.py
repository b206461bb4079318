"""What must happen later, written in the business transaction. Celery is only the bell."""

from django.db import models
from django.db.models import Q


class Job(models.Model):
    """Due work. Open while `done_at` is empty; taken while `lease_until` is in the future; handlers may run twice."""

    kind = models.CharField(max_length=60)
    payload = models.JSONField(default=dict, help_text="ids only, never patient data")
    key = models.CharField(max_length=120, blank=True, help_text="one open job of a kind and key")
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(db_index=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True, help_text="given up after the last attempt")
    error_id = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["due_at", "id"]
        indexes = [models.Index(fields=["due_at"], name="job_open", condition=Q(done_at=None, failed_at=None))]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"],
                name="job_open_once",
                condition=Q(done_at=None, failed_at=None) & ~Q(key=""),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Beat(models.Model):
    """One line of the schedule. Who moves `due_at` on first runs it: the row is the lock between processes."""

    name = models.CharField(max_length=60, unique=True)
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

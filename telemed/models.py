"""Signs of life of the processes that no request ever meets."""

from django.db import models


class Beacon(models.Model):
    """The last sign of life of `worker`: a job that `holder` (host.process) ran."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=120, blank=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

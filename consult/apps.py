"""The consultation workflow: people, requests, opinions, calls."""

from django.apps import AppConfig


class ConsultConfig(AppConfig):
    name = "consult"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Importing registers what the outbox may ask for, in every process that sweeps it."""
        from consult.services import escalation, notification  # noqa: F401

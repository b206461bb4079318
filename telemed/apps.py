"""Loads the Celery application with Django, so that every process that writes a job can ring the bell."""

from django.apps import AppConfig


class TelemedConfig(AppConfig):
    name = "telemed"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from telemed import celery  # noqa: F401

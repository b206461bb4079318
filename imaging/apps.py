"""Images: intake, decoding, serving, looking together."""

from django.apps import AppConfig


class ImagingConfig(AppConfig):
    name = "imaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Importing registers what the outbox may ask for."""
        from imaging.services import arrivals, exporting, intake, prepare, storing, unpack  # noqa: F401

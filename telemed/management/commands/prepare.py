"""`manage.py prepare`: what a start needs that may be missing: translations, migrations, demo data when empty."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Compile translations, migrate, and fill an empty database with demo data while DEBUG is on."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("translations")
        call_command("migrate", verbosity=0, interactive=False)
        if settings.LOCAL and not get_user_model().objects.exists():
            call_command("demo")

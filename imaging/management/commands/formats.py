"""`manage.py formats`: writes docs/formats.md, what becomes of every DICOM file of pydicom's wheel and pydicom-data."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Write docs/formats.md: which known DICOM files are shown as pydicom decodes them, which are refused."

    def handle(self, *args: Any, **options: Any) -> None:
        from imaging.services import formats  # reads files by itself: only here, never in the site

        rows = [formats.judge(path, path.relative_to(formats.WHEEL).as_posix()) for path in formats.wheel()]
        others = [formats.judge(path, path.name) for path in formats.more()]
        page = Path(settings.BASE_DIR) / "docs" / "formats.md"
        page.write_text(formats.document(rows, others))
        self.stdout.write(f"{page}: {len(rows) + len(others)} files")

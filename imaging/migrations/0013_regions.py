import json
from pathlib import Path

from django.conf import settings
from django.db import migrations

from imaging.dicom import regions


def fill(apps, _schema_editor):
    """Ultrasound of before, from the descriptions beside the images: which of its parts have a scale."""
    Image = apps.get_model("imaging", "Image")
    for image in Image.objects.filter(modality="US", state__in=["ready", "held"]).only("folder", "facts").iterator():
        if "dtype" not in image.facts or "regions" in image.facts:
            continue
        try:
            described = json.loads((Path(settings.MEDIA_ROOT) / "images" / image.folder / "shown" / "metadata.json").read_bytes())
        except (OSError, ValueError):
            continue
        image.facts |= regions.of(described)
        image.save(update_fields=["facts"])


class Migration(migrations.Migration):

    dependencies = [
        ("imaging", "0012_export_cleaned"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]

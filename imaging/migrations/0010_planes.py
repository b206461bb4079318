import json
from pathlib import Path

from django.conf import settings
from django.db import migrations

from imaging.dicom import planes


def fill(apps, _schema_editor):
    """Images of before, from the descriptions beside them: where their frames lie in the patient."""
    Image = apps.get_model("imaging", "Image")
    for image in Image.objects.filter(kind="dicom", state__in=["ready", "held"]).only("folder", "frames", "facts").iterator():
        if "dtype" not in image.facts or "plane" in image.facts:
            continue
        try:
            described = json.loads((Path(settings.MEDIA_ROOT) / "images" / image.folder / "shown" / "metadata.json").read_bytes())
        except (OSError, ValueError):
            continue
        image.facts |= planes.of(described, image.frames)
        image.save(update_fields=["facts"])


class Migration(migrations.Migration):

    dependencies = [
        ("imaging", "0009_attributes"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]

import json
from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from imaging.dicom.names import LARGEST, TAGS


def fill(apps, _schema_editor):
    """Images of before, from the descriptions beside them; what has none is filled by its first search."""
    Image, Attributes = apps.get_model("imaging", "Image"), apps.get_model("imaging", "Attributes")
    rows = Image.objects.filter(kind="dicom", state__in=["ready", "held"])
    made = []
    for pk, folder in rows.values_list("pk", "folder").iterator():
        try:
            described = json.loads((Path(settings.MEDIA_ROOT) / "images" / folder / "shown" / "metadata.json").read_bytes())
        except (OSError, ValueError):
            continue
        said = {tag: described[tag] for tag in TAGS.values() if tag in described}
        said = {tag: each if len(json.dumps(each)) <= LARGEST else None for tag, each in said.items()}
        made.append(Attributes(image_id=pk, said=said))
        if len(made) == 200:
            Attributes.objects.bulk_create(made)
            made = []
    Attributes.objects.bulk_create(made)


class Migration(migrations.Migration):

    dependencies = [
        ('imaging', '0008_annotation'),
    ]

    operations = [
        migrations.CreateModel(
            name='Attributes',
            fields=[
                ('image', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='attributes', serialize=False, to='imaging.image')),
                ('said', models.JSONField(default=dict)),
            ],
            options={
                'verbose_name_plural': 'attributes',
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]

"""What consultations are found by; on PostgreSQL with a trigram index, where the extension may be had."""

import django.db.models.deletion
from django.db import DatabaseError, migrations, models, transaction

INDEX = "consult_searchentry_folded"


def index(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        print(f" (no pg_trgm: {error}; searches of the whole province will read every row)", end="")
        return
    schema_editor.execute(f"CREATE INDEX {INDEX} ON consult_searchentry USING gin (folded gin_trgm_ops)")


def unindex(apps, schema_editor):
    schema_editor.execute(f"DROP INDEX IF EXISTS {INDEX}")


class Migration(migrations.Migration):
    dependencies = [("consult", "0016_diagnosis_codes")]

    operations = [
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                (
                    "consultation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="entry",
                        serialize=False,
                        to="consult.consultation",
                    ),
                ),
                ("text", models.TextField()),
                ("folded", models.TextField()),
            ],
        ),
        migrations.RunPython(index, unindex),
    ]

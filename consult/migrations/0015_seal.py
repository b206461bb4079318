"""Signed PDFs of opinions; the database refuses to change or remove their rows, as those of what they print."""

import django.db.models.deletion
from django.db import migrations, models

TABLE = "consult_seal"


def refuse(apps, schema_editor):
    for verb in ("UPDATE", "DELETE"):
        if schema_editor.connection.vendor == "postgresql":
            body = "FOR EACH ROW EXECUTE FUNCTION consult_append_only()"
        else:
            body = f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
        schema_editor.execute(f"CREATE TRIGGER {TABLE}_no_{verb.lower()} BEFORE {verb} ON {TABLE} {body}")


def allow(apps, schema_editor):
    on = f" ON {TABLE}" if schema_editor.connection.vendor == "postgresql" else ""
    for verb in ("update", "delete"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_no_{verb}{on}")


class Migration(migrations.Migration):
    dependencies = [("consult", "0014_clock")]

    operations = [
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(max_length=10)),
                ("sha256", models.CharField(help_text="of the PDF, hex", max_length=64)),
                ("size", models.PositiveIntegerField(help_text="bytes")),
                ("subject", models.CharField(help_text="whose certificate", max_length=200)),
                ("issuer", models.CharField(max_length=200)),
                ("serial", models.CharField(help_text="of the certificate, hex", max_length=64)),
                ("stamped", models.BooleanField(help_text="with a server's time stamp: PAdES B-T, else B-B")),
                ("made_at", models.DateTimeField()),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="seals",
                        to="consult.opinionversion",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("version", "language"), name="one_seal_of_a_language")
                ],
            },
        ),
        migrations.RunPython(refuse, allow),
    ]

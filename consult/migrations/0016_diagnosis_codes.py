"""ICD-10 codes beside the words of present, signed and final diagnoses."""

from django.db import migrations, models


def codes():
    return models.JSONField(blank=True, default=list, help_text="ICD-10, the main one first")


class Migration(migrations.Migration):
    dependencies = [("consult", "0015_seal")]

    operations = [
        migrations.AddField("consultation", "present_codes", codes()),
        migrations.AddField("opinion", "diagnosis_codes", codes()),
        migrations.AddField("decision", "final_codes", codes()),
    ]

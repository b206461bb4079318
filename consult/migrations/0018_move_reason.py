"""Words given with a move are kept one by one: the consultation itself knows only the last ones."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consult", "0017_search")]

    operations = [
        migrations.CreateModel(
            name="MoveReason",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("move", models.CharField(help_text="name in states.MOVES", max_length=20)),
                ("words", models.TextField()),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "consultation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reasons",
                        to="consult.consultation",
                    ),
                ),
                (
                    "hospital",
                    models.ForeignKey(
                        help_text="asked at that moment",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="consult.hospital",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [models.Index(fields=["move", "at"], name="reasons_of_a_move")],
            },
        ),
    ]

"""A process that only knows the outbox still knows who handles its jobs."""

import subprocess
import sys

import pytest
from django.conf import settings

ASK = """
import django; django.setup()
from consult.services import outbox
print("notification.deliver" in outbox._handlers)
"""


@pytest.mark.slow
def test_every_process_can_deliver_news() -> None:
    env = {"DJANGO_SETTINGS_MODULE": "telemed.settings", "DATA_DIR": str(settings.DATA_DIR), "PATH": ""}
    asked = subprocess.run(
        [sys.executable, "-c", ASK], env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    assert asked.stdout == "True\n"

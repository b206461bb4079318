"""The list of devices that may send: kept and tested by administrators; who was sent away is counted."""

import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed
from consult.models import User
from consult.services import audit
from imaging.models import Arrival, Device, Echo, Knock
from imaging.policies import arrival as arrivals
from imaging.policies import device as policies

FIELDS = ("name", "ae_title", "address", "port", "quota_mb")
KNOCKS = 200  # rows kept, the newest
QUIET = timedelta(seconds=10)  # in which the same knock is counted once
PATIENCE = 20  # seconds: the echo's own limits end it before


def _must_manage(by: User) -> None:
    if not policies.may_manage(by):
        raise NotAllowed("may_not_manage", _("Only administrators of the site look after devices."))


def keep(*, device: Device, by: User | None) -> Device:
    """Add or change one; `by` None is the command line. The listener asks the list for every association.

    Raises ValidationError for what is no AE title or address, or stands on the list already.
    """
    if by is not None:
        _must_manage(by)
    device.full_clean()
    before = Device.objects.filter(pk=device.pk).first() if device.pk else None
    changed = {
        name: getattr(device, name) for name in FIELDS if not before or getattr(before, name) != getattr(device, name)
    }
    with transaction.atomic():
        device.save(update_fields=[*FIELDS] if before else None)
        action = "device.change" if before else "device.add"
        audit.record(by=by, action=action, thing=device, detail=changed)
    return device


def switch(*, device: Device, by: User | None, active: bool) -> None:
    """Let it send, or keep it out from its next instance on. What it sent stays; so does the row: arrivals name it."""
    if by is not None:
        _must_manage(by)
    with transaction.atomic():
        if not Device.objects.filter(pk=device.pk, active=not active).update(active=active):
            raise Conflict("switched", _("Somebody has already done that."))
        audit.record(by=by, action="device.let_in" if active else "device.remove", thing=device)


def test(*, device: Device, by: User) -> str:
    """Send it a C-ECHO and say what became of that, an `Echo`. By a program of its own: its answer is a stranger's."""
    _must_manage(by)
    command = [sys.executable, "-m", "imaging.dimse.echo", device.address, str(device.port)]
    command += [settings.DICOM_AE_TITLE, device.ae_title, *settings.DICOM_TLS]
    try:
        done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=PATIENCE)
        said = done.stdout.strip()
    except subprocess.TimeoutExpired:
        said = Echo.UNREACHABLE
    if said not in Echo.values:
        said = Echo.UNREACHABLE
    with transaction.atomic():
        Device.objects.filter(pk=device.pk).update(tested_at=timezone.now(), test_said=said)
        audit.record(by=by, action="device.test", thing=device, detail={"said": said})
    return str(said)


def waiting(hospitals: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Of each hospital the `files` and `bytes` of its devices that no consultation has yet."""
    rows = Arrival.objects.filter(device__hospital__in=hospitals, state__in=arrivals.OPEN).order_by()
    found = rows.values("device__hospital").annotate(files=Count("pk"), bytes=Sum("size"))
    return {row["device__hospital"]: {"files": row["files"], "bytes": row["bytes"]} for row in found}


def knocked(*, address: str, reason: str, calling: str = "", called: str = "") -> None:
    """Somebody was sent away. At most KNOCKS rows, and one write in QUIET for the same."""
    now = timezone.now()
    rows = Knock.objects.filter(address=address, reason=reason, calling=calling[:16], called=called[:16])
    if rows.exists():
        rows.filter(at__lt=now - QUIET).update(count=F("count") + 1, at=now)
        return
    try:
        Knock.objects.create(address=address, reason=reason, calling=calling[:16], called=called[:16], at=now)
    except IntegrityError:  # another thread was first
        return
    old = Knock.objects.order_by("-at", "-pk").values_list("pk", flat=True)[KNOCKS : 2 * KNOCKS]
    Knock.objects.filter(pk__in=list(old)).delete()


def why(error: ValidationError) -> str:
    """For the command line: field and words."""
    return "; ".join(f"{field}: {' '.join(words)}" for field, words in error.message_dict.items())

"""`manage.py serve`: the whole product in the foreground: site, relays and worker, supervised."""

import asyncio
import contextlib
import errno
import http.client
import os
import signal
import socket
import sys
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from telemed.supervisor import Child, GaveUp, Supervisor, say

READY_SECONDS = 60
DEMO_ACCOUNTS = {
    "doctor.nitun": "township doctor, asks",
    "doctor.haizhou": "doctor of another hospital",
    "expert.provincial": "cardiologist, answers",
    "expert.bethune": "radiologist, answers",
    "scheduler": "receives and assigns requests",
    "regulator": "reads the audit",
}
SITE_SECRETS = {
    "SECRET_KEY",
    "RECORDING_KEY",
    "RECORDING_OLD_KEYS",
    "DATABASE_URL",
    "REDIS_URL",
    "TURN_SECRET",
    "METRICS_TOKEN",
    "EMAIL_URL",
    "SMS_HOOK_URL",
    "SMS_HOOK_SECRET",
    "VAPID_SECRET",
    "SEAL_KEYS",
    "SEAL_TIME_STAMP_URL",
    "DICOM_TLS_KEY",
    "S3_ENDPOINT_URL",
    "S3_ACCESS_KEY",
    "S3_SECRET_KEY",
}  # nothing a relay has to know
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - translated, not bound


class Command(BaseCommand):
    help = "Run the site, its relays and its worker in the foreground until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(_listen(settings.HOST, settings.PORT))
            for number in range(settings.RELAYS):
                _check_udp(settings.RELAY_PORT + number if settings.RELAY_PORT else 0)
            supervisor = Supervisor(_children(listener))
            try:
                asyncio.run(supervisor.run(beside=_greet))
            except GaveUp as reason:
                raise CommandError(str(reason), returncode=2) from None
        say("serve", "ended")


def _listen(host: str, port: int) -> socket.socket:
    """The site's listening socket. Held here, so that whoever connects while the site restarts only waits."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CommandError(_why(error, f"{host}:{port}", "PORT"), returncode=2) from None
    listener.listen(512)
    return listener


def _check_udp(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - as the relay does
        except OSError as error:
            raise CommandError(_why(error, f"UDP port {port}", "RELAY_PORT"), returncode=2) from None


def _why(error: OSError, what: str, variable: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{what} is already in use by another program. Stop that one, or choose another with {variable}=…"
    return f"{what} cannot be used ({error.strerror}). Choose another with {variable}=…"


def _children(listener: socket.socket) -> list[Child]:
    manage = [sys.executable, "manage.py"]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    children = [
        Child(
            "site",
            [*manage, "site", f"--fd={listener.fileno()}"],
            env,
            port=f"TCP port {settings.PORT}",
            pass_fds=(listener.fileno(),),
        )
    ]
    children += [_relay(number) for number in range(settings.RELAYS)]
    if settings.WORKER == "process":
        children.append(Child("worker", [*manage, "worker"], env))
    if settings.DICOM_PORT:
        children.append(Child("dicom", [*manage, "dicom_listener"], env, port=f"TCP port {settings.DICOM_PORT}"))
    return children


def _relay(number: int) -> Child:
    name = f"relay{number + 1}" if settings.RELAYS > 1 else "relay"
    port = settings.RELAY_PORT + number if settings.RELAY_PORT else 0
    host = ANY.get(settings.HOST, settings.HOST)
    env = {key: value for key, value in os.environ.items() if key.upper() not in SITE_SECRETS}
    env |= {
        "PYTHONUNBUFFERED": "1",
        "RELAY_SITE_URL": f"ws://{_bracketed(host)}:{settings.PORT}/ws/relay/",
        "RELAY_SECRET": settings.RELAY_SECRET,
        "RELAY_NAME": name,
        "RELAY_PORT": str(port),
        "RELAY_PUBLIC_ADDRESS": settings.RELAY_PUBLIC_ADDRESS,
        "RELAY_METRICS_PORT": str(settings.RELAY_METRICS_PORT + number) if settings.RELAY_METRICS_PORT else "",
        "RELAY_RECORDINGS": str(settings.DATA_DIR / name),
        "RELAY_LOG_LEVEL": settings.LOG_LEVEL,
    }
    # Not SIGTERM, which moves the calls first: when everything ends there is nowhere to move to.
    return Child(name, [sys.executable, "-m", "relay"], env, port=f"UDP port {port}", stop=signal.SIGINT)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def _greet() -> None:
    """Say where the site is as soon as it answers with every part up."""
    deadline = time.monotonic() + READY_SECONDS
    status = 0
    while status != http.client.OK and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        status = await asyncio.to_thread(_health)
    address = f"http://{_bracketed(ANY.get(settings.HOST, settings.HOST))}:{settings.PORT}/"
    if status != http.client.OK:
        say("serve", f"not everything is up after {READY_SECONDS} s: {address}healthz says what is missing")
        return
    say("serve", "")
    say("serve", f"Telemed is ready: {address}   (Ctrl-C ends it)")
    accounts = await asyncio.to_thread(_demo_accounts)
    if accounts:
        say("serve", "Demo accounts, password telemed-demo:")
    for account in accounts:
        say("serve", f"  {account:<18} {DEMO_ACCOUNTS[account]}")
    say("serve", "")


def _health() -> int:
    """The status of /healthz, 0 while nobody answers."""
    probe = http.client.HTTPConnection(ANY.get(settings.HOST, settings.HOST), settings.PORT, timeout=5)
    host = settings.ALLOWED_HOSTS[0].lstrip("*.") if settings.ALLOWED_HOSTS else "localhost"
    try:
        probe.request("GET", "/healthz", headers={"Host": host or "localhost"})
        return probe.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        probe.close()


def _demo_accounts() -> list[str]:
    if not settings.LOCAL:
        return []
    found = set(get_user_model().objects.filter(username__in=DEMO_ACCOUNTS).values_list("username", flat=True))
    connection.close()
    return [name for name in DEMO_ACCOUNTS if name in found]

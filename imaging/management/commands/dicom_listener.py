"""`manage.py dicom_listener`: takes images that the hospitals' devices push in (C-STORE, C-ECHO)."""

import errno
import logging
import resource
import signal
import ssl
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from imaging.models import Device
from imaging.services import decoding

MEMORY = 4 << 30
"""Bytes of address space: a device that claims more in one message loses its association, not everybody's."""


class Command(BaseCommand):
    help = "Listen for images from devices on the list (`manage.py dicom_devices`) until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.DICOM_HOST)
        parser.add_argument("--port", type=int, default=settings.DICOM_PORT or 11112)
        parser.add_argument("--ae-title", default=settings.DICOM_AE_TITLE, help="what devices must call")

    def handle(self, *args: Any, host: str, port: int, ae_title: str, **options: Any) -> None:
        from imaging.dimse import listener, secure  # the DICOM network's code is loaded here only

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # its lines name patients
        listener.forget_cut_files()
        decoding.warm_up()  # before the first device waits for it
        try:
            tls = secure.serving(*settings.DICOM_TLS) if settings.DICOM_TLS else None
            listening = listener.Listener(host, port, ae_title, tls)
        except ssl.SSLError as error:
            raise CommandError(
                f"DICOM_TLS_CERT, DICOM_TLS_KEY: no certificate and key that fit ({error.reason})"
            ) from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CommandError(f"TCP port {port} is already in use. Choose another with DICOM_PORT=…") from None
            raise CommandError(f"{host}:{port} cannot be used ({error.strerror}).") from None
        signal.signal(signal.SIGTERM, lambda *_: _end(listening))
        signal.signal(signal.SIGINT, lambda *_: _end(listening))
        count = Device.objects.filter(active=True).count()
        how = "TLS" if tls else "not encrypted"
        self.stdout.write(f"DICOM listener {ae_title} at {host}:{listening.port} ({how}), devices on the list: {count}")
        self.stdout.flush()
        listening.run()


def _end(listening: Any) -> None:
    """From a thread of its own: the signal came to the one that serves."""
    threading.Thread(target=listening.close).start()

"""`manage.py dicom_devices`: which devices may push images in."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from consult.models import Hospital
from imaging.models import Device
from imaging.services import devices

ROW = "{:<16} {:<39} {:<24} {:<8} {}"


class Command(BaseCommand):
    help = "List the devices. `add AE_TITLE ADDRESS HOSPITAL` lets one in, `remove AE_TITLE ADDRESS` keeps it out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", nargs="?", choices=["list", "add", "remove"], default="list")
        parser.add_argument("ae_title", nargs="?", default="", help="the device's own AE title")
        parser.add_argument("address", nargs="?", default="", help="the IP address it comes from")
        parser.add_argument("hospital", nargs="?", default="", help="code of the hospital it stands in")
        parser.add_argument("--name", default="", help="as people call it")

    def handle(self, *args: Any, act: str, ae_title: str, address: str, hospital: str, name: str, **_: Any) -> None:
        if act == "add":
            self._add(ae_title, address, hospital, name)
        elif act == "remove":
            self._remove(ae_title, address)
        self.stdout.write(ROW.format("AE title", "address", "hospital", "may", "last heard"))
        for device in Device.objects.select_related("hospital"):
            heard = f"{device.heard_at:%Y-%m-%d %H:%M} UTC" if device.heard_at else "never"
            may = "send" if device.active else "nothing"
            self.stdout.write(ROW.format(device.ae_title, device.address, device.hospital.code, may, heard))

    @transaction.atomic
    def _add(self, ae_title: str, address: str, code: str, name: str) -> None:
        place = Hospital.objects.filter(code=code).first()
        if place is None:
            known = ", ".join(Hospital.objects.values_list("code", flat=True)[:20])
            raise CommandError(f"there is no hospital {code!r}; known: {known}")
        device = Device.objects.filter(ae_title=ae_title, address=address).first() or Device(
            ae_title=ae_title, address=address, hospital=place
        )
        device.name = name or device.name
        if device.hospital_id != place.pk:
            raise CommandError(f"{ae_title} at {address} stands in {device.hospital.code}: remove nothing, ask there")
        try:
            devices.keep(device=device, by=None)
        except ValidationError as error:
            raise CommandError(devices.why(error)) from None
        if not device.active:
            devices.switch(device=device, by=None, active=True)

    @transaction.atomic
    def _remove(self, ae_title: str, address: str) -> None:
        """What it sent stays; so does the row, because arrivals name it."""
        device = Device.objects.filter(ae_title=ae_title, address=address, active=True).first()
        if device is None:
            raise CommandError(f"{ae_title} at {address} is not on the list")
        devices.switch(device=device, by=None, active=False)

"""A hospital's own devices on the DICOM network, and who else tried to send."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Echo(models.TextChoices):
    """What became of a C-ECHO to a device."""

    ANSWERED = "answered", _("It answered.")
    UNREACHABLE = "unreachable", _("Nothing answers at this address and port.")
    REJECTED = "rejected", _("It does not know our AE title, or does not take C-ECHO.")
    INSECURE = "insecure", _("No secure line (TLS): the certificates do not fit.")


class Device(models.Model):
    """A CT, an ultrasound, an archive: known by its AE title **and** its address, because a title is only a name."""

    hospital = models.ForeignKey("consult.Hospital", on_delete=models.PROTECT, related_name="devices")
    ae_title = models.CharField(max_length=16, help_text="PS3.8 section 9.3.2: of 1 to 16 characters")
    address = models.GenericIPAddressField(unpack_ipv4=True)
    name = models.CharField(max_length=80, blank=True, help_text="as people call it")
    active = models.BooleanField(default=True)
    heard_at = models.DateTimeField(null=True, blank=True, help_text="when it last sent something")
    port = models.PositiveIntegerField(
        default=104, validators=[MinValueValidator(1), MaxValueValidator(65535)], help_text="where it answers C-ECHO"
    )
    quota_mb = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(1_000_000)],
        help_text="MB of it that may wait; 0: the hospital's limit alone",
    )
    tested_at = models.DateTimeField(null=True, blank=True)
    test_said = models.CharField(max_length=12, choices=Echo.choices, blank=True, help_text="of the last C-ECHO sent")

    class Meta:
        ordering = ["hospital_id", "ae_title"]
        constraints = [models.UniqueConstraint(fields=["ae_title", "address"], name="device_once")]

    def __str__(self) -> str:
        return self.name or self.ae_title


class Knock(models.Model):
    """Who tried the DICOM port and was sent away, counted: nobody fills the table."""

    class Reason(models.TextChoices):
        ADDRESS = "address", _("No device on the list has this address.")
        TITLE = "title", _("No device at this address has this AE title.")
        CALLED = "called", _("It called another AE title than ours.")
        INSECURE = "insecure", _("No secure line (TLS): its certificate is missing or not known.")

    address = models.GenericIPAddressField(unpack_ipv4=True)
    calling = models.CharField(max_length=16, blank=True)
    called = models.CharField(max_length=16, blank=True)
    reason = models.CharField(max_length=10, choices=Reason.choices)
    count = models.PositiveIntegerField(default=1)
    at = models.DateTimeField(help_text="the last time")

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["address", "calling", "called", "reason"], name="knock_counted_once")
        ]

    def __str__(self) -> str:
        return f"{self.calling or '?'} at {self.address}"

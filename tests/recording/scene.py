"""A recording on its way, made by the real services: consents, people in the room, a log as a relay sends it."""

from pathlib import Path

from django.conf import settings
from django.utils import timezone

from consult.models import Consent, Consultation, Placement, Recording, RecordingLog, Relay, User
from consult.services import consent, recording, recording_files, recording_keys
from tests.cast import Cast, signature
from tests.recording import logs

CHANNEL = "specific.link"


def patient_agrees(thing: Consultation, by: User) -> Consent:
    return consent.record(
        consultation=thing,
        by=by,
        text=consent.current("recording"),
        signer_name="王桂英",
        relation="self",
        method="drawn",
        content=signature(),
    )


def in_call(thing: Consultation, *people: User) -> None:
    """These people, and nobody else, are in the room, as its relay tells it."""
    relay, _ = Relay.objects.get_or_create(
        name="one",
        defaults={"address": "127.0.0.1", "port": 10000, "capacity": 10, "seen_at": timezone.now(), "channel": CHANNEL},
    )
    peers = [
        {"peer": f"page-of-{each.username}", "username": each.username, "mic": True, "cam": True, "screen": False}
        for each in people
    ]
    Placement.objects.update_or_create(consultation=thing, defaults={"relay": relay, "peers": peers})
    recording.review(consultation=thing)


def move(thing: Consultation, channel: str) -> None:
    """The room is on another relay now, with the same people."""
    relay = Relay.objects.create(
        name=channel, address="127.0.0.1", port=10001, capacity=10, seen_at=timezone.now(), channel=channel
    )
    Placement.objects.filter(consultation=thing).update(relay=relay)


def asked(cast: Cast, thing: Consultation) -> Recording:
    """Both sides are there, the patient agreed, the doctor asked."""
    patient_agrees(thing, cast.doctor)
    in_call(thing, cast.doctor, cast.expert)
    return recording.ask(consultation=thing, by=cast.doctor)


def running(cast: Cast, thing: Consultation) -> Recording:
    return recording.answer(recording=asked(cast, thing), by=cast.expert, agrees=True)


def orders() -> list[recording.Order]:
    return recording.orders(channel=CHANNEL)


def heard(log: str, state: str, reason: str = "", seconds: float = 0.0, lost: int = 0) -> None:
    recording.heard(channel=CHANNEL, log=log, state=state, reason=reason, seconds=seconds, lost=lost)


def log_for(row: Recording, name: str, folder: Path, *, seconds: float = 2.0, whole: bool = True) -> bytes:
    """What a relay writes of a call of the doctor and the specialist, with the recording's key."""
    people = [logs.Publisher("doctor.nitun", 1), logs.Publisher("expert.provincial", 3)]
    path = logs.conversation(folder / f"{name}.log", people, seconds, whole=whole, key=recording_keys.key_of(row))
    return path.read_bytes()


def ready(cast: Cast, thing: Consultation, *, seconds: float = 2.0, whole: bool = True) -> Recording:
    """Recorded, stopped, arrived and cut."""
    row = running(cast, thing)
    name = orders()[0].log
    heard(name, "running")
    folder = Path(settings.RECORDINGS_ROOT).parent
    content = log_for(row, name, folder, seconds=seconds, whole=whole)
    assert recording_files.append(name=name, offset=0, content=content) == len(content)
    recording.stop(recording=row, by=cast.doctor)
    recording_files.arrived(name=name)
    recording_files.cut_recording(recording=row.pk)
    row.refresh_from_db()
    return row


def log_of(row: Recording) -> RecordingLog:
    found = row.logs.last()
    assert found is not None
    return found

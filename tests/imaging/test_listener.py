"""The DICOM listener: dcmtk and pynetdicom as devices, strangers, and what a kill leaves."""

import contextlib
import io
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from pydicom import dcmread
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    RLELossless,
)
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage, Verification

from imaging.models import Arrival, Device
from imaging.services import arrivals
from tests.cast import Cast
from tests.imaging.doors import real
from tests.imaging.test_arrivals import device, files, instance
from tests.imaging.ways import TITLE, listening
from tests.platform.servers import free_port
from tests.platform.site import ROOT, environment, manage, template, wait_until


@pytest.fixture
def port(live_cast: Cast) -> Iterator[int]:
    """A listener with one device on its list: CT1 at 127.0.0.1, of the township centre."""
    device(live_cast.nitun)
    with listening() as port:
        yield port


def dcmtk(program: str, port: int, *more: str, calling: str = "CT1", called: str = TITLE) -> tuple[int, str]:
    command = [program, "-v", "-aet", calling, "-aec", called, "127.0.0.1", str(port), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def on_disk(folder: Path, contents: list[bytes]) -> list[str]:
    paths = [folder / f"{at}.dcm" for at in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [str(path) for path in paths]


def data_set(content: bytes) -> bytes:
    """All behind the file meta information: what a sender sends."""
    length = int.from_bytes(content[140:144], "little")
    return content[144 + length :]


@pytest.mark.django_db(transaction=True)
def test_echo_and_store_by_dcmtk_are_byte_exact(port: int, tmp_path: Path) -> None:
    assert dcmtk("echoscu", port)[0] == 0
    contents = [instance(f"Wang^{at}", str(at)) for at in range(3)]
    code, said = dcmtk("storescu", port, *on_disk(tmp_path, contents))
    assert (code, said.count("Received Store Response (Success)")) == (0, 3), said
    kept = list(Arrival.objects.all())
    assert [row.device.ae_title for row in kept] == ["CT1"] * 3
    assert [data_set(row.path.read_bytes()) for row in kept] == [data_set(content) for content in contents]
    assert list(arrivals.coming().iterdir()) == []
    assert Device.objects.get().heard_at is not None


@pytest.mark.django_db(transaction=True)
def test_dcmsend_brings_compressed_and_odd_files_as_they_are(port: int, tmp_path: Path) -> None:
    names = ("JPEG2000.dcm", "MR_small_RLE.dcm", "image_dfl.dcm", "MR_small_bigendian.dcm")
    paths = on_disk(tmp_path, [real(name) for name in names])
    assert dcmtk("dcmsend", port, "--decompress-never", *paths)[0] == 0
    kept = sorted(str(dcmread(row.path).file_meta.TransferSyntaxUID) for row in Arrival.objects.all())
    assert kept == sorted([JPEG2000, RLELossless, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian])


@pytest.mark.django_db(transaction=True)
def test_strangers_are_sent_away(port: int, tmp_path: Path) -> None:
    [path] = on_disk(tmp_path, [instance("Wang", "1")])
    for calling, called in (("CT2", TITLE), ("ct1", TITLE), ("CT1", "OTHER")):
        code, said = dcmtk("storescu", port, path, calling=calling, called=called)
        assert (code, "Rejected" in said) == (1, True), said
    Device.objects.update(address="127.0.0.2")
    code, said = dcmtk("echoscu", port)
    assert code != 0
    assert "Accepted" not in said
    Device.objects.update(address="127.0.0.1", active=False)
    assert dcmtk("echoscu", port)[0] != 0
    assert not Arrival.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_device_switched_off_in_the_middle_is_refused(port: int) -> None:
    with Associated(port) as line:
        assert line.send_c_store(dataset(1)).Status == 0x0000
        Device.objects.update(active=False)
        assert line.send_c_store(dataset(2)).Status == 0x0124
    assert Arrival.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_too_large_and_too_much_are_refused_and_leave_nothing(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with Associated(port) as line, override_settings(MAX_UPLOAD_BYTES=1000):
        assert line.send_c_store(dataset(1)).Status == 0xA700
    monkeypatch.setattr(arrivals, "QUOTA_FILES", 0)
    with Associated(port) as line:
        assert line.send_c_store(dataset(1)).Status == 0xA700
    monkeypatch.undo()
    with Associated(port) as line, override_settings(MAX_UPLOAD_BYTES=-(1 << 20)):
        assert not hasattr(line.send_c_store(dataset(1)), "Status")  # cut off while it sent
    assert files() == []
    assert not Arrival.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nonsense_on_the_port_ends_nobody_elses_association(port: int) -> None:
    with Associated(port) as line:
        for nonsense in (b"GET / HTTP/1.1\r\n\r\n", bytes(6), b"\x01\x00\xff\xff\xff\xff", os.urandom(4096)):
            with socket.create_connection(("127.0.0.1", port)) as stranger:
                stranger.sendall(nonsense)
        assert line.send_c_store(dataset(1)).Status == 0x0000


class Associated:
    """An association of the device CT1 that sends CT images."""

    def __init__(self, port: int, patience: int = 30) -> None:
        entity = AE("CT1")
        entity.add_requested_context(CTImageStorage)
        entity.add_requested_context(Verification)
        entity.dimse_timeout, entity.acse_timeout = patience, 2
        self.line: Any = entity.associate("127.0.0.1", port, ae_title=TITLE)
        assert self.line.is_established

    def __enter__(self) -> Any:
        return self.line

    def __exit__(self, *_: object) -> None:
        if self.line.is_established:
            self.line.release()


def dataset(number: int) -> Any:
    return dcmread(io.BytesIO(instance(f"Wang^{number}", str(number))))


@pytest.mark.slow
def test_killed_while_it_takes_nothing_acknowledged_is_lost() -> None:
    """Killed among 60 instances: the device sends again what was not answered, and all are there once."""
    with tempfile.TemporaryDirectory() as home:
        data = Path(home) / "data"
        shutil.copytree(template(), data)
        env = {"DATA_DIR": str(data), "DICOM_PORT": str(free_port())}
        manage("dicom_devices", "add", "CT1", "127.0.0.1", "nitun", **env)
        datasets = [dataset(at) for at in range(60)]
        answered: set[str] = set()
        for kill_after in (20, None):
            process = _started(env)
            _send(
                int(env["DICOM_PORT"]),
                [each for each in datasets if each.SOPInstanceUID not in answered],
                answered,
                process,
                kill_after,
            )
            process.kill()
            process.wait()
        assert len(answered) == 60
        listed = _rows(data)
        assert sorted(listed) == sorted(answered)


def _started(env: dict[str, str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "manage.py", "dicom_listener", "--host", "127.0.0.1"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(**env), stdout=subprocess.DEVNULL)
    wait_until(lambda: _open(int(env["DICOM_PORT"])), "the listener listens")
    return process


def _open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _send(port: int, datasets: list[Any], answered: set[str], process: Any, kill_after: int | None) -> None:
    with Associated(port, patience=3 if kill_after else 30) as line:
        for at, each in enumerate(datasets):
            if at == kill_after:
                threading.Timer(0.02, process.send_signal, [signal.SIGKILL]).start()
            try:
                status = line.send_c_store(each)
            except RuntimeError:  # the association is gone
                return
            if getattr(status, "Status", None) == 0x0000:
                answered.add(str(each.SOPInstanceUID))


def _rows(data: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(data / "telemed.sqlite3")) as database:
        rows = list(database.execute("SELECT sop_uid, token, size FROM imaging_arrival"))
    for _uid, token, size in rows:
        assert (data / "files" / "arrivals" / token).stat().st_size == size
    return [uid for uid, _token, _size in rows]

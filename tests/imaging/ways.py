"""The ways in for hostile files: each takes all of a table at once, and says what became of each."""

import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, _config
from pynetdicom.sop_class import CTImageStorage

from consult.models import Consultation
from consult.services import outbox
from imaging.dicom import meta
from imaging.dimse.listener import Listener
from imaging.models import Arrival, Image
from imaging.services import arrivals
from tests.cast import Cast
from tests.imaging.doors import client, send
from tests.imaging.peer import KIND, body
from tests.imaging.test_arrivals import device
from tests.imaging.zips import packed

TITLE = "TELEMED"


@dataclass(frozen=True, slots=True)
class Fate:
    """What the sender is answered in its protocol's own words, and what the image then is: `shown`, a reason, or ""."""

    said: object
    became: str = ""


Files = dict[str, bytes]
Way = Callable[[Cast, Consultation, Files, Path], dict[str, Fate]]


def swept() -> None:
    while outbox.sweep():
        pass


def became(image: Image) -> str:
    return "shown" if image.state in ("ready", "held") else image.reason or image.state


def by_browser(cast: Cast, consultation: Consultation, files: Files, folder: Path) -> dict[str, Fate]:
    """Each is said what it was refused for at once, where its first bytes tell."""
    browser = client(cast.doctor)
    answers = {name: send(browser, consultation, name, content) for name, content in files.items()}
    swept()
    images = {name: Image.objects.get(pk=answer["X-Image"]) for name, answer in answers.items()}
    return {name: Fate(answers[name].status_code, became(image)) for name, image in images.items()}


def by_zip(cast: Cast, consultation: Consultation, files: Files, folder: Path) -> dict[str, Fate]:
    """One zip of all of them."""
    archive = send(client(cast.doctor), consultation, "study.zip", packed(files))
    swept()
    rows = {image.name: image for image in Image.objects.filter(archive=archive["X-Image"])}
    return {name: Fate("", became(rows[name]) if name in rows else "") for name in files}


def by_stow(cast: Cast, consultation: Consultation, files: Files, folder: Path) -> dict[str, Fate]:
    """The Failure Reason (0008,1197) of each, 0 for what is kept."""
    browser = client(cast.doctor)
    found: dict[str, tuple[int, int | None]] = {}
    for name, content in files.items():
        known = set(Image.objects.values_list("pk", flat=True))
        answer = browser.post(
            f"/dicomweb/{consultation.pk}/studies", body([content]), content_type=KIND["Content-Type"]
        )
        failed = answer.json().get("00081198", {"Value": []})["Value"]
        assert answer.status_code == (409 if failed else 200)
        code = failed[0]["00081197"]["Value"][0] if failed else 0
        found[name] = code, Image.objects.exclude(pk__in=known).values_list("pk", flat=True).first()
    swept()
    return {name: Fate(code, became(Image.objects.get(pk=pk)) if pk else "") for name, (code, pk) in found.items()}


def by_c_store(cast: Cast, consultation: Consultation, files: Files, folder: Path) -> dict[str, Fate]:
    """Status and Error Comment of each. What is no DICOM file is sent as the data set of a CT.

    What is taken waits, and the doctor places it.
    """
    device(cast.nitun)
    paths = [_sendable(content, folder / f"{number}.dcm") for number, content in enumerate(files.values())]
    fates = {}
    with listening() as port, _association(port, paths) as line:
        for name, path in zip(files, paths, strict=True):
            known = set(Arrival.objects.values_list("pk", flat=True))
            try:
                status = line.send_c_store(path)
            except ValueError:  # the class was not agreed on
                fates[name] = Fate("no context")
                continue
            swept()
            row = Arrival.objects.exclude(pk__in=known).first()
            said = (status.Status, status.get("ErrorComment", ""))
            fates[name] = Fate(said, _placed(cast, consultation, row) if row else "")
    return fates


def _placed(cast: Cast, consultation: Consultation, row: Arrival) -> str:
    if row.state != "waiting":
        return row.reason
    [image] = arrivals.claim(arrivals=[row.pk], consultation=consultation, by=cast.doctor)
    swept()
    image.refresh_from_db()
    return became(image)


def _sendable(content: bytes, path: Path) -> Path:
    """A file whose data set is `content` without its meta information, or all of it where it has none."""
    if not meta.read(content[:4096]).sop_uid:
        said = FileMetaDataset()
        said.MediaStorageSOPClassUID, said.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
        said.TransferSyntaxUID = ExplicitVRLittleEndian
        out = DicomBytesIO()
        out.write(bytes(128) + b"DICM")
        write_file_meta_info(out, said, enforce_standard=False)
        content = bytes(out.getvalue()) + content
    path.write_bytes(content)
    return path


@contextmanager
def _association(port: int, paths: list[Path]) -> Iterator[Any]:
    """For the class and transfer syntax of every file, sending bytes as they are."""
    entity = AE("CT1")
    said = [meta.read(path.read_bytes()[:4096]) for path in paths]
    for sop_class, syntax in dict.fromkeys((each.sop_class, each.syntax) for each in said):
        entity.add_requested_context(sop_class, syntax)
    entity.dimse_timeout, entity.acse_timeout = 60, 5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)
        line: Any = entity.associate("127.0.0.1", port, ae_title=TITLE)
        assert line.is_established
        try:
            yield line
        finally:
            line.release()


@contextmanager
def listening(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a listener in this process, until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", tempfile.gettempdir())  # what the listener sets is put back
        listener = Listener("127.0.0.1", 0, TITLE, tls)
        thread = threading.Thread(target=listener.run)
        thread.start()
        try:
            yield listener.port
        finally:
            listener.close()
            thread.join()

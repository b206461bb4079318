"""A real site with the cast, and a DICOMweb client of its draft consultation, signed in as a browser is."""

import contextlib
import io
import json
import sqlite3
from dataclasses import dataclass
from typing import Any

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.uid import generate_uid

from tests.imaging.doors import real
from tests.platform.site import Site, wait_until

TOKEN = "t" * 32
SEED = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from consult.models import Department, User
from consult.policies.person import departments_of
from consult.services import access_key, consultation
def session(user):
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return store.session_key
doctor, outsider = (User.objects.get(username=name) for name in ("doctor.nitun", "doctor.haizhou"))
place = Department.objects.get(pk=min(departments_of(doctor)))
drafts = [consultation.start_draft(by=doctor, department=place).pk for _ in range(8)]
def key(user, name, **scope):
    return access_key.make(by=user, name=name, days=1, password="telemed-demo", **scope)[1]
keys = {
    "both": key(doctor, "workstation", may_read=True, may_store=True),
    "read": key(doctor, "reader", may_read=True, may_store=False),
    "store": key(doctor, "gateway", may_read=False, may_store=True),
    "outsider": key(outsider, "workstation", may_read=True, may_store=True),
}
print(json.dumps({"drafts": drafts, "doctor": session(doctor), "outsider": session(outsider), "keys": keys}))
"""
ROWS = """SELECT count(DISTINCT i.id), count(DISTINCT j.id), count(DISTINCT a.id) FROM imaging_image i
LEFT JOIN consult_job j ON j.kind = 'imaging.prepare' AND j.key = 'image-' || i.id
LEFT JOIN consult_auditentry a ON a.action = 'image.add' AND a.object_id = CAST(i.id AS TEXT)
WHERE i.consultation_id = ?"""


@dataclass
class Peer:
    """What a program knows: the site, its consultation's number, its session, an outsider's key."""

    site: Site
    pk: int
    session: requests.Session
    outsider: str

    @property
    def base(self) -> str:
        return f"{self.site.url}/dicomweb/{self.pk}"

    @property
    def client(self) -> DICOMwebClient:
        return DICOMwebClient(self.base, session=self.session)

    def rows(self) -> list[int]:
        """Images, their jobs, their audit rows."""
        with contextlib.closing(sqlite3.connect(self.site.data_dir / "telemed.sqlite3")) as database:
            return list(database.execute(ROWS, [self.pk]).fetchone())

    def listed(self) -> list[dict[str, Any]]:
        answer = self.session.get(f"{self.site.url}/consultations/{self.pk}/images/list/", timeout=20)
        return list(answer.json()["images"])

    def prepared(self, count: int) -> list[dict[str, Any]]:
        """The images once the worker is through with `count` of them."""
        return list(
            wait_until(
                lambda: (
                    [x for x in self.listed() if x["state"] in ("ready", "held", "refused")][count - 1 :]
                    and self.listed()
                ),
                "prepared",
                60,
            )
        )


def seeded(site: Site) -> dict[str, Any]:
    """Sessions of the asking doctor and of an outsider, and consultations for one test each."""
    return dict(json.loads(site.python(SEED)))


def session(key: str) -> requests.Session:
    """As a browser: cookies, and the CSRF token in its header."""
    made = requests.Session()
    made.cookies.update({"sessionid": key, "csrftoken": TOKEN})
    made.headers["X-CSRFToken"] = TOKEN
    return made


def slices(count: int) -> list[bytes]:
    """`count` CT instances of one new study, whole files made from CT_small."""
    dataset = dcmread(io.BytesIO(real("CT_small.dcm")))
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.PatientName = dataset.PatientID = ""
    made = []
    for number in range(count):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.InstanceNumber = number + 1
        out = io.BytesIO()
        dataset.save_as(out)
        made.append(out.getvalue())
    return made


def body(files: list[bytes], boundary: str = "edge") -> bytes:
    parts = [b"--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n" % (boundary.encode(), file) for file in files]
    return b"".join(parts) + b"--%s--\r\n" % boundary.encode()


KIND = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=edge'}

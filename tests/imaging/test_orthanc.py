"""Orthanc pushes a study into a consultation of a running site, and it comes out pixel for pixel."""

import io
from typing import Any

import numpy as np
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread

from tests.imaging import peer
from tests.imaging.doors import real
from tests.imaging.orthanc import TITLE, Orthanc
from tests.platform.servers import free_port
from tests.platform.site import Site, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.small]
OPEN = """
from consult.models import Consultation
row = Consultation.objects.filter(hospital__code="nitun", state="SUBMITTED").latest("pk")
print(row.pk, row.number)
"""


def prepared(number: str) -> list[bytes]:
    """Five slices, a compressed image and a colour one, all of the consultation `number`."""
    made = []
    for content in [*peer.slices(5), real("MR_small_RLE.dcm"), real("examples_ybr_color.dcm")]:
        dataset = dcmread(io.BytesIO(content))
        dataset.AccessionNumber, dataset.PatientName, dataset.PatientID = number, "", ""
        dataset.PatientSex = dataset.PatientBirthDate = ""
        out = io.BytesIO()
        dataset.save_as(out)
        made.append(out.getvalue())
    return made


def ready(session: requests.Session, url: str, count: int) -> list[dict[str, Any]]:
    images = session.get(url, timeout=20).json()["images"]
    done = [each for each in images if each["state"] == "ready"]
    return done if len(done) >= count else []


def test_a_study_from_orthanc_comes_out_pixel_for_pixel() -> None:
    port = free_port()
    with Site(DICOM_PORT=str(port), DICOM_HOST="127.0.0.1") as site, Orthanc(port) as orthanc:
        pk, number = site.python(OPEN).split()
        files = prepared(number)
        names = orthanc.keep(files)
        with pytest.raises(requests.HTTPError):
            orthanc.echo()  # not on the list
        site.manage("dicom_devices", "add", TITLE, "127.0.0.1", "nitun")
        wait_until(lambda: "DICOM listener" in site.log(), "the listener listens")
        orthanc.echo()
        session = peer.session(peer.seeded(site)["doctor"])
        listing = f"{site.url}/consultations/{pk}/images/list/"
        before = len(ready(session, listing, 0))
        assert orthanc.push(names)["FailedInstancesCount"] == 0
        wait_until(lambda: ready(session, listing, before + len(files)), "all are prepared", 90)
        client = DICOMwebClient(f"{site.url}/dicomweb/{pk}", session=session)
        for content in files:
            sent = dcmread(io.BytesIO(content))
            got = client.retrieve_instance(sent.StudyInstanceUID, sent.SeriesInstanceUID, sent.SOPInstanceUID)
            assert got.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
            assert got.PixelData == sent.PixelData
            assert np.array_equal(got.pixel_array, sent.pixel_array)

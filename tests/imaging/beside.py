"""Our images beside Orthanc's, in turns of one run; `make bench` runs it and it writes docs/imaging.json.

C-STORE of 100 CT (512 x 512, 16 bits), STOW-RS of 19 MR (256 x 256, 16 bits), the metadata of that series, and
frames of CT: one after the other, and by four at once. Both serve from one machine, with the files in its cache.
"""

import io
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import requests
from pydicom import dcmread
from pydicom.uid import generate_uid

from relay.bench.machine import describe
from tests.imaging import peer
from tests.imaging.doors import real
from tests.imaging.orthanc import TITLE, Orthanc
from tests.imaging.test_orthanc import OPEN
from tests.platform.servers import free_port
from tests.platform.site import ROOT, Site, wait_until

TURNS, READS, SECONDS, AT_ONCE = 3, 100, 4, 4
OUT = Path(ROOT) / "docs" / "imaging.json"


def series(name: str, count: int, side: int, number: str) -> list[Any]:
    """A new series of noise, so that nothing compresses and nothing is there already."""
    dataset = dcmread(io.BytesIO(real(name)))
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.AccessionNumber, dataset.PatientName, dataset.PatientID = number, "", ""
    dataset.PatientSex = dataset.PatientBirthDate = ""
    dataset.Rows = dataset.Columns = side
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    noise = np.random.default_rng(1)
    made = []
    for at in range(count):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.InstanceNumber = at + 1
        dataset.PixelData = noise.integers(0, 2000, (side, side), dtype=np.int16).tobytes()
        out = io.BytesIO()
        dataset.save_as(out)
        made.append(dcmread(io.BytesIO(out.getvalue())))
    return made


def encoded(dataset: Any) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def timed(act: Callable[[], Any]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def dcmsend(called: str, port: int, files: list[Any]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{at}.dcm" for at in range(len(files))]
        for path, dataset in zip(paths, files, strict=True):
            path.write_bytes(encoded(dataset))
        command = ["dcmsend", "-aet", TITLE, "-aec", called, "127.0.0.1", str(port), *map(str, paths)]
        return timed(lambda: subprocess.run(command, check=True, capture_output=True))


def stow(session: requests.Session, base: str, files: list[Any]) -> float:
    content = peer.body([encoded(each) for each in files])

    def send() -> None:
        session.post(f"{base}/studies", data=content, headers=peer.KIND, timeout=120).raise_for_status()

    return timed(send)


def reading(session: requests.Session, url: str, accept: str, count: int = READS) -> dict[str, float]:
    """Median and 95th percentile in milliseconds, after five that do not count."""

    def get() -> None:
        answer = session.get(url, headers={"Accept": accept}, timeout=20)
        answer.raise_for_status()
        assert answer.content

    times = sorted(timed(get) for _ in range(count + 5))[: count + 5]
    return {"p50_ms": round(statistics.median(times), 1), "p95_ms": round(times[int(len(times) * 0.95) - 1], 1)}


def per_second(make: Callable[[], requests.Session], url: str, accept: str) -> float:
    """Answers a second to AT_ONCE readers."""
    counts, ends = [0] * AT_ONCE, time.perf_counter() + SECONDS

    def read(which: int) -> None:
        session = make()
        while time.perf_counter() < ends:
            session.get(url, headers={"Accept": accept}, timeout=20).raise_for_status()
            counts[which] += 1

    threads = [threading.Thread(target=read, args=(which,)) for which in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(counts) / SECONDS, 1)


def _of_series(base: str, dataset: Any) -> str:
    return f"{base}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"


def main() -> None:
    port = free_port()
    with Site(DICOM_PORT=str(port), DICOM_HOST="127.0.0.1") as site, Orthanc(port) as orthanc:
        pk, number = site.python(OPEN).split()
        site.manage("dicom_devices", "add", TITLE, "127.0.0.1", "nitun")
        key = peer.seeded(site)["doctor"]
        places = {
            "ours": (lambda: peer.session(key), f"{site.url}/dicomweb/{pk}", "TELEMED", port),
            "orthanc": (requests.Session, f"{orthanc.url}/dicom-web", "ANY-SCP", orthanc.dicom_port),
        }
        found: dict[str, dict[str, Any]] = {name: {"c_store_ms": [], "stow_ms": []} for name in places}
        last: dict[str, dict[str, Any]] = {}
        for _turn in range(TURNS):
            for name, (make, base, called, dicom) in places.items():
                ct, mr = series("CT_small.dcm", 100, 512, ""), series("MR_small.dcm", 19, 256, number)
                found[name]["c_store_ms"].append(dcmsend(called, dicom, ct))
                found[name]["stow_ms"].append(stow(make(), base, mr))
                one = series("CT_small.dcm", 1, 512, number)
                stow(make(), base, one)
                last[name] = {"mr": mr[0], "ct": one[0]}
        listing = f"{site.url}/consultations/{pk}/images/list/"
        session = peer.session(key)
        wait_until(
            lambda: not [x for x in session.get(listing).json()["images"] if x["state"] in ("received", "processing")],
            "prepared",
            300,
        )
        for name, (make, base, _called, _dicom) in places.items():
            mr, ct = last[name]["mr"], last[name]["ct"]
            metadata = f"{_of_series(base, mr)}/metadata"
            frame = f"{_of_series(base, ct)}/instances/{ct.SOPInstanceUID}/frames/1"
            octets = 'multipart/related; type="application/octet-stream"'
            found[name]["metadata_of_19"] = reading(make(), metadata, "application/dicom+json", 40)
            found[name]["frame_512_kb"] = reading(make(), frame, octets)
            found[name]["frames_per_s_by_4"] = per_second(make, frame, octets)
    for each in found.values():
        for name in ("c_store_ms", "stow_ms"):
            each[name] = round(statistics.median(each[name]), 1)
    report = {"turns": TURNS, "load_average": round(os.getloadavg()[0], 1), **found, "machine": describe()}
    OUT.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))

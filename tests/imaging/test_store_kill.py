"""kill -9 of a site that keeps its files in a bucket: every study that was acknowledged is whole, and in the bucket."""

import io
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pydicom import dcmread

from tests.imaging import peer
from tests.imaging.peer import KIND, body, slices
from tests.platform.bucket import Bucket
from tests.platform.site import Site, wait_until

STUDIES, EACH = 12, 25  # 300 files
KILLED = {1: 0.1, 4: 0.3, 6: 0.5, 9: 0.7}  # seconds after a study began to be sent
ROWS = """
from imaging.models import Image
for image in Image.objects.filter(consultation=%d).order_by("pk"):
    print("row", image.folder, image.sha256, image.study_uid or "-", image.state)
"""


@pytest.fixture
def site() -> Iterator[tuple[Site, Bucket]]:
    kept = Bucket()
    with Site(**kept.variables) as made:
        yield made, kept
    kept.goes()


def stored(site: Site, session: Any, pk: int, study: list[bytes]) -> int:
    """Sent until it is acknowledged; how often it was not."""
    lost = [0]

    def answered() -> bool:
        try:
            url = f"{site.url}/dicomweb/{pk}/studies"
            return bool(session.post(url, body(study), headers=KIND, timeout=60).status_code == 200)
        except requests.RequestException:
            lost[0] += 1
            return False

    wait_until(answered, "acknowledged")
    return lost[0]


@pytest.mark.slow
def test_300_files_through_four_kills(site: tuple[Site, Bucket]) -> None:
    made, bucket = site
    said = peer.seeded(made)
    session, pk = peer.session(said["doctor"]), int(said["drafts"][0])
    studies = [slices(EACH) for _ in range(STUDIES)]
    died = 0
    for number, study in enumerate(studies):
        killer = threading.Timer(KILLED.get(number, 0), made.kill9, ["site"])
        if number in KILLED:
            killer.start()
        died += stored(made, session, pk, study) > 0
        if number in KILLED:
            killer.join()
    assert died >= 2  # in the middle of an answer

    def ready() -> list[list[str]] | None:
        lines = [
            line.split()
            for line in made.manage("shell", "--no-imports", "-c", ROWS % pk).splitlines()
            if line.startswith("row")
        ]
        return lines if lines and all(line[4] not in ("received", "processing") for line in lines) else None

    rows = wait_until(ready, "prepared", 300)
    assert len(rows) == STUDIES * EACH  # none twice, none lost
    contents = {bucket.content(f"files/images/{row[1]}/original") for row in rows}
    assert contents == {each for study in studies for each in study}
    wanted = {dcmread(io.BytesIO(study[0])).StudyInstanceUID for study in studies}
    assert {row[3] for row in rows} == wanted
    assert all(f"files/images/{row[1]}/shown/metadata.json" in bucket.names(f"files/images/{row[1]}/") for row in rows)

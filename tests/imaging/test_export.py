"""Images on their way out: byte for byte, with key objects, presentation states and measurements that others read."""

import hashlib
import io
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import highdicom
import numpy as np
import pytest
from django.utils import timezone
from PIL import Image as Picture
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from consult.models import AuditEntry, Consultation
from consult.services import outbox
from imaging.models import Export, Image
from imaging.services import annotation, export, exporting
from imaging.services.annotation import Mark
from tests import cast as walk
from tests.cast import Cast
from tests.consult.pages.browsers import JSON
from tests.imaging import phantom
from tests.imaging.doors import client, real, sent, streamed

SIZE = (phantom.COLUMNS, phantom.ROWS)
MARKS: dict[str, list[list[float]]] = {
    "length": [[4, 8], [44.5, 30]],
    "angle": [[4, 4], [20, 20], [40, 4]],
    "cobb": [[2, 2], [30, 6], [2, 30], [30, 40]],
    "rectangle": [[10, 10], [30, 24]],
    "ellipse": [[10, 10], [30, 24]],
    "arrow": [[16, 8], [48, 8]],
    "probe": [[20.5, 20.5]],
}


def ct(cast: Cast, thing: Consultation, **elements: Any) -> Image:
    return sent(client(cast.doctor), thing, "ct.dcm", phantom.ct(**elements))


def drawn(cast: Cast, image: Image, kind: str) -> dict[str, Any]:
    by = cast.doctor if kind == "probe" else cast.expert
    text = "第二肋" if kind == "arrow" else ""
    mark = Mark(frame=0, kind=kind, points=MARKS[kind], text=text)
    return annotation.put(image=image, by=by, uid=uuid4(), rev=1, mark=mark).figures


def exported(cast: Cast, thing: Consultation, who: str = "doctor") -> dict[str, bytes]:
    """Name to content of the zip, as this person downloads it."""
    browser = client(getattr(cast, who))
    asked = browser.post(f"/consultations/{thing.pk}/exports/", {"purpose": "treatment"})
    assert asked.status_code == 302
    outbox.sweep()
    row = Export.objects.first()
    assert row is not None
    assert (row.state, row.missing) == ("ready", 0)
    answer = browser.get(f"/exports/{row.pk}/file/")
    content = streamed(answer)
    assert (answer.status_code, int(answer["Content-Length"])) == (200, len(content))
    with ZipFile(io.BytesIO(content)) as found:
        assert found.testzip() is None
        return {name: found.read(name) for name in found.namelist()}


def made(files: dict[str, bytes], modality: str) -> list[Dataset]:
    read = [dcmread(io.BytesIO(content)) for content in files.values()]
    return [dataset for dataset in read if dataset.Modality == modality]


def test_originals_leave_byte_for_byte_under_their_uids(cast: Cast) -> None:
    thing = walk.accepted(cast)
    uids = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    images = [ct(cast, thing, seed=seed, **uids) for seed in (1, 2, 3)]
    held = sent(client(cast.doctor), thing, "CT_small.dcm", real("CT_small.dcm"))
    assert held.state == "held"
    files = exported(cast, thing)
    wanted = {f"{each.study_uid}/{each.series_uid}/{each.sop_uid}.dcm": each.sha256 for each in images}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == wanted
    said = AuditEntry.objects.filter(action__startswith="export.").values_list("action", "actor")
    assert list(said.order_by("seq")) == [
        ("export.ask", "doctor.nitun"),
        ("export.make", "system"),
        ("export.download", "doctor.nitun"),
    ]


@pytest.mark.slow
def test_measurements_are_those_on_the_screen_and_say_who_measured(cast: Cast) -> None:
    thing = walk.opinion_due(cast)
    image = ct(cast, thing)
    shown = {kind: drawn(cast, image, kind) for kind in MARKS}
    reports = made(exported(cast, thing, "expert"), "SR")
    found: dict[str, dict[str, Any]] = {}
    for report in reports:
        assert highdicom.sr.srread(io.BytesIO(encoded(report))).SOPClassUID == report.SOPClassUID
        items = list(contents(report))
        [person] = [each for each in items if each.ValueType == "PNAME"]
        found[str(person.PersonName.ideographic)] = dict(_number(each) for each in items if each.ValueType == "NUM")
    pixels = shown["rectangle"]
    assert pixels["unit"] == "mm"
    said = found["张文博^"]
    assert said["Length"] == (pytest.approx(shown["length"]["length"]), "mm")
    assert said["Angle"] == (pytest.approx(shown["angle"]["angle"]), "deg")
    assert said["Cobb angle"] == (pytest.approx(shown["cobb"]["angle"]), "deg")
    assert said["Area"] == (pytest.approx(shown["ellipse"]["area"]), "mm2")
    assert said["Attenuation Coefficient Mean"] == (pytest.approx(shown["ellipse"]["mean"]), "[hnsf'U]")
    assert said["Attenuation Coefficient Standard Deviation"] == (pytest.approx(shown["ellipse"]["sd"]), "[hnsf'U]")
    assert found["李秀兰^"] == {"Attenuation Coefficient": (shown["probe"]["value"], "[hnsf'U]")}


def contents(item: Dataset) -> Iterator[Dataset]:
    for each in item.get("ContentSequence", []):
        yield each
        yield from contents(each)


def _number(item: Dataset) -> tuple[str, tuple[float, str]]:
    """Name with its derivation; value and unit."""
    derived = [each.ConceptCodeSequence[0].CodeMeaning for each in contents(item) if each.ValueType == "CODE"]
    said = item.MeasuredValueSequence[0]
    name = " ".join([item.ConceptNameCodeSequence[0].CodeMeaning, *derived])
    return name, (float(said.FloatingPointValue), said.MeasurementUnitsCodeSequence[0].CodeValue)


def encoded(dataset: Dataset) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


@pytest.mark.slow
def test_without_spacing_they_are_pixels(cast: Cast) -> None:
    thing = walk.opinion_due(cast)
    image = ct(cast, thing, PixelSpacing=None)
    figures = drawn(cast, image, "length")
    assert figures["unit"] == "px"
    [report] = made(exported(cast, thing), "SR")
    [number] = [each for each in contents(report) if each.ValueType == "NUM"]
    assert _number(number) == ("Length", (pytest.approx(figures["length"]), "{pixels}"))


WAYS = ["", "&turn=1", "&turn=3", "&flip=1", "&flip=1&turn=1", "&turn=2&invert=1"]


@pytest.mark.slow
def test_the_signed_view_is_the_same_picture_in_dcmtk(cast: Cast, tmp_path: Path) -> None:
    """Key object and presentation states of a signed opinion; dcmtk draws window, turn, mirror and inversion alike."""
    thing = walk.opinion_due(cast)
    image = ct(cast, thing, PatientName="Wang^Guiying")
    expert = client(cast.expert)
    frame = f"/images/{image.pk}/frames/0/"
    for way in WAYS:
        assert expert.post(f"{frame}key/?center=300&width=500{way}", headers=JSON).status_code == 201
    walk.sign(cast, thing)
    files = exported(cast, thing)
    [keys] = made(files, "KO")
    named = keys.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert [each.ReferencedSOPInstanceUID for each in named] == [image.sop_uid]
    states = sorted(made(files, "PR"), key=lambda each: int(each.InstanceNumber))
    assert len(states) == len(WAYS)
    (tmp_path / "ct.dcm").write_bytes(image.original.read_bytes())
    grey = _window(phantom.truth(), 300, 500)
    turned = [
        grey,
        np.rot90(grey, -1),
        np.rot90(grey),
        grey[:, ::-1],
        np.rot90(grey[:, ::-1], -1),
        255 - np.rot90(grey, 2),
    ]
    for state, expected in zip(states, turned, strict=True):
        (tmp_path / "state.dcm").write_bytes(encoded(state))
        out = tmp_path / "out.pgm"
        command = ["dcmp2pgm", "--pstate", str(tmp_path / "state.dcm"), str(tmp_path / "ct.dcm"), str(out)]
        subprocess.run(command, check=True, capture_output=True)
        picture = np.asarray(Picture.open(out))
        assert picture.shape == expected.shape
        assert np.abs(picture.astype(int) - expected).max() <= 1


def _window(values: np.ndarray, center: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1, linear."""
    return np.clip(((values - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255).round().astype(int)


@pytest.mark.slow
def test_marks_stand_where_they_were_drawn_and_dcmtk_reads_all(cast: Cast, tmp_path: Path) -> None:
    thing = walk.opinion_due(cast)
    image = ct(cast, thing)
    for kind in MARKS:
        drawn(cast, image, kind)
    files = exported(cast, thing)
    [state] = made(files, "PR")
    objects = [each for item in state.GraphicAnnotationSequence for each in item.GraphicObjectSequence]
    found = [[float(number) for number in each.GraphicData] for each in objects]
    assert [4.0, 8.0, 44.5, 30.0] in found
    assert [16.0, 8.0, 48.0, 8.0] in found
    words = [
        item.TextObjectSequence[0].UnformattedTextValue
        for item in state.GraphicAnnotationSequence
        if "TextObjectSequence" in item
    ]
    assert any("第二肋" in each for each in words)
    for number, content in enumerate(files.values()):
        (tmp_path / f"{number}.dcm").write_bytes(content)
        dumped = subprocess.run(["dcmdump", "-q", f"{number}.dcm"], cwd=tmp_path, capture_output=True, check=False)
        assert (dumped.returncode, dumped.stderr) == (0, b"")
        if b"SRStorage" in dumped.stdout or b"KeyObject" in dumped.stdout:
            tool = ["dsrdump", "-q", f"{number}.dcm"]
            assert subprocess.run(tool, cwd=tmp_path, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_headers_that_allow_no_objects_cost_no_image(cast: Cast) -> None:
    thing = walk.opinion_due(cast)
    image = ct(cast, thing)
    drawn(cast, image, "length")
    dataset = dcmread(image.original)
    dataset.SOPClassUID = ""
    content = encoded_as_is(dataset)
    image.original.write_bytes(content)
    Image.objects.filter(pk=image.pk).update(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    client(cast.doctor).post(f"/consultations/{thing.pk}/exports/", {"purpose": "treatment"})
    outbox.sweep()
    row = Export.objects.get()
    assert (row.state, row.missing > 0) == ("ready", True)
    with ZipFile(row.path) as found:
        assert found.read(found.namelist()[0]) == content


def encoded_as_is(dataset: Dataset) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def test_who_may_export(cast: Cast) -> None:
    thing = walk.accepted(cast)
    ct(cast, thing)
    url, said = f"/consultations/{thing.pk}/exports/", {"purpose": "research"}
    for who, status in ((cast.outsider, 404), (cast.other_expert, 404), (cast.scheduler, 403), (cast.regulator, 403)):
        assert client(who).post(url, said).status_code == status
    assert client(cast.doctor).post(url, {"purpose": ""}).status_code == 422
    assert client(cast.doctor).post(url, {"purpose": "fun"}).status_code == 422
    assert Export.objects.count() == 0
    assert client(cast.doctor).post(url, said).status_code == 302
    assert client(cast.doctor).post(url, said).status_code == 409
    outbox.sweep()
    row = Export.objects.get()
    assert AuditEntry.objects.get(action="export.ask").detail["purpose"] == "research"
    for who in (cast.outsider, cast.colleague, cast.expert, cast.scheduler):
        assert client(who).get(f"/exports/{row.pk}/file/").status_code == 404
        assert client(who).post(f"/exports/{row.pk}/remove/").status_code == 404
    assert client(cast.doctor).get(f"/exports/{row.pk}/remove/").status_code == 405


def test_it_is_gone_after_a_day_or_when_removed(cast: Cast) -> None:
    thing = walk.accepted(cast)
    ct(cast, thing)
    rows = [export.ask(consultation=thing, by=by, purpose="treatment") for by in (cast.doctor, cast.expert)]
    outbox.sweep()
    old, fresh = (Export.objects.get(pk=row.pk) for row in rows)
    assert old.path.is_file()
    Export.objects.filter(pk=old.pk).update(ready_at=timezone.now() - export.KEPT - timedelta(seconds=1))
    assert export.remove_old() == 1
    assert (old.folder.exists(), fresh.folder.exists()) == (False, True)
    assert client(cast.doctor).get(f"/exports/{old.pk}/file/").status_code == 409
    expert = client(cast.expert)
    assert expert.post(f"/exports/{fresh.pk}/remove/").status_code == 302
    assert (fresh.folder.exists(), expert.post(f"/exports/{fresh.pk}/remove/").status_code) == (False, 409)


def test_an_original_that_changed_is_not_given_out(cast: Cast) -> None:
    thing = walk.accepted(cast)
    image = ct(cast, thing)
    image.original.write_bytes(image.original.read_bytes()[:-2] + b"xx")
    row = export.ask(consultation=thing, by=cast.doctor, purpose="treatment")
    outbox.sweep()
    row.refresh_from_db()
    assert (row.state, row.reason, row.folder.exists()) == ("failed", "lost", False)


def test_given_up_while_it_is_made(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled between two images: the worker stops and leaves nothing."""
    thing = walk.accepted(cast)
    for seed in (1, 2):
        ct(cast, thing, seed=seed)
    row = export.ask(consultation=thing, by=cast.doctor, purpose="treatment")
    keep = outbox.keep

    def cancelled() -> None:
        if Export.objects.get(pk=row.pk).state == "running":
            export.remove(export=row, by=cast.doctor)
        keep()

    monkeypatch.setattr(exporting.outbox, "keep", cancelled)
    outbox.sweep()
    row.refresh_from_db()
    assert (row.state, row.folder.exists()) == ("removed", False)


def test_a_run_that_was_cut_begins_anew(cast: Cast) -> None:
    thing = walk.accepted(cast)
    ct(cast, thing)
    row = export.ask(consultation=thing, by=cast.doctor, purpose="treatment")
    Export.objects.filter(pk=row.pk).update(state="running", done=1)
    row.folder.mkdir(parents=True)
    (row.folder / "part").write_bytes(b"half")
    outbox.sweep()
    row.refresh_from_db()
    assert (row.state, sorted(path.name for path in row.folder.iterdir())) == ("ready", ["study.zip"])


def test_the_page_says_how_far_it_is(cast: Cast) -> None:
    thing = walk.accepted(cast)
    url, browser = f"/consultations/{thing.pk}/exports/", client(cast.doctor)
    assert 'name="purpose"' not in browser.get(url).content.decode()
    ct(cast, thing)
    assert url in browser.get(f"/consultations/{thing.pk}/images/").content.decode()
    row = export.ask(consultation=thing, by=cast.doctor, purpose="teaching")
    Export.objects.filter(pk=row.pk).update(state="running", done=2, total=5)
    page = browser.get(url).content.decode()
    assert ('max="5" value="2"' in page, "every 2s" in page) == (True, True)
    assert f'data-export="{row.pk}"' not in client(cast.expert).get(url).content.decode()

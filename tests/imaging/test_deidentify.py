"""Nothing of the patient leaves in a de-identified export: every attribute of PS3.15 table E.1-1, also nested."""

import io
import subprocess
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.datadict import DicomDictionary, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.uid import generate_uid

from consult.models import AuditEntry
from consult.services import outbox
from imaging.dicom import deidentify
from imaging.dicom.deidentify_table import ACTIONS, CHOICE
from imaging.models import Export
from tests import cast as walk
from tests.cast import Cast
from tests.imaging import phantom
from tests.imaging.doors import client, real, sent, streamed

pytestmark = pytest.mark.files

KEY = b"k" * 32
SECRET, DAY, CLOCK, ROOT = "QZSECRET", "19770707", "121317", "1.2.3.77077"
TRACES = [each.encode() for each in (SECRET, DAY, CLOCK, ROOT, "7707177", SECRET.lower())]
VALUES: dict[str, Any] = {
    **dict.fromkeys(("PN", "LO", "SH", "ST", "LT", "UT", "UC", "AE", "CS"), SECRET),
    **{"DA": DAY, "TM": CLOCK, "DT": f"{DAY}{CLOCK}", "UI": f"{ROOT}.1", "AS": "077Y", "UR": f"urn:{SECRET.lower()}"},
    **{"IS": "7707177", "DS": "7707177", "OB": SECRET.encode(), "OW": SECRET.encode(), "UN": SECRET.encode()},
}
LISTED = sorted(tag for tag in ACTIONS if tag >> 16 > 2)  # commands and file meta are in no data set
SILENT = {"PN", "DA", "DT", "TM", "UI", "LT", "ST", "UT", "UR", "AE"}
UNLISTED = sorted(tag for tag, said in DicomDictionary.items() if said[0] in SILENT and tag >> 16 > 0x0008)
ALL = [tag for tag in {*LISTED, *UNLISTED} if tag not in (0x00080016, 0x00080018, 0x00081150)]
NEST = 0x00540220  # ViewCodeSequence: not in the table, kept and looked through


def filled(tags: list[int]) -> Dataset:
    made = Dataset()
    for tag in tags:
        vr = dictionary_VR(tag).split(" or ")[0]
        if vr == "SQ":
            item = Dataset()
            item.PatientComments = SECRET
            made.add_new(tag, vr, [item])
        elif vr in VALUES:
            made.add_new(tag, vr, VALUES[vr])
    return made


def carrying(tags: list[int], depth: int) -> Dataset:
    """A CT that carries these attributes, `depth` sequences deep as well."""
    dataset = dcmread(io.BytesIO(phantom.ct()))
    inner = filled(tags)
    for _level in range(depth):
        outer = filled(tags)
        outer.add_new(NEST, "SQ", [inner])
        inner = outer
    dataset.update({tag: inner[tag] for tag in inner.keys()})  # noqa: SIM118  (a data set, not a mapping)
    block = dataset.private_block(0x0009, f"{SECRET} 1", create=True)
    block.add_new(1, "LO", SECRET)
    dataset.add(DataElement(0x60000010, "US", 8))
    dataset.add(DataElement(0x60003000, "OW", SECRET.encode()))
    dataset.add(DataElement(0x60004000, "LT", SECRET))
    dataset.add(DataElement(0x50003000, "OW", SECRET.encode()))
    return dataset


def encoded(dataset: Dataset) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def traces(content: bytes) -> list[bytes]:
    return [each for each in TRACES if each in content]


def test_the_table_is_that_of_the_standard() -> None:
    """PS3.15 2024b: 617 attributes, four of them known by heart."""
    assert len(ACTIONS) == 617
    known = {0x00100010: "Z", 0x00100030: "Z", 0x0020000D: "U", 0x00080080: "X/Z/D", 0x00104000: "X", 0x0040A730: "D"}
    assert {tag: ACTIONS[tag] for tag in known} == known
    assert set(ACTIONS.values()) - set(CHOICE) == {"X", "Z", "D", "U"}


def test_each_attribute_of_the_table_is_gone_or_replaced_also_nested() -> None:
    dataset = carrying(ALL, 1)
    assert len(traces(encoded(dataset))) == len(TRACES)
    made = deidentify.cleaned(dataset, KEY)
    assert traces(encoded(made)) == []
    for level in (made, made[NEST].value[0]):
        for tag in sorted(set(LISTED) & set(ALL)):
            action = CHOICE.get(ACTIONS[tag], ACTIONS[tag])
            vr = dictionary_VR(tag).split(" or ")[0]
            assert (tag in level) is (action != "X" and (vr in VALUES or vr == "SQ")) or tag == 0x00120063, hex(tag)
            if tag in level and action == "Z" and tag not in (0x00100010, 0x00100020):
                assert level[tag].is_empty, hex(tag)
    groups = {element.tag.group for element in made}
    assert not any(group % 2 or group in deidentify.OVERLAYS or group in deidentify.CURVES for group in groups)
    assert made.PatientIdentityRemoved == "YES"
    assert [(each.CodeValue, each.CodingSchemeDesignator) for each in made.DeidentificationMethodCodeSequence] == [
        ("113100", "DCM")
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(tags=st.lists(st.sampled_from(ALL), min_size=1, max_size=30, unique=True), depth=st.integers(0, 3))
def test_no_trace_of_any_of_them_is_left(tags: list[int], depth: int) -> None:
    assert traces(encoded(deidentify.cleaned(carrying(tags, depth), KEY))) == []


def test_a_text_that_claims_to_be_of_another_kind_goes() -> None:
    dataset = dcmread(io.BytesIO(phantom.ct()))
    dataset[0x00280030] = DataElement(0x00280030, "LO", SECRET)  # pixel spacing as words
    assert traces(encoded(deidentify.cleaned(dataset, KEY))) == []


def files(content: bytes) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(content)) as found:
        return {name: found.read(name) for name in found.namelist()}


def taken(cast: Cast, thing: Any, **posted: Any) -> dict[str, bytes]:
    browser = client(cast.doctor)
    url = f"/consultations/{thing.pk}/exports/check/"
    assert browser.post(url, {"purpose": "research", **posted}).status_code == 302
    outbox.sweep()
    row = Export.objects.first()
    assert row is not None
    assert (row.state, row.kind, row.missing) == ("ready", "cleaned", 0)
    answer = browser.get(f"/exports/{row.pk}/file/")
    assert "deidentified" in answer["Content-Disposition"]
    return files(streamed(answer))


def test_two_files_of_a_study_stay_together_and_pixels_stay_as_they_are(cast: Cast, tmp_path: Path) -> None:
    thing = walk.accepted(cast)
    uids = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), "FrameOfReferenceUID": ROOT}
    said = {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "PatientName": "Wang^Guiying", "PatientID": "N-0001"}
    images = [sent(client(cast.doctor), thing, "ct.dcm", phantom.ct(seed=seed, **uids, **said)) for seed in (1, 2)]
    found = taken(cast, thing)
    made = [dcmread(io.BytesIO(content)) for content in found.values()]
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert len({str(each[name].value) for each in made}) == 1, name
    old = {uid for image in images for uid in (image.study_uid, image.series_uid, image.sop_uid)}
    assert {each.SOPInstanceUID for each in made} & old == set()
    assert sorted(each.PixelData for each in made) == sorted(dcmread(each.original).PixelData for each in images)
    content = b"".join(found.values()) + "".join(found).encode()
    assert [each for each in (*old, "Guiying", "N-0001", "JFK IMAGING") if each.encode() in content] == []
    for each, (name, piece) in zip(made, found.items(), strict=True):
        assert name == f"{each.StudyInstanceUID}/{each.SeriesInstanceUID}/{each.SOPInstanceUID}.dcm"
        assert (piece[:128], each.file_meta.MediaStorageSOPInstanceUID) == (bytes(128), each.SOPInstanceUID)
        (tmp_path / "one.dcm").write_bytes(piece)
        dumped = subprocess.run(["dcmdump", "-q", str(tmp_path / "one.dcm")], capture_output=True, check=False)
        assert (dumped.returncode, dumped.stderr) == (0, b"")


def test_what_a_person_has_not_seen_stays(cast: Cast) -> None:
    """An ultrasound and a captured screen go out only when somebody said that they name nobody."""
    thing, browser = walk.accepted(cast), client(cast.doctor)
    plain = {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}
    sent(browser, thing, "ct.dcm", phantom.ct(**plain))
    ultrasound = sent(browser, thing, "us.dcm", phantom.ct(seed=2, **plain, Modality="US"))
    burned = sent(browser, thing, "burned.dcm", phantom.ct(seed=3, **plain, BurnedInAnnotation="YES"))
    derived = sent(browser, thing, "derived.dcm", phantom.ct(seed=4, ImageType=["DERIVED", "SECONDARY"]))
    page = browser.get(f"/consultations/{thing.pk}/exports/check/").content.decode()
    looked = [image.pk for image in (ultrasound, burned, derived) if f'data-look="{image.pk}"' in page]
    assert (looked, page.count("data-look=")) == ([ultrasound.pk, burned.pk, derived.pk], 3)
    assert browser.post(f"/consultations/{thing.pk}/exports/check/", {"purpose": ""}).status_code == 422
    assert len(taken(cast, thing)) == 1
    seen = taken(cast, thing, clear=[str(ultrasound.pk), "999999", "x"])
    made = {dcmread(io.BytesIO(content)).Modality: dcmread(io.BytesIO(content)) for content in seen.values()}
    assert (sorted(made), made["US"].BurnedInAnnotation) == (["CT", "US"], "NO")
    assert AuditEntry.objects.filter(action="export.ask").latest("seq").detail["checked"] == [ultrasound.pk, 999999]
    for who, status in ((cast.outsider, 404), (cast.scheduler, 403)):
        answer = client(who).post(f"/consultations/{thing.pk}/exports/check/", {"purpose": "research"})
        assert answer.status_code == status


REAL = ["MR_small_RLE.dcm", "JPEG2000.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "examples_ybr_color.dcm"]


@pytest.mark.parametrize("name", REAL)
def test_every_transfer_syntax_keeps_its_pixels(name: str, tmp_path: Path) -> None:
    source = tmp_path / "in.dcm"
    source.write_bytes(real(name))
    plan = tmp_path / "plan.json"
    plan.write_text(f'{{"path": "{source}", "key": "{KEY.hex()}", "checked": true}}')
    deidentify.write(plan, tmp_path)
    before, after = dcmread(source), dcmread(tmp_path / "out.dcm")
    assert after.PixelData == before.PixelData
    assert (after.pixel_array == before.pixel_array).all()
    assert before.SOPInstanceUID.encode() not in (tmp_path / "out.dcm").read_bytes()

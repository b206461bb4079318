"""What devices send: kept once, placed by number or patient, otherwise waiting for a doctor of that hospital."""

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pydicom import dcmread
from pydicom.uid import generate_uid

from consult.errors import Conflict, Refusal
from consult.models import AuditEntry, Consultation, Hospital, Job
from consult.services import outbox
from imaging.models import Arrival, Device
from imaging.raster import sniff
from imaging.services import arrivals, intake
from tests.cast import Cast, cancelled, closed, draft, submitted
from tests.imaging.doors import client, real


def device(hospital: Hospital, title: str = "CT1", address: str = "127.0.0.1") -> Device:
    return Device.objects.create(hospital=hospital, ae_title=title, address=address, name="")


def instance(name: str = "", number: str = "", **more: Any) -> bytes:
    """CT_small as a device would send it, with another patient."""
    dataset = dcmread(io.BytesIO(real("CT_small.dcm")))
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex = name, number, "", ""
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    del dataset[0xFFFCFFFC]  # padding behind the data set, which senders drop
    for key, value in more.items():
        setattr(dataset, key, value)
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def pushed(sender: Device, content: bytes) -> Arrival:
    """As the listener hands it over."""
    file = arrivals.coming() / "tmp.dcm"
    file.write_bytes(content)
    arrival = arrivals.take(device=sender, file=file, head=content[: sniff.HEAD])
    file.unlink(missing_ok=True)
    return arrival


def settled(sender: Device, *contents: bytes) -> list[Arrival]:
    rows = [pushed(sender, content) for content in contents]
    while outbox.sweep():
        pass
    return list(Arrival.objects.filter(pk__in=[row.pk for row in rows]))


def files() -> list[Path]:
    return [path for path in arrivals.folder().iterdir() if path.is_file()]


def test_our_number_as_accession_number_finds_its_consultation(cast: Cast) -> None:
    thing = submitted(cast)
    content = instance("王桂英", AccessionNumber=thing.number)
    [row] = settled(device(cast.nitun), content)
    image = thing.images.get()
    assert (row.state, row.image, row.by) == ("placed", image, None)
    assert image.state == "ready"
    assert image.original.read_bytes() == content
    assert files() == []
    entry = AuditEntry.objects.get(action="image.add")
    assert (entry.actor, entry.detail["device"]) == ("system", "CT1")


def test_another_patient_under_our_number_is_held(cast: Cast) -> None:
    thing = submitted(cast)
    settled(device(cast.nitun), instance("李^四", AccessionNumber=thing.number))
    assert thing.images.get().state == "held"


def test_patient_number_finds_the_one_consultation_whose_patient_agrees(cast: Cast) -> None:
    thing = submitted(cast)
    number = thing.patient.record_number
    agreeing, other_name = settled(device(cast.nitun), instance("Wang^Guiying", number), instance("Li^Si", number))
    assert (agreeing.state, agreeing.image.consultation) == ("placed", thing)
    assert other_name.state == "waiting"  # a device's own numbers may be anybody's of ours


def test_two_consultations_of_a_patient_leave_the_choice_to_the_doctor(cast: Cast) -> None:
    thing = submitted(cast)
    number = thing.patient.record_number
    draft(cast, patient=thing.patient)
    [row] = settled(device(cast.nitun), instance("王桂英", number))
    assert row.state == "waiting"


@pytest.mark.parametrize("ended", [closed, cancelled])
def test_what_is_over_takes_nothing_more(cast: Cast, ended: Any) -> None:
    thing = ended(cast)
    before = thing.images.count()
    [row] = settled(device(cast.nitun), instance("王桂英", AccessionNumber=thing.number or "none"))
    assert row.state == "waiting"
    assert thing.images.count() == before


def test_a_device_reaches_only_its_own_hospital(cast: Cast) -> None:
    thing = submitted(cast)
    [row] = settled(device(cast.haizhou), instance("王桂英", AccessionNumber=thing.number))
    assert row.state == "waiting"
    assert "王桂英" not in client(cast.doctor).get("/arrivals/").content.decode()
    assert "王桂英" in client(cast.outsider).get("/arrivals/").content.decode()


def test_sent_again_it_is_the_same(cast: Cast) -> None:
    sender, content = device(cast.nitun), instance("无名", "X1")
    first, again = pushed(sender, content), pushed(sender, content)
    assert first == again
    assert len(files()) == 1
    assert Job.objects.filter(kind="imaging.arrived").count() == 1


def test_a_doctor_places_a_whole_study(cast: Cast) -> None:
    thing = submitted(cast)
    study, number = generate_uid(), thing.patient.record_number
    draft(cast, patient=thing.patient)  # so that it does not find its place by itself
    contents = [instance("王桂英", number, StudyInstanceUID=study, InstanceNumber=at) for at in range(3)]
    first, *_ = settled(device(cast.nitun), *contents)
    browser = client(cast.doctor)
    page = browser.get(f"/arrivals/?for={thing.pk}").content.decode()
    assert page.count('class="card') == 1
    assert f'<option value="{thing.pk}" selected' in page
    assert f'data-arrived="{first.pk}"' in browser.get(f"/consultations/{thing.pk}/images/").content.decode()
    answer = browser.post(f"/arrivals/{first.pk}/place/", {"consultation": thing.pk})
    assert answer.status_code == 302
    assert thing.images.count() == 3
    assert set(Arrival.objects.values_list("state", "by")) == {("placed", cast.doctor.pk)}
    assert files() == []
    assert browser.post(f"/arrivals/{first.pk}/place/", {"consultation": thing.pk}).status_code == 404


def test_two_doctors_place_at_once_and_one_is_told(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    thing = submitted(cast)
    [row] = settled(device(cast.nitun), instance("无名", "X1"))
    keep = intake.keep

    def slow(**how: Any) -> Any:
        monkeypatch.setattr(intake, "keep", keep)
        arrivals.claim(arrivals=[row.pk], consultation=thing, by=cast.colleague)
        return keep(**how)

    monkeypatch.setattr(intake, "keep", slow)
    with pytest.raises(Conflict):
        arrivals.claim(arrivals=[row.pk], consultation=thing, by=cast.doctor)
    assert thing.images.count() == 1


def test_discarded_is_gone_and_on_record(cast: Cast) -> None:
    [row] = settled(device(cast.nitun), instance("无名", "X1"))
    assert client(cast.doctor).post(f"/arrivals/{row.pk}/discard/").status_code == 302
    row.refresh_from_db()
    assert (row.state, row.by, files()) == ("discarded", cast.doctor, [])
    assert AuditEntry.objects.get(action="arrival.discard").actor == cast.doctor.username


def test_outsiders_find_nothing(cast: Cast) -> None:
    mine = submitted(cast)
    [row] = settled(device(cast.nitun), instance("无名", "X1"))
    for person in (cast.outsider, cast.expert, cast.scheduler, cast.regulator):
        browser = client(person)
        assert "无名" not in browser.get("/arrivals/").content.decode()
        assert browser.post(f"/arrivals/{row.pk}/place/", {"consultation": mine.pk}).status_code == 404
        assert browser.post(f"/arrivals/{row.pk}/discard/").status_code == 404
    assert Client().get("/arrivals/").status_code == 302
    assert mine.images.count() == 0


def test_the_worklist_says_how_many_studies_wait(cast: Cast) -> None:
    url = "/arrivals/waiting/"
    assert client(cast.doctor).get(url).content.strip() == b""
    settled(device(cast.nitun), instance("无名", "X1"), instance("无名", "X2"))
    assert 'data-arrivals="2"' in client(cast.doctor).get(url).content.decode()
    for person in (cast.outsider, cast.expert, cast.scheduler, cast.regulator):
        assert client(person).get(url).content.strip() == b""
    assert Client().get(url).status_code == 302


def test_nobody_places_into_what_they_do_not_see(cast: Cast) -> None:
    other = Consultation.objects.create(
        hospital=cast.haizhou, department=cast.haizhou.departments.first(), asker=cast.outsider
    )
    [row] = settled(device(cast.nitun), instance("无名", "X1"))
    assert client(cast.doctor).post(f"/arrivals/{row.pk}/place/", {"consultation": other.pk}).status_code == 404
    assert client(cast.doctor).post(f"/arrivals/{row.pk}/place/", {"consultation": "x"}).status_code == 404


def test_nonsense_is_refused_before_it_is_kept(cast: Cast) -> None:
    sender = device(cast.nitun)
    for content in (b"", b"MZ" + bytes(200), b"x" * 500, b"MZ" + instance()[2:]):
        with pytest.raises(Refusal):
            pushed(sender, content)
    assert files() == []
    assert not Arrival.objects.exists()


def test_what_cannot_be_read_says_why(cast: Cast) -> None:
    content = instance("无名")
    cut = content[:400] + b"\xff" * 400
    with pytest.raises(Refusal) as refusal:
        pushed(device(cast.nitun), cut)
    assert refusal.value.code == "damaged"
    kept = pushed(Device.objects.get(), content)
    kept.path.write_bytes(cut)  # what a bad disk does
    outbox.sweep()
    row = Arrival.objects.get()
    assert (row.state, row.reason) == ("refused", "damaged")
    page = client(cast.doctor).get("/arrivals/").content.decode()
    assert row.reason_words in page


def test_full_inbox_takes_no_more(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "QUOTA_FILES", 1)
    sender = device(cast.nitun)
    pushed(sender, instance("无名", "X1"))
    with pytest.raises(Refusal) as refusal:
        pushed(sender, instance("无名", "X1"))
    assert refusal.value.code == "inbox_full"
    assert len(files()) == 1


def test_files_that_no_row_knows_are_swept_after_a_day(cast: Cast) -> None:
    row = pushed(device(cast.nitun), instance("无名", "X1"))
    stray, cut = arrivals.folder() / "stray", arrivals.coming() / "cut.dcm"
    for path in (stray, cut):
        path.write_bytes(b"x")
    arrivals.sweep()
    assert stray.exists()
    past = time.time() - 2 * arrivals.LEFT_FOR
    for path in (stray, cut, row.path):
        os.utime(path, (past, past))
    arrivals.sweep()
    assert (stray.exists(), cut.exists(), row.path.exists()) == (False, False, True)

"""Electrocardiograms: drawn at 25 mm/s and 10 mm/mV whatever file they came in, refused where no height is known."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from pydicom import dcmread

from imaging.models import Image
from imaging.raster import trace
from tests.cast import Cast, submitted
from tests.imaging import ecgs
from tests.imaging.doors import client, real, sent

pytestmark = pytest.mark.files

LEFT = 20  # millimetres before the traces begin
SKIPPED = 12  # millimetres over which a lead's name stands: 0.48 s
UV = ecgs.wave(10) * 1000


def page_of(cast: Cast, image: Image, number: int = 0) -> Picture.Image:
    answer = client(cast.doctor).get(f"/images/{image.pk}/frames/{number}/")
    assert answer.status_code == 200
    return Picture.open(io.BytesIO(answer.content))


def peaks(picture: Picture.Image, lead: int, pitch: int, seconds: float = 9.4) -> Any:
    """Highest ink of a lead above its resting line, in millivolts, for each tenth of a second."""
    ink = ecgs.dark(picture)
    base = round((14 + pitch * lead + pitch / 2) * trace.PX)
    top = base - 11 * trace.PX
    found = []
    for tenth in range(round(seconds * 10)):
        left = round((LEFT + SKIPPED + tenth * 2.5) * trace.PX)
        rows = np.flatnonzero(ink[top:base, left : left + round(2.5 * trace.PX)].any(axis=1))
        found.append((base - top - rows[0]) / trace.PX / 10 if rows.size else 0.0)
    return np.array(found)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.edf", ecgs.edf({"ECG I": UV, "ECG II": UV / 2})),
        ("a.xml", ecgs.aecg({"I": UV, "II": UV / 2})),
        ("a.scp", ecgs.scp({1: UV, 2: UV / 2})),
    ],
)
def test_a_known_wave_is_drawn_where_and_as_high_as_it_is(cast: Cast, name: str, content: bytes) -> None:
    image = sent(client(cast.doctor), submitted(cast), name, content)
    client(cast.doctor).post(f"/images/{image.pk}/confirm/")
    image.refresh_from_db()
    assert (image.kind, image.state, image.frames, image.modality) == ("ecg", "ready", 1, "ECG")
    assert image.facts["ecg"] == {"mm_per_s": 25, "mm_per_mv": 10}
    assert image.facts["spacing"] == {"row": 0.125, "column": 0.125, "at": "paper"}
    picture = page_of(cast, image)
    assert picture.size == (image.width, image.height)
    for lead, millivolts in ((0, 1.0), (1, 0.5)):
        high = peaks(picture, lead, 34)
        beats = np.flatnonzero(high > millivolts * 0.7)
        # the triangle stands from 0.15 to 0.25 s of every second
        assert set(beats // 10) == set(range(9))
        assert set(beats % 10) <= {6, 7}
        assert np.abs(high[beats].max() - millivolts) < 0.04
        assert high[::10].max() < 0.05


def test_dicom_waveforms_show_their_first_group_with_every_lead(cast: Cast) -> None:
    thing = submitted(cast)
    image = sent(client(cast.doctor), thing, "waveform_ecg.dcm", real("waveform_ecg.dcm"))
    assert (image.kind, image.state, image.frames, image.modality) == ("dicom", "held", 1, "ECG")
    client(cast.doctor).post(f"/images/{image.pk}/confirm/")
    dataset = dcmread(io.BytesIO(real("waveform_ecg.dcm")))
    values = dataset.waveform_array(0) / 1000
    picture = page_of(cast, image)
    for lead in (0, 1, 4):
        high = peaks(picture, lead, 22, 9)
        width, skipped = 100, 480  # samples of a tenth of a second, and skipped
        true = np.array([values[skipped + at * width :][:width, lead].max() for at in range(90)])
        assert np.abs(np.clip(true, 0, 1.1) - high).max() < 0.08
    shown = client(cast.doctor).get(f"/consultations/{thing.pk}/images/list/").json()["images"][0]
    assert (shown["pages"], shown["presets"]) == (True, [])


def test_more_than_ten_seconds_are_more_pages(cast: Cast) -> None:
    long = ecgs.wave(25) * 1000
    image = sent(client(cast.doctor), submitted(cast), "a.edf", ecgs.edf({"ECG I": long}))
    assert image.frames == 3
    assert peaks(page_of(cast, image, 2), 0, 34).max() > 0.9
    assert peaks(page_of(cast, image, 2), 0, 34)[50:].max() == 0


def test_what_is_no_voltage_is_not_drawn_as_one(cast: Cast) -> None:
    thing, browser = submitted(cast), client(cast.doctor)
    image = sent(browser, thing, "a.edf", ecgs.edf({"Resp": UV}, unit="%"))
    assert (image.state, image.reason) == ("refused", "waveform")
    dataset = dcmread(io.BytesIO(real("waveform_ecg.dcm")))
    for group in dataset.WaveformSequence:
        for channel in group.ChannelDefinitionSequence:
            del channel.ChannelSensitivityUnitsSequence
    out = io.BytesIO()
    dataset.save_as(out)
    image = sent(browser, thing, "b.dcm", out.getvalue())
    assert (image.state, image.reason) == ("refused", "waveform")


def test_the_patient_in_the_file_is_compared(cast: Cast) -> None:
    thing = submitted(cast)
    image = sent(client(cast.doctor), thing, "a.xml", ecgs.aecg({"I": UV}, name="李四"))
    assert (image.state, image.patient_name, "name" in image.differs) == ("held", "李四", True)


BOMB = ecgs.aecg({"I": UV[:10]}).replace(
    b"<AnnotatedECG", b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><AnnotatedECG', 1
)
EDF = ecgs.edf({"ECG I": UV})


@pytest.mark.parametrize(
    "content",
    [
        EDF[:300],
        EDF[:600],
        EDF[:236] + b"99999999" + EDF[244:],
        EDF[:252] + b"9999" + EDF[256:],
        ecgs.aecg({"I": UV})[:900],
        BOMB,
        ecgs.aecg({"I": UV}).replace(b'unit="s"', b'unit="century"'),
        ecgs.aecg({"I": UV}).replace(b'increment value="0.002"', b'increment value="0"'),
        ecgs.scp({1: UV})[:200],
        ecgs.scp({1: UV})[:40] + b"\xff" * 400,
    ],
    ids=[
        "edf-head",
        "edf-channel",
        "edf-records",
        "edf-channels",
        "cut",
        "bomb",
        "unit",
        "zero",
        "scp-cut",
        "scp-junk",
    ],
)
def test_hostile_recordings_end_in_words(cast: Cast, content: bytes) -> None:
    image = sent(client(cast.doctor), submitted(cast), "x.dat", content)
    assert image.state in ("refused", "ready", "held")
    if image.state != "refused":  # cut behind whole data records: what is there is drawn
        assert np.isfinite(peaks(page_of(cast, image), 0, 34)).all()
    assert client(cast.doctor).get(f"/consultations/{image.consultation_id}/images/").status_code == 200

"""Demo consultations get believable images, once."""

from datetime import timedelta

from django.utils import timezone

from imaging.models import Image
from imaging.services import demo
from tests.cast import Cast, accepted, draft, enter_patient, submitted
from tests.imaging.doors import client


def test_demo_images_are_ready_and_added_once(cast: Cast) -> None:
    other = enter_patient(cast)
    made = [submitted(cast), accepted(cast), draft(cast, patient=other), submitted(cast, patient=other), draft(cast)]
    assert demo.fill(made) == 2 + 2 + demo.SLICES + 2 + 2 + 2
    states = sorted(Image.objects.values_list("state", flat=True))
    assert states == ["held"] + ["ready"] * (len(states) - 1)
    assert demo.fill(made) == 0


def test_there_is_a_slide_and_an_earlier_study_to_compare_with(cast: Cast) -> None:
    before, now = submitted(cast), submitted(cast)
    assert demo.give(before, demo.earlier_head) == demo.SLICES
    assert demo.give(now, demo.biopsy) == 3 + demo.SLICES
    assert demo.give(now, demo.biopsy) == 0
    assert set(Image.objects.values_list("state", "reason")) == {("ready", "")}
    slide = now.images.get(modality="SM")
    assert (slide.has_tiles, slide.facts["objective"]) == (True, 20)
    told = client(cast.doctor).get(f"/consultations/{now.pk}/images/priors/").json()["priors"]
    [prior] = [one for one in told if one["consultation"] == before.pk]
    [series] = prior["series"]
    day = timezone.localdate() - timedelta(days=demo.EARLIER)
    assert (series["modality"], series["count"], series["day"]) == ("CT", demo.SLICES, day.isoformat())

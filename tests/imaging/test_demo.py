"""Demo consultations get believable images, once."""

from imaging.models import Image
from imaging.services import demo
from tests.cast import Cast, accepted, draft, enter_patient, submitted


def test_demo_images_are_ready_and_added_once(cast: Cast) -> None:
    other = enter_patient(cast)
    made = [submitted(cast), accepted(cast), draft(cast, patient=other), submitted(cast, patient=other), draft(cast)]
    assert demo.fill(made) == 2 + 2 + demo.SLICES + 2 + 2 + 2
    states = sorted(Image.objects.values_list("state", flat=True))
    assert states == ["held"] + ["ready"] * (len(states) - 1)
    assert demo.fill(made) == 0

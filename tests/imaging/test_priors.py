"""What an image may be compared with: the same patient's, in consultations this person sees, and nothing else."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consult.models import Consultation, User
from consult.services import answer, triage
from imaging.models import Image
from tests.cast import Cast, accepted, draft, enter_patient, submitted
from tests.imaging import phantom
from tests.imaging.doors import client, photo, real, sent


def asked_elsewhere(cast: Cast) -> Consultation:
    """The same patient, asked of a specialist of another hospital."""
    thing = triage.assign(
        consultation=submitted(cast), by=cast.scheduler, expert=cast.other_expert, department=cast.radiology
    )
    return answer.accept(consultation=thing, by=cast.other_expert)


def seen(user: User, thing: Consultation) -> Any:
    return client(user).get(f"/consultations/{thing.pk}/images/priors/")


def offered(user: User, thing: Consultation) -> list[tuple[int, list[str], list[str]]]:
    found = seen(user, thing).json()["priors"]
    return [
        (each["consultation"], each["hiddenFrom"], [series["title"] for series in each["series"]]) for each in found
    ]


def test_the_asker_sees_all_of_the_patient_the_specialist_what_they_were_asked(cast: Cast) -> None:
    nitun = client(cast.doctor)
    first, elsewhere, now = accepted(cast), asked_elsewhere(cast), accepted(cast)
    other = draft(cast, patient=enter_patient(cast, record_number="N-0777", name="李卫国"))
    for number, thing in enumerate((first, elsewhere, now, other)):
        sent(nitun, thing, f"{number}.jpg", photo(300 + number, 200))
    expert, second = cast.expert.display_name, cast.second_expert.display_name
    assert offered(cast.doctor, now) == [(first.pk, [], ["0.jpg"]), (elsewhere.pk, [expert], ["1.jpg"])]
    assert offered(cast.expert, now) == [(first.pk, [], ["0.jpg"])]
    now.participants.create(person=cast.second_expert, side="answering", last_joined_at=timezone.now())
    assert offered(cast.doctor, now)[1] == (elsewhere.pk, sorted([expert, second]), ["1.jpg"])
    assert offered(cast.other_expert, elsewhere) == []
    assert offered(cast.doctor, other) == []
    for user in (cast.outsider, cast.other_expert):
        assert seen(user, now).status_code == 404
    assert seen(cast.expert, elsewhere).status_code == 404
    hidden = Image.objects.get(consultation=elsewhere)
    for part in ("frames/0/", "thumbnail/", "original/"):
        assert client(cast.expert).get(f"/images/{hidden.pk}/{part}").status_code == 404
    assert nitun.post(f"/consultations/{now.pk}/images/priors/").status_code == 405


def test_only_what_is_ready_and_by_series_with_its_day(cast: Cast) -> None:
    nitun = client(cast.doctor)
    before, now = accepted(cast), accepted(cast)
    slices = [
        sent(nitun, before, f"{index}.dcm", content)
        for index, content in enumerate(phantom.series(3, AcquisitionDate="20240229"))
    ]
    held = sent(nitun, before, "CT_small.dcm", real("CT_small.dcm"))
    assert held.state == Image.State.HELD
    nitun.post(f"/images/{sent(nitun, before, 'gone.jpg', photo()).pk}/withdraw/", {"reason": "x"})
    (about,) = seen(cast.expert, now).json()["priors"]
    (series,) = about["series"]
    assert (about["number"], series["day"], series["modality"]) == (before.number, "2024-02-29", "CT")
    assert (series["count"], series["images"]) == (3, [each.pk for each in slices])


def test_the_same_person_at_two_hospitals_is_known_by_identity_number(cast: Cast) -> None:
    nitun = client(cast.doctor)
    before = accepted(cast, patient=enter_patient(cast, record_number="N-0778", id_number="140123195603121247"))
    now = accepted(cast, patient=enter_patient(cast, record_number="N-0779", id_number="140123195603121247"))
    sent(nitun, before, "a.jpg", photo())
    assert [each[0] for each in offered(cast.expert, now)] == [before.pk]


def test_thirty_images_cost_no_more_queries_than_one(cast: Cast) -> None:
    nitun, counts = client(cast.doctor), []
    before, now = accepted(cast), accepted(cast)
    image = sent(nitun, before, "1.dcm", phantom.ct())
    for count in (1, 30):
        for number in range(1, count):
            image.pk, image.folder, image.sha256 = None, f"copy-{number}", f"{number:064}"
            image.save()
        with CaptureQueriesContext(connection) as queries:
            (about,) = seen(cast.expert, now).json()["priors"]
        assert about["series"][0]["count"] == count
        counts.append(len(queries))
    assert counts[0] == counts[1]

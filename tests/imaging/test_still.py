"""Stills of a far camera: who may ask, whose page answers, what is kept of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from consult.models import AuditEntry, Consultation, Placement, Relay, User
from consult.services import consent, outbox
from imaging.models import Image, Still
from tests.cast import Cast, accepted
from tests.imaging.doors import begin, client, photo, put


@pytest.fixture
def consultation(cast: Cast) -> Consultation:
    """Accepted, both in the call."""
    made = accepted(cast)
    node = Relay.objects.create(name="one", address="::1", port=1, seen_at=timezone.now())
    peers = [{"peer": "p" * 16, "username": user.get_username()} for user in (cast.doctor, cast.expert)]
    Placement.objects.create(consultation=made, relay=node, peers=peers)
    return made


def ask(user: User, consultation: Consultation, of: User, source: str = "ultrasound") -> Any:
    sent = {"of": of.get_username(), "source": source}
    return client(user).post(f"/consultations/{consultation.pk}/stills/", sent, headers={"Accept": "application/json"})


def bring(browser: Client, consultation: Consultation, still: int, content: bytes) -> Any:
    """The page of the camera sends the picture."""
    answer = begin(browser, consultation, f"still-{still}.jpg", content, still=str(still))
    return put(browser, answer["Location"], 0, content) if answer.status_code == 201 else answer


def test_a_still_is_asked_taken_and_an_image_that_says_who_asked_and_who_took_it(
    cast: Cast, consultation: Consultation
) -> None:
    asked = ask(cast.expert, consultation, cast.doctor)
    assert asked.status_code == 201
    still = asked.json()["pk"]
    assert bring(client(cast.doctor), consultation, still, photo()).status_code == 204
    outbox.sweep()
    for user in (cast.doctor, cast.expert):
        told = client(user).get(f"/stills/{still}/").json()
        assert (told["state"], told["percent"], told["image"]) == ("taken", 100, Image.objects.get().pk)
        shown = client(user).get(f"/consultations/{consultation.pk}/images/list/").json()["images"][0]
        assert (cast.expert.display_name in shown["still"], cast.doctor.display_name in shown["still"]) == (True, True)
    image = Image.objects.get()
    assert (image.uploaded_by, image.state) == (cast.doctor, "ready")
    rows = AuditEntry.objects.filter(action__startswith="still.").values_list("action", "actor")
    assert list(rows) == [("still.ask", "expert.provincial"), ("still.take", "doctor.nitun")]
    removed = client(cast.doctor).post(f"/images/{image.pk}/withdraw/")
    assert (removed.status_code, client(cast.expert).get(f"/images/{image.pk}/").status_code) == (302, 404)


def test_the_other_side_cannot_answer_for_the_camera(cast: Cast, consultation: Consultation) -> None:
    still = ask(cast.expert, consultation, cast.doctor).json()["pk"]
    assert bring(client(cast.expert), consultation, still, photo()).status_code == 409
    assert client(cast.expert).post(f"/stills/{still}/failed/", {"reason": "off"}).status_code == 403
    assert (Still.objects.get().state, Image.objects.count()) == ("asked", 0)


def test_who_takes_no_part_asks_for_nothing(cast: Cast, consultation: Consultation) -> None:
    answers = [ask(user, consultation, cast.doctor).status_code for user in (cast.outsider, cast.scheduler)]
    assert (answers, Still.objects.count()) == ([404, 403], 0)


def test_only_who_is_in_the_call_can_be_asked(cast: Cast, consultation: Consultation) -> None:
    assert [ask(cast.expert, consultation, user).status_code for user in (cast.colleague, cast.outsider)] == [409, 409]
    Placement.objects.update(peers=[])
    assert ask(cast.expert, consultation, cast.doctor).status_code == 409


def test_without_consent_nobody_asks(cast: Cast, consultation: Consultation) -> None:
    consent.withdraw(consent=consultation.consents.get(), by=cast.doctor)
    assert ask(cast.expert, consultation, cast.doctor).status_code == 403


def test_a_still_that_could_not_be_taken_says_why_and_is_over(cast: Cast, consultation: Consultation) -> None:
    still = ask(cast.expert, consultation, cast.doctor).json()["pk"]
    doctor = client(cast.doctor)
    assert doctor.post(f"/stills/{still}/failed/", {"reason": "dog"}).status_code == 422
    assert doctor.post(f"/stills/{still}/failed/", {"reason": "off"}).status_code == 204
    told = client(cast.expert).get(f"/stills/{still}/", headers={"Accept-Language": "en"}).json()
    assert (told["state"], told["reason"]) == ("failed", "The camera is off.")
    assert bring(doctor, consultation, still, photo()).status_code == 409
    assert doctor.post(f"/stills/{still}/failed/", {"reason": "off"}).status_code == 409


def test_two_presses_at_once_are_one_still_and_an_old_question_is_over(cast: Cast, consultation: Consultation) -> None:
    first = ask(cast.expert, consultation, cast.doctor)
    assert (first.status_code, ask(cast.expert, consultation, cast.doctor).status_code) == (201, 409)
    Still.objects.update(at=timezone.now() - timedelta(hours=1))
    assert bring(client(cast.doctor), consultation, first.json()["pk"], photo()).status_code == 409


def test_an_unknown_camera_is_refused(cast: Cast, consultation: Consultation) -> None:
    assert ask(cast.expert, consultation, cast.doctor, source="window").status_code == 422
    assert client(cast.expert).get(f"/consultations/{consultation.pk}/stills/").status_code == 405

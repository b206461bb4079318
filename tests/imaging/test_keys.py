"""A program comes with an access key: no session, no CSRF token, what its owner may and no more, and only as long."""

from datetime import timedelta
from typing import Any

import time_machine
from django.test import Client
from django.utils import timezone

from consult.models import AccessKey, AuditEntry, Role, User
from consult.services import access_key
from imaging.web import asker
from tests.cast import PASSWORD, Cast, accepted, draft
from tests.imaging.doors import client, real, sent
from tests.imaging.peer import KIND, body, slices


def made(by: User, name: str = "workstation", *, read: bool = True, store: bool = True) -> tuple[AccessKey, str]:
    return access_key.make(by=by, name=name, may_read=read, may_store=store, days=90, password=PASSWORD)


def asked(url: str, secret: str, method: str = "get", **more: Any) -> Any:
    return getattr(Client(enforce_csrf_checks=True), method)(url, headers={"Authorization": f"Bearer {secret}"}, **more)


def test_a_key_does_what_it_was_made_for(cast: Cast) -> None:
    url = f"/dicomweb/{draft(cast).pk}/studies"
    _, reads = made(cast.doctor, "reads", store=False)
    _, stores = made(cast.doctor, "stores", read=False)
    sending = {"data": body(slices(1)), "content_type": KIND["Content-Type"]}
    assert asked(url, reads).status_code == 200
    assert asked(url, stores, "post", **sending).status_code == 200
    for answer in (asked(url, stores), asked(url, reads, "post", **sending)):
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
        assert answer["WWW-Authenticate"] == 'Bearer realm="dicomweb", error="insufficient_scope"'


def test_a_key_sees_what_its_owner_sees(cast: Cast) -> None:
    """The outsider's finds nothing; the specialist's no held image; and it opens no other door of the site."""
    consultation = accepted(cast)
    image = sent(client(cast.doctor), consultation, "CT_small.dcm", real("CT_small.dcm"))
    url = f"/dicomweb/{consultation.pk}/instances"
    (_, own), (_, theirs), (_, outside) = made(cast.doctor), made(cast.expert), made(cast.outsider)
    assert [each["00080018"]["Value"] for each in asked(url, own).json()] == [[image.sop_uid]]
    assert asked(url, theirs).json() == []
    assert asked(url, outside).status_code == 404
    for page in ("/", f"/consultations/{consultation.pk}/", f"/images/{image.pk}/original/", "/accounts/keys/"):
        assert asked(page, own).status_code == 302
    whole = f"/dicomweb/{consultation.pk}/studies/{image.study_uid}"
    assert asked(whole, own).status_code == 200
    row = AuditEntry.objects.get(action="image.download")
    assert (row.actor, row.object_id) == ("doctor.nitun", str(image.pk))


def test_it_ends_at_once(cast: Cast) -> None:
    """By revoking it, by the account, by the role, by its time."""
    url = f"/dicomweb/{accepted(cast).pk}/studies"
    key, secret = made(cast.doctor)
    assert asked(url, secret).status_code == 200
    User.objects.filter(pk=cast.doctor.pk).update(is_active=False)
    assert asked(url, secret).status_code == 401
    User.objects.filter(pk=cast.doctor.pk).update(is_active=True)
    roles = Role.objects.filter(person=cast.doctor)
    roles.update(active=False)
    assert asked(url, secret).status_code == 404
    roles.update(active=True)
    assert asked(url, secret).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=90, seconds=1)):
        assert asked(url, secret).status_code == 401
    assert client(cast.doctor).post(f"/accounts/keys/{key.pk}/revoke/").status_code == 302
    answer = asked(url, secret)
    assert (answer.status_code, answer.json()["code"]) == (401, "unknown_key")
    assert answer["WWW-Authenticate"] == 'Bearer realm="dicomweb", error="invalid_token"'


def test_wrong_keys_are_slowed_down_and_lock_nobody_out(cast: Cast) -> None:
    url = f"/dicomweb/{accepted(cast).pk}/studies"
    _, secret = made(cast.doctor)
    wrong = ["", "x", "tmk_" + "A" * 43, secret[:-1] + ("A" if secret[-1] != "A" else "B"), "é" * 20]
    said = [asked(url, wrong[turn % len(wrong)]).status_code for turn in range(asker.WRONG_KEYS + 1)]
    assert said == [401] * asker.WRONG_KEYS + [429]
    assert asked(url, wrong[0])["Retry-After"] == "600"
    assert asked(url, secret).status_code == 200
    assert Client().get(url, headers={"Authorization": "Basic eDp5"}).status_code == 401


def test_a_session_still_needs_its_token(cast: Cast) -> None:
    """A page of another site can make a browser send a session, never a key."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.doctor)
    url = f"/dicomweb/{draft(cast).pk}/studies"
    answer = browser.post(url, body(slices(1)), content_type=KIND["Content-Type"])
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    browser.cookies["csrftoken"] = "t" * 32
    answer = browser.post(url, body(slices(1)), content_type=KIND["Content-Type"], headers={"X-CSRFToken": "t" * 32})
    assert answer.status_code == 200


def test_its_use_is_seen_and_in_the_audit(cast: Cast) -> None:
    url = f"/dicomweb/{accepted(cast).pk}/studies"
    key, secret = made(cast.doctor)
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        for minutes in (0, 5, 11):
            clock.move_to(now + timedelta(minutes=minutes))
            assert asked(url, secret).status_code == 200
    key.refresh_from_db()
    assert key.last_used_at == now + timedelta(minutes=11)
    rows = AuditEntry.objects.filter(action__startswith="accesskey", object_id=str(key.pk))
    assert [(row.action, row.actor) for row in rows.order_by("seq")] == [
        ("accesskey.make", "doctor.nitun"),
        ("accesskey.use", "doctor.nitun"),
        ("accesskey.use", "doctor.nitun"),
    ]

"""Alerts until acknowledged: raised, brought by each way with retries, stopped when settled, told on when unheard."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from django.core import mail
from django.utils import timezone

from consult.errors import Refusal
from consult.models import Alert, AuditEntry, Consultation, Delivery, Job, Notification, Reach, User
from consult.notify import sms, webpush
from consult.policies import alert as policies
from consult.services import alert, answer, escalation, outbox, reach, triage
from consult.tasks import run_due
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.outside import Outside, outside
from tests.consult.domain.threads import together

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 9:00 in Shanxi
MINUTE = timedelta(minutes=1)


@pytest.fixture
def gateway(settings: Any) -> Iterator[Outside]:
    with outside() as heard:
        settings.SMS_HOOK_URL, settings.SMS_HOOK_SECRET = f"{heard.url}/sms", "shared by both"
        settings.PUSH_HOSTS = ["127.0.0.1"]
        yield heard


def alerts_of(user: User) -> list[tuple[str, bool, bool]]:
    """Kind, whether it rings, whether it is open."""
    rows = Alert.objects.filter(notification__person=user).order_by("pk").select_related("notification")
    return [(row.notification.kind, row.rings, not (row.acknowledged_at or row.stopped_at)) for row in rows]


def test_an_emergency_rings_until_somebody_answers_and_then_nowhere(cast: Cast) -> None:
    with time_machine.travel(AT, tick=False) as now:
        thing = people.offered(cast, urgency="emergency")
        run_due()
        assert alerts_of(cast.expert) == [("offered", True, True)]
        assert alerts_of(cast.second_expert) == []
        now.shift(5 * MINUTE)
        escalation.sweep()
        outbox.sweep()
        assert alerts_of(cast.second_expert) == [("chain_second", True, True)]
        answer.take_from_department(consultation=thing, by=cast.second_expert)
        outbox.sweep()
    assert alerts_of(cast.expert) == [("offered", True, False)]
    assert alerts_of(cast.second_expert) == [("chain_second", True, False)]
    assert [kind for kind, _rings, is_open in alerts_of(cast.doctor) if is_open] == ["accepted"]


def test_what_is_acknowledged_is_kept_with_the_page_and_once(cast: Cast) -> None:
    thing = people.offered(cast)
    run_due()
    row = Alert.objects.get(notification__person=cast.expert)
    for page in ("/ · Firefox", "/later · Firefox"):
        alert.acknowledge(alert=row, by=cast.expert, on=page)
    alert.acknowledge(alert=row, by=cast.second_expert, on="not theirs")
    row.refresh_from_db()
    assert (row.acknowledged_on, row.stopped_at) == ("/ · Firefox", None)
    assert AuditEntry.objects.filter(action="alert.acknowledge", consultation=thing.pk).count() == 1


def test_who_cannot_come_says_why_and_the_next_is_asked(cast: Cast) -> None:
    thing = people.offered(cast, urgency="emergency")
    run_due()
    row = Alert.objects.get(notification__person=cast.expert)
    with pytest.raises(Refusal, match="reason_missing"):
        answer.cannot(rung=row, by=cast.expert, words=" ", on="/")
    answer.cannot(rung=row, by=cast.expert, words="正在手术", on="/")
    thing.refresh_from_db()
    row.refresh_from_db()
    assert (thing.state, thing.last_reason, row.words) == ("DECLINED", "正在手术", "正在手术")


def test_a_text_message_is_signed_tried_again_and_says_nothing_about_the_patient(cast: Cast, gateway: Outside) -> None:
    User.objects.filter(pk=cast.expert.pk).update(phone="13903510000")
    gateway.answers = [500, 503, 200]
    with time_machine.travel(AT, tick=False) as now:
        thing = people.offered(cast, urgency="emergency")
        run_due()
        tries = []
        for _second in range(60):
            outbox.sweep()
            tries.append(len(gateway.heard))
            now.shift(timedelta(seconds=1))
    assert (tries[0], tries[9], tries[10], tries[29], tries[30], tries[-1]) == (1, 1, 2, 2, 3, 3)
    row = Delivery.objects.get(channel="sms")
    assert (row.attempts, row.error, row.sent_at is not None, row.failed_at) == (3, "", True, None)
    path, headers, body = gateway.heard[-1]
    sent = json.loads(body)
    assert (path, sent["to"], sent["id"]) == ("/sms", "13903510000", f"alert-{row.pk}")
    assert thing.number
    assert thing.number in sent["text"]
    moment = int(headers["X-Telemed-Time"])
    assert headers["X-Telemed-Signature"] == sms.signature("shared by both", moment, body)
    for secret in (cast.patient.name, people.REQUEST["question"], cast.patient.record_number):
        assert secret not in body.decode()


def test_what_is_refused_for_good_is_given_up_and_seen_by_the_scheduler(cast: Cast, gateway: Outside) -> None:
    User.objects.filter(pk=cast.expert.pk).update(phone="13903510000")
    gateway.answers = [302]  # never followed
    with time_machine.travel(AT, tick=False) as now:
        people.offered(cast, urgency="emergency")
        run_due()
        for _turn in range(MOST + 2):
            outbox.sweep()
            now.shift(10 * MINUTE)
        row = Delivery.objects.get(channel="sms")
        assert (row.attempts, row.error, row.failed_at is not None) == (MOST, "HTTP 302", True)
        assert {path for path, _headers, _body in gateway.heard} == {"/sms"}
        assert row.alert in policies.unreached(cast.scheduler)
        assert policies.unreached(cast.expert).count() == 0


MOST = alert.MOST


def test_a_browser_is_woken_by_a_message_only_it_can_read(cast: Cast, gateway: Outside, settings: Any) -> None:
    own = ec.generate_private_key(webpush.CURVE)
    point, auth = webpush.text(webpush.point(own.public_key())), webpush.text(b"0123456789abcdef")
    values = {"point": point, "auth": auth, "name": "Firefox · Linux"}
    for foreign in ("https://intranet.example/x", "http://127.0.0.1.example/x", "file:///etc/passwd"):
        with pytest.raises(Refusal, match="push_unknown"):
            reach.allow_browser(by=cast.expert, endpoint=foreign, **values)
    kept = reach.allow_browser(by=cast.expert, endpoint=f"{gateway.url}/push/1", **values)
    people.offered(cast)
    run_due()
    outbox.sweep()
    [(path, headers, body)] = gateway.heard
    assert (path, headers["Content-Encoding"], "vapid t=" in headers["Authorization"]) == ("/push/1", "aes128gcm", True)
    assert b"C2" not in body[86:]
    plain = opened(own, webpush.raw(auth), body)
    assert (plain["url"], set(plain)) == (
        Consultation.objects.get().get_absolute_url(),
        {"title", "body", "url", "tag"},
    )
    assert cast.patient.name not in json.dumps(plain, ensure_ascii=False)
    gateway.answers = [410]
    assert reach.test(by=cast.expert, channel="push")[0] is False
    kept.refresh_from_db()
    assert kept.gone_at is not None


def opened(own: ec.EllipticCurvePrivateKey, auth: bytes, body: bytes) -> dict[str, str]:
    """What a browser does (RFC 8291 section 3.4), from the other end."""
    salt, theirs, sealed = body[:16], body[21:86], body[86:]
    shared = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(webpush.CURVE, theirs))
    mine = webpush.point(own.public_key())
    secret = webpush._hmac(webpush._hmac(auth, shared), b"WebPush: info\0" + mine + theirs + b"\x01")
    made = webpush._hmac(salt, secret)
    key, nonce = (
        webpush._hmac(made, b"Content-Encoding: " + what)[:size]
        for what, size in ((b"aes128gcm\0\x01", 16), (b"nonce\0\x01", 12))
    )
    plain = webpush.AESGCM(key).decrypt(nonce, sealed, None)
    return dict(json.loads(plain.removesuffix(b"\x02")))


def test_mail_comes_when_nobody_acknowledged_for_a_while(cast: Cast, settings: Any) -> None:
    settings.EMAIL_FROM = "desk@example.org"
    User.objects.filter(pk__in=[cast.expert.pk, cast.doctor.pk]).update(email="someone@example.org")
    with time_machine.travel(AT, tick=False) as now:
        thing = people.offered(cast)  # urgent: after two minutes
        run_due()
        now.shift(2 * MINUTE)
        outbox.sweep()
        [sent] = mail.outbox
        assert (sent.to, thing.number and thing.number in sent.subject) == (["someone@example.org"], True)
        assert cast.patient.name not in sent.subject + str(sent.body)
        answer.accept(consultation=thing, by=cast.expert)
        outbox.sweep()
        alert.acknowledge_of(consultation=thing, by=cast.doctor, on="/")
        now.shift(5 * MINUTE)
        outbox.sweep()
        assert len(mail.outbox) == 1
        assert Delivery.objects.filter(dropped_at__isnull=False).count() == 1


@pytest.mark.parametrize(
    ("start", "end", "now", "until"),
    [
        ("22:00", "06:00", "2026-11-23 23:30", "2026-11-24 06:00"),
        ("22:00", "06:00", "2026-11-23 05:59", "2026-11-23 06:00"),
        ("22:00", "06:00", "2026-11-23 06:00", ""),
        ("12:00", "14:00", "2026-11-23 13:00", "2026-11-23 14:00"),
        ("12:00", "14:00", "2026-11-23 11:59", ""),
        ("12:00", "12:00", "2026-11-23 12:00", ""),
    ],
)
def test_quiet_hours_end(start: str, end: str, now: str, until: str) -> None:
    row = Reach(quiet_from=datetime.strptime(start, "%H:%M").time(), quiet_until=datetime.strptime(end, "%H:%M").time())
    found = policies.quiet_until(row, timezone.make_aware(datetime.fromisoformat(now)))
    assert found == (timezone.make_aware(datetime.fromisoformat(until)) if until else None)


def test_quiet_hours_wait_but_not_for_an_emergency(cast: Cast, gateway: Outside) -> None:
    User.objects.filter(pk=cast.expert.pk).update(phone="13903510000")
    local = timezone.localtime(AT)
    quiet = {"quiet_from": local.time(), "quiet_until": (local + timedelta(hours=2)).time()}
    Reach.objects.create(person=cast.expert, **quiet)
    with time_machine.travel(AT, tick=False):
        people.offered(cast, urgency="urgent")
        people.offered(cast, urgency="emergency")
        run_due()
        due = dict(Delivery.objects.values_list("alert__urgency", "due_at"))
    assert due == {"urgent": AT + timedelta(hours=2), "emergency": AT}


def test_what_nobody_acknowledges_is_told_to_the_schedulers_once(cast: Cast) -> None:
    with time_machine.travel(AT, tick=False) as now:
        people.needs_info(cast, urgency="urgent")  # told to the doctor and the colleague
        run_due()
        assert escalation.remind() == 0
        now.shift(20 * MINUTE)
        assert [escalation.remind(), escalation.remind()] == [1, 0]
    assert set(Notification.objects.filter(kind="unheard").values_list("person__username", flat=True)) == {"scheduler"}


def test_one_of_the_department_is_enough(cast: Cast) -> None:
    with time_machine.travel(AT, tick=False) as now:
        thing = people.needs_info(cast, urgency="urgent")
        run_due()
        alert.acknowledge_of(consultation=thing, by=cast.colleague, on="/")
        now.shift(20 * MINUTE)
        assert escalation.remind() == 0


def test_who_is_replaced_is_not_alerted_any_more(cast: Cast) -> None:
    thing = people.offered(cast)
    run_due()
    triage.assign(consultation=thing, by=cast.scheduler, expert=cast.other_expert, department=cast.radiology)
    run_due()
    assert alerts_of(cast.expert) == [("offered", False, False)]
    assert alerts_of(cast.other_expert) == [("offered", False, True)]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_who_answer_at_once_one_wins_and_the_others_are_told(live_cast: Cast) -> None:
    thing = people.offered(live_cast, urgency="emergency")
    run_due()

    def accept() -> str:
        answer.accept(consultation=Consultation.objects.get(pk=thing.pk), by=people.again(live_cast.expert))
        return "expert"

    def take() -> str:
        by = people.again(live_cast.second_expert)
        answer.take_from_department(consultation=Consultation.objects.get(pk=thing.pk), by=by)
        return "second"

    results: list[Any] = together(*[accept, take] * 100)
    winners = [result for result in results if result in {"expert", "second"}]
    assert (len(winners), len(results)) == (1, 200)
    assert set(results) <= {"expert", "second", "too_late", "wrong_actor"}
    thing.refresh_from_db()
    won = {"expert": live_cast.expert, "second": live_cast.second_expert}[winners[0]]
    assert (thing.expert, thing.state) == (won, "ACCEPTED")
    assert Alert.objects.filter(policies.OPEN, rings=True).count() == 0
    assert Job.objects.filter(failed_at__isnull=False).count() == 0

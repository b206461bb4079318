"""The outsider walks all doors: every URL of consult and imaging, made from the URLconf, for Nitun's consultation.

`doctor.haizhou` finds nothing (404) where Nitun's doctor finds something; who is not signed in is asked to. A URL
without a row in the table fails. The sockets have the same walk in tests/live.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from consult.models import (
    Alert,
    Consultation,
    CriticalFinding,
    Flag,
    FollowUp,
    Notification,
    OpinionVersion,
    PushSubscription,
    User,
)
from consult.services import access_key, key_image, message, reading_desk
from imaging.models import Still
from imaging.services import annotation, key
from imaging.services.annotation import Mark
from imaging.services.rendering import Look
from tests import cast as walk
from tests.cast import Cast
from tests.consult import rostered
from tests.doors import (
    DOORS,
    MOVES,
    SCHEDULERS_ONLY,
    SECRET,
    TEAM_EXPERTS,
    Door,
    administered,
    finished,
    gathered,
    referred,
    urls,
)
from tests.imaging import doors as pictures
from tests.imaging import glass
from tests.imaging.reports import measurements
from tests.imaging.test_arrivals import device, instance, settled
from tests.recording import scene

OPEN_TO_ALL = {
    "login",
    "logout",
    "password_change",
    "set-language",
    "session-alive",
    "healthz",
    "push-worker",
    "metrics",
    "javascript-catalog",
}
OF_MACHINES = {"metrics", "roster-feed"}  # tests/platform/test_metrics.py, tests/consult/pages/test_own_roster.py
ABOUT_THE_SITE = OPEN_TO_ALL | OF_MACHINES | {"styleguide"}


@dataclass
class World:
    """Nitun's draft, its signed consultation with image, half an upload, message, opinion; and one of a team."""

    draft: Consultation
    signed: Consultation
    team: Consultation
    names: dict[str, Any] = field(default_factory=dict)

    def url(self, name: str, door: Door) -> str:
        known = {**self.names, "consultation": self._of(door).pk}
        return reverse(name, args=[known.get(arg, arg) for arg in door.args])

    def _of(self, door: Door) -> Consultation:
        return self.draft if door.draft else self.team if door.team else self.signed


ONE = Door()
REASON = {"reason": "x"}
STUDY = ("consultation", "study_uid")
SERIES = (*STUDY, "series_uid")
INSTANCE = (*SERIES, "sop_uid")
# Doors to one consultation, or to something of it: nothing is there for an outsider.
TABLE: dict[str, Door] = {
    **DOORS,
    **{f"consultation-{name}": Door(posts=sent, gets=False) for name, sent in MOVES.items()},
    "consultation": ONE,
    "consultation-head": ONE,
    "consultation-record": ONE,
    "consultation-people": ONE,
    "consultation-history": ONE,
    "consultation-consent": ONE,
    "consultation-opinion": ONE,
    "consultation-dialog": Door(("consultation", "close")),
    "consultation-edit": Door(("consultation", "question"), {"question": "x"}, draft=True),
    "consultation-autosave": Door(posts={"question": "x"}, gets=False, draft=True),
    "consultation-patients": Door(draft=True),
    "booking": Door(posts={"starts_at": "2026-11-23T10:00+00:00", "minutes": 30}, gets=False),
    **{f"booking-{name}": Door(posts=REASON, gets=False) for name in ("book", "release", "cancel", "wait", "override")},
    "consultation-anybody": Door(posts={}, gets=False, draft=True),
    "consultation-submit": Door(posts={}, gets=False, draft=True),
    "consultation-sign": Door(posts={"password": "x", "draft_rev": 1}),
    "consultation-decide": Door(posts={"version": 1, "verdict": "adopted", "final_diagnosis": "x"}),
    "consent-file": Door(("consultation", "consent")),
    "consent-withdraw": Door(("consultation", "consent"), {}, gets=False),
    "messages": Door(posts={"body": "x", "token": "0123456789abcdef"}),
    "critical-findings": ONE,
    "critical-read-back": Door(("consultation", "critical"), {"words": "x"}, gets=False),
    "critical-confirm": Door(("consultation", "critical"), {}, gets=False),
    "critical-send-back": Door(("consultation", "critical"), {}, gets=False),
    "reading-desks": Door(()),
    "certificates": Door(()),
    "reading-desk-switch": Door(("desk",), {"reads": "no"}, gets=False),
    "alert-acknowledge": Door(("alert",), {}, gets=False),
    "alerts-unreached": Door(()),
    "desk": Door(()),
    "board": Door(()),
    "consultation-urge": Door(posts={}, gets=False),
    "clocks": Door((), {"known": 1}),
    **{name: Door(*how) for name, how in rostered.TABLE.items()},
    "report-templates": Door((), {"name": "x", "findings": "x"}),
    "report-template": Door(("template",), {"name": "x", "findings": "x"}),
    "report-template-delete": Door(("template",), {}, gets=False),
    "opinion-draft": Door(posts={"findings": "x", "draft_rev": 1}),
    "opinion-amend": Door(posts=REASON),
    "opinion-pdf": Door(("consultation", "version")),
    "opinion-picture": Door(("consultation", "version", "1")),
    "key-images": ONE,
    "key-image": Door(("consultation", "key_image"), {"act": "remove"}, gets=False),
    "key-image-picture": Door(("consultation", "key_image")),
    "image-key": Door(("image", "0"), {}, gets=False),
    "room": ONE,
    "room-state": ONE,
    "room-quality": Door(posts={"session": "page-of-a-stranger"}, gets=False),
    "consultation-quality": ONE,
    "stills": Door(posts={"of": "doctor.nitun", "source": "camera"}, gets=False),
    "still": Door(("still",)),
    "still-failed": Door(("still",), {"reason": "off"}, gets=False),
    "consultation-recordings": ONE,
    "recording-room": ONE,
    "recording-ask": Door(posts={}, gets=False),
    "recording": Door(("consultation", "recording")),
    "recording-progress": Door(("consultation", "recording")),
    "recording-answer": Door(("consultation", "recording"), {"agrees": "no"}, gets=False),
    "recording-stop": Door(("consultation", "recording"), {}, gets=False),
    "recording-hold": Door(("consultation", "recording"), {"held": "yes"}, gets=False),
    "recording-media": Door(("consultation", "recording", "film")),
    "images": ONE,
    "image-list": ONE,
    "image-priors": ONE,
    "upload": Door(posts={}, gets=False),
    "upload-part": Door(("upload",), gets=False),
    "dicomweb-studies": Door(posts={}),
    "dicomweb-all-series": ONE,
    "dicomweb-all-instances": ONE,
    "dicomweb-study": Door(STUDY, {}),
    **{f"dicomweb-study-{what}": Door(STUDY) for what in ("metadata", "thumbnail", "series", "instances")},
    **{f"dicomweb-series{what}": Door(SERIES) for what in ("", "-metadata", "-thumbnail", "-instances")},
    **{f"dicomweb-instance{what}": Door(INSTANCE) for what in ("", "-metadata", "-thumbnail", "-rendered")},
    **{f"dicomweb-frames{what}": Door((*INSTANCE, "1")) for what in ("", "-rendered")},
    "dicomweb-bulkdata": Door((*INSTANCE, "pixels")),
    "image": Door(("image",)),
    "image-frame": Door(("image", "0")),
    "image-print": Door(("image", "0")),
    "image-print-picture": Door(("image", "0")),
    "key-images-print": ONE,
    "image-values": Door(("slice", "0")),
    "image-tile": Door(("slide", "0", "0", "0")),
    "image-thumbnail": Door(("image",)),
    "image-report": Door(("report",)),
    "image-original": Door(("image",)),
    "exports": Door(posts={"purpose": "treatment"}),
    "export-check": Door(posts={"purpose": "treatment"}),
    "export-file": Door(("export",)),
    "export-remove": Door(("export",), {}, gets=False),
    "annotations": ONE,
    "annotation": Door(("image", "mark"), gets=False),
    "image-confirm": Door(("image",), {}, gets=False),
    "image-withdraw": Door(("image",), REASON, gets=False),
    "access-key-revoke": Door(("access_key",), {}, gets=False),
    "reach-sign-off": Door(("subscription",), {}, gets=False),
    "arrival-place": Door(("arrival",), {"consultation": 1}, gets=False),
    "arrival-discard": Door(("arrival",), {}, gets=False),
    "devices": Door((), {"ae_title": "CT9"}),
    "device": Door(("device",), {"ae_title": "CT9"}),
    "device-switch": Door(("device",), {"active": "no"}, gets=False),
    "device-test": Door(("device",), {}, gets=False),
}
# Doors of one's own: they open, and nothing of Nitun's is behind them.
OWN: dict[str, tuple[str, ...]] = {
    "home": (),
    "referrals": (),
    "referral-new": (),
    "critical-waiting": (),
    "diagnoses": (),
    "statistics": (),
    "access-keys": (),
    "alerts-open": (),
    "reach": (),
    "reach-test": (),
    "reach-allow": (),
    "worklist": ("yours",),
    "notifications": (),
    "notifications-seen": (),
    "consultation-new": (),
    "device-check": (),
    "arrivals": (),
    "arrivals-waiting": (),
    "duty": (),
    "bookings": (),
}
# What Nitun's doctor may not open either.
EXPERTS_ONLY = {"consultation-sign", "opinion-draft", "opinion-amend", "key-images", "key-image-picture"}
EXPERTS_ONLY |= TEAM_EXPERTS
EXPERTS_ONLY |= {"report-templates", "report-template"}
DESK_ONLY = {"consultation-quality", "reading-desks", "clocks", "certificates", "alerts-unreached", "desk", "board"}
DESK_ONLY |= rostered.DESK | SCHEDULERS_ONLY
EXPERTS_ONLY |= rostered.EXPERTS
ADMINISTRATORS_ONLY = {"devices", "device"}


ALL = urls(get_resolver().url_patterns)


@pytest.fixture
def world(cast: Cast) -> World:
    texts = {"question": SECRET, "reason": SECRET, "record_summary": SECRET, "tests": SECRET}
    thing = walk.opinion_due(cast, **texts)
    nitun = pictures.client(cast.doctor)
    image = pictures.sent(nitun, thing, f"{SECRET}.jpg", pictures.photo())
    chosen = key.choose(image=image, number=0, look=Look(), turned=key.Turned(), title=SECRET, by=cast.expert)
    key_image.caption(chosen=chosen, by=cast.expert, words=SECRET)
    walk.sign(cast, thing, findings=SECRET, critical=SECRET)
    slice_ = pictures.sent(nitun, thing, f"{SECRET}.dcm", pictures.real("CT_small.dcm"))
    slide = pictures.sent(nitun, thing, f"{SECRET}.svs", glass.svs(glass.tissue(600, 300)))
    report = pictures.sent(nitun, thing, "report.dcm", measurements(slice_.sop_uid, SECRET))
    mark = Mark(frame=0, kind="arrow", points=[[1, 1], [9, 9]], text=SECRET)
    drawn = annotation.put(image=image, by=cast.doctor, uid=uuid4(), rev=1, mark=mark)
    half = pictures.begin(nitun, thing, "half.jpg", pictures.photo(500, 400))
    recorded = scene.ready(cast, thing)
    [arrived] = settled(device(cast.nitun), instance(SECRET, "X1"))
    how = {"may_read": True, "may_store": True, "days": 1, "password": walk.PASSWORD}
    opens, _secret = access_key.make(by=cast.doctor, name=SECRET, **how)
    message.post(consultation=thing, by=cast.doctor, body=SECRET, token="0123456789")
    reading_desk.set_reads(department=cast.cardiology, by=cast.scheduler, reads=True)
    says = {"name": SECRET, "findings": SECRET}
    template = reading_desk.keep_template(department=cast.cardiology, by=cast.expert, fields=says)
    together = gathered(cast, texts)
    told = Notification.objects.filter(person=cast.doctor, consultation=thing).earliest("pk")
    return World(
        walk.draft(cast, **texts),
        thing,
        together,
        {
            "referral": referred(cast),
            "flag": Flag.objects.create(consultation=thing, rule="many", found={"count": 9}).pk,
            "follow_up": FollowUp.objects.create(
                consultation=thing, due_on=date(2026, 12, 1), task=SECRET, planned_by=cast.doctor
            ).pk,
            "seat": together.participants.get(person=cast.other_expert).pk,
            "consent": thing.consents.earliest("pk").pk,
            "version": OpinionVersion.objects.get().pk,
            "alert": Alert.objects.create(notification=told, urgency="urgent").pk,
            "subscription": PushSubscription.objects.create(person=cast.doctor, endpoint="https://x", point="x").pk,
            "critical": CriticalFinding.objects.get().pk,
            "image": image.pk,
            "report": report.pk,
            "slice": slice_.pk,
            "slide": slide.pk,
            "key_image": chosen.pk,
            "mark": drawn.uid,
            "arrival": arrived.pk,
            "device": arrived.device_id,
            "export": finished(thing, cast.doctor).pk,
            "access_key": opens.pk,
            **administered(cast),
            **rostered.planned(cast, SECRET),
            "template": template.pk,
            **{name: getattr(slice_, name) for name in ("study_uid", "series_uid", "sop_uid")},
            "still": Still.objects.create(consultation=thing, asked_by=cast.expert, of=cast.doctor, source="camera").pk,
            "recording": recorded.pk,
            "film": recorded.files.get(number=1).number,
            "upload": half["Location"].rstrip("/").rsplit("/", 1)[1],
        },
    )


def test_every_url_has_a_row() -> None:
    assert sorted(ALL - set(TABLE) - set(OWN) - ABOUT_THE_SITE) == []
    assert sorted(set(TABLE) - ALL) == []


def body(answer: Any) -> bytes:
    return b"".join(answer)


@pytest.mark.slow
def test_the_outsider_finds_nothing(cast: Cast, world: World) -> None:
    """404 for each method a door knows; 405 for those it does not know is told to everybody alike."""
    outsider = pictures.client(cast.outsider)
    leaks, opened = [], []
    for name, door in TABLE.items():
        url = world.url(name, door)
        headers = pictures.TUS if name.startswith("upload") else {}
        answers = {"head": outsider.head(url, headers=headers), "get": outsider.get(url, headers=headers)}
        answers["htmx"] = outsider.get(url, headers={**headers, "HX-Request": "true"})
        answers["json"] = outsider.get(url, headers={**headers, "Accept": "application/json"})
        answers["post"] = outsider.post(url, door.posts or {}, headers=headers)
        answers |= {verb: getattr(outsider, verb)(url, headers=headers) for verb in ("put", "patch", "delete")}
        known = {"get", "htmx", "json"} if door.gets else set()
        known |= {"post"} if door.posts is not None else set()
        for verb, answer in answers.items():
            if answer.status_code not in ({404} if verb in known else {404, 405}):
                opened.append((name, verb, answer.status_code))
            if SECRET.encode() in body(answer):
                leaks.append((name, verb))
    assert (opened, leaks) == ([], [])


@pytest.mark.slow
def test_behind_each_door_there_is_something(cast: Cast, world: World) -> None:
    """The same addresses open for those whom it concerns: only so the outsider's 404 says something."""
    doctor, expert = pictures.client(cast.doctor), pictures.client(cast.expert)
    desk = pictures.client(cast.scheduler)
    User.objects.filter(pk=cast.colleague.pk).update(is_superuser=True)
    administrator = pictures.client(cast.colleague)
    found = {}
    for name, door in TABLE.items():
        if door.gets and name not in {"consultation-dialog", "recording-media", "team-decline"}:
            who = expert if name in EXPERTS_ONLY else desk if name in DESK_ONLY else doctor
            who = administrator if name in ADMINISTRATORS_ONLY else who
            found[name] = who.get(world.url(name, door)).status_code
    part = doctor.head(world.url("upload-part", TABLE["upload-part"]), headers=pictures.TUS)
    version = OpinionVersion.objects.get()
    walk.decision.record(version=version, by=cast.doctor, verdict="adopted", reason="", final_diagnosis="x")
    found["consultation-dialog"] = doctor.get(
        world.url("consultation-dialog", TABLE["consultation-dialog"])
    ).status_code
    found["team-decline"] = (
        pictures.client(cast.second_expert).get(world.url("team-decline", TABLE["team-decline"])).status_code
    )
    player = doctor.get(world.url("recording", TABLE["recording"])).content.decode()
    address = re.search(r'src="([^"]+view=[^"]+)"', player)
    assert address
    found["recording-media"] = doctor.get(address[1]).status_code
    assert {name: status for name, status in found.items() if status != 200} == {}
    assert part["Upload-Offset"] == "0"


@pytest.mark.slow
def test_who_is_not_signed_in_is_asked_to(world: World) -> None:
    wrong = []
    for name, door in TABLE.items():
        url = world.url(name, door)
        answer = Client().get(url) if door.gets else Client().post(url, door.posts or {}, headers=pictures.TUS)
        asked = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/?next=")
        if not (asked or answer.status_code in {401, 405}) or SECRET.encode() in body(answer):
            wrong.append((name, answer.status_code))
    assert wrong == []


@pytest.mark.slow
def test_nothing_of_nitun_is_behind_ones_own_doors(cast: Cast, world: World) -> None:
    outsider = pictures.client(cast.outsider)
    traces = (SECRET, str(world.signed), cast.patient.name, f"/consultations/{world.signed.pk}/")
    leaks = []
    for name in sorted(set(OWN) & ALL):
        url = reverse(name, args=OWN[name])
        answers = [outsider.get(url), outsider.get(url, headers={"Accept": "application/json"})]
        answers += [outsider.get(f"{url}?after=0&page=1&q=王"), outsider.get(url, headers={"HX-Request": "true"})]
        leaks += [(name, trace) for answer in answers for trace in traces if trace.encode() in body(answer)]
        assert {answer.status_code for answer in answers} <= {200, 405}, name
        assert Client().get(url).status_code in {302, 405}, name
    own = body(pictures.client(cast.doctor).get(reverse("home")))
    assert (leaks, [trace for trace in traces if trace.encode() not in own]) == ([], [])


@pytest.mark.slow
def test_what_the_outsider_tried_changed_nothing(cast: Cast, world: World) -> None:
    outsider = pictures.client(cast.outsider)
    rows = Consultation.objects.order_by("pk")
    before = list(rows.values())
    for name, door in TABLE.items():
        outsider.post(world.url(name, door), door.posts or {}, headers=pictures.TUS)
    assert list(rows.values()) == before
    assert world.signed.messages.count() == 1

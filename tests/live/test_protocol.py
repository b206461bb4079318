"""docs/protocol.md says what the code does; nothing a stranger sends gets further than `Unreadable`."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consult.live import linking, protocol
from consult.live.fields import Unreadable

DOC = (Path(__file__).resolve().parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, tuple[str, ...]]:
    """Message name -> its fields, from the table under `heading`; what stands in brackets are values."""
    section = re.split(r"^#+ ", DOC.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.M)[0]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = re.fullmatch(r"`(\w+)`", cells[0])
        if name and name[1] != "t":
            found[name[1]] = tuple(re.findall(r"`(\w+)`", re.sub(r"\([^()]*\)", "", cells[1])))
    return found


def code(messages: dict[str, type]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(each.name for each in fields(message)) for name, message in messages.items()}


def test_the_document_names_every_message_and_field() -> None:
    from relay import protocol as relays

    assert table("Inbox, site to browser") == protocol.INBOX_NEWS
    assert table("Inbox, browser to site") == code(protocol.INBOX_COMMANDS)
    assert table("Room, browser to site") == code(protocol.ROOM_COMMANDS)
    assert table("Room, site to browser") == protocol.ROOM_NEWS
    assert table("Relay to site") == code(linking.EVENTS)
    assert table("Site to relay") == linking.REQUESTS
    assert table("Relay to site") == relays.EVENTS
    assert table("Site to relay") == code(relays.COMMANDS)


SDP = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"
GOOD = {
    "join": {"session": "s" * 16, "mic": True, "cam": False},
    "offer": {"pc": "pub", "sdp": SDP, "rev": 1, "tracks": [{"mid": "0", "source": "mic"}], "want": {"1": "mic-1"}},
    "probe": {"sdp": SDP},
    "show": {"heights": {"camera-1": 360, "screen-1": 0}},
    "state": {"mic": True, "cam": True, "screen": False, "clinical": "ultrasound", "stethoscope": True},
    "quality": {"level": 2, "loss": 0.02, "trip": 80, "jitter": 12, "frozen": 0.5, "up": 900, "down": 1200},
    "camera": {"to": "s" * 16, "act": "at", "pan": 0.5, "tilt": None, "zoom": 1},
    "steer": {"to": "s" * 16, "pan": -0.1, "tilt": 0, "zoom": 0.5},
    "pointer": {"image": 1, "frame": 0, "x": 0.5, "y": 1, "on": True},
    "view": {"image": 1, "frame": 2, "preset": None, "center": 40, "width": 400, "zoom": 1.5, "x": 0.5, "y": 0.5}
    | {"turn": 3, "flip": True, "invert": False, "layout": "1x1", "active": 0, "linked": False, "beside": []}
    | {"mpr": None},
    "follow": {"how": "free"},
    "typing": {"where": "chat"},
    "leave": {},
    "ping": {"n": 7},
}


@pytest.mark.parametrize("name", protocol.ROOM_COMMANDS)
def test_a_good_message_is_read(name: str) -> None:
    command = protocol.parse(json.dumps({"t": name, **GOOD[name]}), protocol.ROOM_COMMANDS)
    assert type(command) is protocol.ROOM_COMMANDS[name]
    assert {each.name: getattr(command, each.name) for each in fields(command)} == GOOD[name]


WRONG = [
    ("join", "session", "short"),
    ("join", "session", "s" * 65),
    ("join", "session", "ssssssssssssssss\n"),
    ("join", "mic", 1),
    ("offer", "pc", "both"),
    ("offer", "sdp", "no sdp at all"),
    ("offer", "sdp", "v=0\r\n" + "a" * 60_000),
    ("offer", "rev", True),
    ("offer", "tracks", [{"mid": "0"}]),
    ("offer", "tracks", [{"mid": "0", "source": "cinema"}]),
    ("offer", "tracks", [{"mid": "0", "source": "mic"}] * 17),
    ("offer", "want", ["mic-1"]),
    ("offer", "want", {"0": "id with space"}),
    ("state", "screen", None),
    ("show", "heights", {"camera-1": -1}),
    ("show", "heights", {"camera-1": "all"}),
    ("state", "clinical", "cinema"),
    ("quality", "level", 4),
    ("camera", "act", "take"),
    ("camera", "zoom", 1.1),
    ("steer", "pan", -2),
    ("steer", "to", "everybody"),
    ("pointer", "image", 0),
    ("pointer", "x", 1.01),
    ("pointer", "y", "0.5"),
    ("pointer", "on", "yes"),
    ("view", "zoom", 0),
    ("view", "preset", "<script>"),
    ("view", "frame", -1),
    ("view", "layout", "3x3"),
    ("view", "active", 1),
    ("view", "beside", [None]),
    ("view", "linked", 1),
    ("view", "mpr", [1, 2, 3]),
    ("follow", "how", "sometimes"),
    ("typing", "where", "diary"),
    ("ping", "n", 2**60),
]


@pytest.mark.parametrize(("name", "field", "value"), WRONG)
def test_a_wrong_field_is_unreadable(name: str, field: str, value: object) -> None:
    with pytest.raises(Unreadable) as caught:
        protocol.parse(json.dumps({"t": name, **GOOD[name], field: value}), protocol.ROOM_COMMANDS)
    assert (caught.value.code, caught.value.to) == (f"wrong:{field}", name)


BESIDE = {"image": 7, "frame": 0, "zoom": 2.5}
PANES = {**GOOD["view"], "layout": "2x2", "active": 3, "linked": True, "beside": [BESIDE, None, BESIDE]}


def seen(**fields: object) -> Any:
    return protocol.parse(json.dumps({"t": "view", **PANES, **fields}), protocol.ROOM_COMMANDS)


def test_a_view_of_one_image_is_one_pane() -> None:
    view: Any = protocol.parse(json.dumps({"t": "view", "image": 1, "frame": 2}), protocol.ROOM_COMMANDS)
    assert (view.layout, view.active, view.linked, view.beside) == ("1x1", 0, False, ())


def test_a_view_of_four_panes_has_three_beside_the_active_one() -> None:
    view = seen()
    assert (view.layout, view.active, view.linked) == ("2x2", 3, True)
    assert [each and (each.image, each.zoom, each.x) for each in view.beside] == [(7, 2.5, 0.5), None, (7, 2.5, 0.5)]


PLANES = {"at": [0, -1.5, 20], "looks": [{"at": [1, 2, 3], "mm": 250}] * 3, "slab": 5}


def test_three_planes_are_read_with_their_points() -> None:
    view = seen(mpr=PLANES)
    assert (view.mpr.at, view.mpr.slab, [look.mm for look in view.mpr.looks]) == ([0, -1.5, 20], 5, [250] * 3)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"at": [0, 0]}, "wrong:at"),
        ({"at": [0, 0, 10_001]}, "wrong:at"),
        ({"at": [0, 0, "1"]}, "wrong:at"),
        ({"looks": [{"at": [1, 2, 3], "mm": 250}] * 2}, "wrong:looks"),
        ({"looks": [{"at": [1, 2, 3], "mm": 0}] * 3}, "wrong:mm"),
        ({"slab": 201}, "wrong:slab"),
    ],
)
def test_planes_outside_every_body_are_unreadable(fields: dict[str, object], code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        seen(mpr={**PLANES, **fields})
    assert (caught.value.code, caught.value.to) == (code, "view")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"beside": [BESIDE, None]}, "wrong:beside"),
        ({"beside": [BESIDE] * 4}, "wrong:beside"),
        ({"beside": [BESIDE, None, "no view"]}, "wrong:beside"),
        ({"beside": [BESIDE, None, {**BESIDE, "x": 1.5}]}, "wrong:x"),
        ({"beside": [BESIDE, None, {"frame": 0}]}, "missing:image"),
        ({"active": 4}, "wrong:active"),
        ({"layout": "1x2"}, "wrong:active"),
        ({"layout": "1x2", "active": 1}, "wrong:beside"),
    ],
)
def test_panes_that_do_not_fit_their_layout_are_unreadable(fields: dict[str, object], code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        seen(**fields)
    assert (caught.value.code, caught.value.to) == (code, "view")


@pytest.mark.parametrize(("number", "code"), [("1e999", "wrong:x"), ("NaN", "not-json"), ("-Infinity", "not-json")])
def test_what_is_not_finite_is_unreadable_in_every_pane(number: str, code: str) -> None:
    text = json.dumps({"t": "view", **PANES, "beside": [BESIDE, None, {**BESIDE, "x": 0.25}]}).replace("0.25", number)
    with pytest.raises(Unreadable) as caught:
        protocol.parse(text, protocol.ROOM_COMMANDS)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "binary"),
        ("", "not-json"),
        ("{", "not-json"),
        ("[" * 100_000, "too-large"),
        ("[" * 60_000, "not-json"),
        ('{"t": "quality", "level": NaN}', "not-json"),
        ("[]", "not-an-object"),
        ('"join"', "not-an-object"),
        ("{}", "unknown"),
        ('{"t": ["join"]}', "unknown"),
        ('{"t": "drop_tables"}', "unknown"),
        ('{"t": "join"}', "missing:session"),
        (json.dumps({"t": "probe", "sdp": "语" * 30_000}, ensure_ascii=False), "too-large"),
    ],
)
def test_what_is_no_message_is_unreadable(text: str | None, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        protocol.parse(text, protocol.ROOM_COMMANDS)
    assert caught.value.code == reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin1")))
def test_any_text_is_a_command_or_unreadable(text: str) -> None:
    for commands in (protocol.ROOM_COMMANDS, protocol.INBOX_COMMANDS):
        try:
            protocol.parse(text, commands)
        except Unreadable:
            continue


@given(
    st.sampled_from(sorted(GOOD)),
    st.dictionaries(st.sampled_from(sorted({k for v in GOOD.values() for k in v})), json_values),
)
def test_any_fields_are_a_command_or_unreadable(name: str, changed: dict[str, object]) -> None:
    text = json.dumps({"t": name, **GOOD[name], **changed})
    try:
        command = protocol.parse(text, protocol.ROOM_COMMANDS)
    except Unreadable as error:
        reason = error.code
    else:
        reason = ""
        assert type(command) is protocol.ROOM_COMMANDS[name]
    assert len(reason) < 40  # names the field, never quotes the content


@given(st.sampled_from(sorted(linking.EVENTS)), st.dictionaries(st.text(max_size=8), json_values))
def test_any_words_of_a_relay_are_an_event_or_unreadable(name: str, changed: dict[str, object]) -> None:
    try:
        linking.parse(json.dumps({"t": name, **changed}))
    except Unreadable:
        return
    raise AssertionError("an event without its fields was read")

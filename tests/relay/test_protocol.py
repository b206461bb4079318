"""The relay link's messages: as documented, and as a confused site might send them."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import protocol
from relay.link import Link
from relay.room import Refusal

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
SECTION = DOCUMENT.partition("## Relay link")[2].partition("\n## ")[0]


def documented(heading: str) -> dict[str, set[str]]:
    """Message names of one table, with the fields named first in each row."""
    table = SECTION.partition(f"### {heading}\n")[2].partition("\n\n")[0]
    rows = [row.split("|") for row in table.splitlines()[2:] if row.startswith("|")]
    return {row[1].strip(" `"): set(re.findall(r"`([a-z_]+)`", row[2])) for row in rows}


def test_commands_are_the_documented_ones() -> None:
    fields = {name: {f.name for f in dataclasses.fields(kind)} for name, kind in protocol.COMMANDS.items()}
    assert fields == documented("Site to relay")


def test_events_are_the_documented_ones() -> None:
    table = documented("Relay to site")
    assert set(protocol.EVENTS) == set(table)
    for name, fields in protocol.EVENTS.items():
        assert set(fields) <= table[name]


def offer(**changes: object) -> str:
    message = {"id": 1, "t": "offer", "room": "r", "peer": "p", "pc": "pub", "sdp": "v=0", **changes}
    return json.dumps(message)


def test_an_offer() -> None:
    request, command = protocol.parse(offer(tracks=[{"mid": "0", "source": "mic"}]))
    assert (request, command) == (1, protocol.Offer("r", "p", "pub", "v=0", {"0": "mic"}, {}))


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("{", None, "the message is not JSON"),
        ("[" * 100_000, None, "the message is not JSON"),
        ("[]", None, "the message is not an object"),
        ('{"t": "join"}', None, "the message has no id"),
        ('{"id": 1, "t": "explode"}', "unknown_command", "the command is unknown"),
        ('{"id": 1}', "unknown_command", "the command is unknown"),
        (offer(pc="probe"), "bad_message", "pc is neither pub nor sub"),
        (offer(room=None), "bad_message", "room is not a name"),
        (offer(peer="a b"), "bad_message", "peer is not a name"),
        (offer(sdp="x" * 65537), "bad_message", "sdp is not a text of at most 65536 characters"),
        (offer(tracks={"0": "mic"}), "bad_message", "tracks is not a short list"),
        (offer(tracks=[{"mid": "0", "source": "x-ray"}]), "bad_message", "a track has no known source"),
        (offer(tracks=[{"source": "mic"}]), "bad_message", "a track has no mid"),
        (offer(want=[1]), "bad_message", "want is not a short object"),
        (offer(want={"0": 1}), "bad_message", "want names something that is not a track id"),
    ],
)
def test_unreadable_commands(text: str, code: str | None, message: str) -> None:
    with pytest.raises(protocol.BadMessage) as caught:
        protocol.parse(text)
    assert str(caught.value) == message
    answer = Link("ws://x", "", lambda command: {}, list).answer(text)
    assert (answer["code"] if answer else None) == code


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["id", "t", "room", "peer", "sdp", "tracks", "want"]), inner)
        ),
        max_leaves=8,
    )
)
def test_any_json_is_answered_or_ignored(message: object) -> None:
    link = Link("ws://x", "", lambda command: {}, list)
    answer = link.answer(json.dumps(message))
    assert answer is None or set(answer) in ({"re", "ok"}, {"re", "ok", "code", "message"})


def test_refusals_and_failures_are_answers() -> None:
    def refuse(command: protocol.Command) -> dict[str, object]:
        raise Refusal("room_full", "no place")

    def fail(command: protocol.Command) -> dict[str, object]:
        raise ZeroDivisionError

    text = '{"id": "7", "t": "close", "room": 5}'
    assert Link("ws://x", "", refuse, list).answer(text) == {
        "re": "7", "ok": False, "code": "room_full", "message": "no place",
    }  # fmt: skip
    answer = Link("ws://x", "", fail, list).answer(text)
    assert answer is not None
    assert (answer["re"], answer["ok"], answer["code"]) == ("7", False, "internal")

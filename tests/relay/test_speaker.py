"""Who speaks: levels as browsers write them, looked at every tenth of a second."""

from collections.abc import Iterable

from relay.speaker import HOLD, SILENT_AFTER, STEP, Speakers, Speaking

VOICE, LOUD, ROOM, ZERO = 30, 18, 80, 127


class Ward:
    """People with their microphones on; `passes` lets time pass and says who spoke after each look."""

    def __init__(self, *people: str) -> None:
        self.speakers, self.now = Speakers(), 1000.0
        self.on = set(people)
        self.last = Speaking()

    def passes(self, seconds: float, **levels: int | None) -> list[str]:
        spoke = []
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self.last = self.speakers.look(levels, self.on, self.now)
            spoke.append(self.last.peer)
        return spoke


def changes(spoke: Iterable[str]) -> list[str]:
    """Each speaker once a turn."""
    turns: list[str] = []
    for peer in spoke:
        if not turns or turns[-1] != peer:
            turns.append(peer)
    return turns


def test_who_talks_is_the_speaker_within_half_a_second() -> None:
    ward = Ward("ann", "ben")
    assert ward.passes(2, ann=ROOM, ben=ROOM)[-1] == ""
    assert ward.passes(0.5, ann=VOICE, ben=ROOM)[-1] == "ann"


def test_a_pause_between_sentences_and_a_cough_change_nothing() -> None:
    ward = Ward("ann", "ben")
    spoke = ward.passes(2, ann=VOICE, ben=ROOM)
    spoke += ward.passes(HOLD - 0.5, ann=ROOM, ben=ROOM)
    spoke += ward.passes(2, ann=VOICE, ben=ROOM)
    spoke += ward.passes(0.2, ann=VOICE, ben=LOUD)
    spoke += ward.passes(2, ann=VOICE, ben=ROOM)
    assert changes(spoke) == ["", "ann"]


def test_the_louder_takes_over_the_equally_loud_does_not() -> None:
    ward = Ward("ann", "ben")
    ward.passes(2, ann=VOICE, ben=ROOM)
    assert changes(ward.passes(5, ann=VOICE, ben=VOICE)) == ["ann"]
    assert changes(ward.passes(2, ann=VOICE, ben=LOUD)) == ["ann", "ben"]


def test_the_answer_takes_over_once_the_question_is_over() -> None:
    ward = Ward("ann", "ben")
    ward.passes(2, ann=VOICE, ben=ROOM)
    assert changes(ward.passes(1.5, ann=ROOM, ben=VOICE)) == ["ann", "ben"]


def test_after_a_while_without_a_voice_nobody_speaks() -> None:
    ward = Ward("ann")
    ward.passes(1, ann=VOICE)
    assert ward.passes(HOLD + 1.5, ann=ROOM)[-1] == ""


def test_who_leaves_or_is_muted_speaks_no_more() -> None:
    ward = Ward("ann", "ben")
    ward.passes(1, ann=VOICE, ben=ROOM)
    assert ward.passes(0.1, ben=ROOM) == [""]
    ward.passes(1, ann=VOICE, ben=ROOM)
    ward.on = {"ben"}
    assert ward.passes(HOLD + 1.5, ann=VOICE, ben=ROOM)[-1] == ""


def test_a_microphone_that_gives_only_zeros_is_silent_a_quiet_room_is_not() -> None:
    ward = Ward("ann", "ben", "carl")
    ward.passes(SILENT_AFTER - 1, ann=ZERO, ben=ROOM, carl=None)
    assert ward.last.silent == ()
    ward.passes(2, ann=ZERO, ben=ROOM, carl=None)
    assert ward.last.silent == ("ann",)  # of carl no level was ever told: nothing is known
    ward.passes(0.1, ann=ROOM, ben=ROOM, carl=None)
    assert ward.last.silent == ()


def test_a_microphone_that_stops_sending_is_silent_one_that_is_off_is_not() -> None:
    ward = Ward("ann", "ben")
    ward.passes(1, ann=ROOM, ben=ROOM)
    ward.on = {"ann"}
    ward.passes(SILENT_AFTER + 1, ann=None, ben=ZERO)
    assert ward.last.silent == ("ann",)
    ward.on = {"ann", "ben"}
    ward.passes(SILENT_AFTER - 1, ann=None, ben=ZERO)
    assert ward.last.silent == ("ann",)

"""Who speaks and whose microphone gives nothing, from the audio levels senders write (RFC 6464). Knows no packets.

Levels are 0 (loudest) to 127 (digital silence), in -dBov. Asked every `STEP` seconds, never faster.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

STEP = 0.1
SILENCE = 127
VOICE = 72.0
"""Smoothed loudness (127 - level) from which somebody speaks: -55 dBov, above the noise of a ward."""
LOUDER = 6.0
"""dB by which another must be louder to take over from who still speaks."""
TAKE_OVER = 4
"""Looks in a row that takes; one cough or a closing door is shorter."""
HOLD = 2.0
"""Seconds without a voice after which nobody speaks. Pauses between sentences are shorter."""
SILENT_AFTER = 10.0
"""Seconds of digital silence after which a microphone that is on gives no sound: rooms hum, muted hardware does not."""
_RISE, _FALL = 0.5, 0.15


@dataclass(frozen=True, slots=True)
class Speaking:
    """`peer` speaks ("": nobody); the microphones of `silent` are on and give nothing."""

    peer: str = ""
    silent: tuple[str, ...] = ()


@dataclass(slots=True)
class _Voice:
    """What is known of one peer. Times are monotonic seconds; `sound_at` also moves on while the microphone is off."""

    sound_at: float
    loudness: float = 0.0
    has_levels: bool = False


@dataclass(slots=True)
class Speakers:
    """The voices of one room. See the module."""

    _voices: dict[str, _Voice] = field(default_factory=dict)
    _speaker: str = ""
    _spoke_at: float = 0.0
    _rival: str = ""
    _rival_looks: int = 0

    def look(self, levels: Mapping[str, int | None], on: Collection[str], now: float) -> Speaking:
        """Who speaks now. `levels` has the loudest level of every peer since the last look, None where no packet came;
        `on` are the peers whose microphones are on."""
        for gone in self._voices.keys() - levels.keys():
            del self._voices[gone]
        for peer, level in levels.items():
            self._hear(peer, level, peer in on, now)
        self._judge(now)
        silent = [
            peer
            for peer, voice in self._voices.items()
            if voice.has_levels and peer in on and now - voice.sound_at >= SILENT_AFTER
        ]
        return Speaking(self._speaker, tuple(sorted(silent)))

    def _hear(self, peer: str, level: int | None, is_on: bool, now: float) -> None:
        voice = self._voices.get(peer)
        if voice is None:
            voice = self._voices[peer] = _Voice(sound_at=now)
        loudness = float(SILENCE - level) if level is not None and is_on else 0.0
        voice.has_levels = voice.has_levels or level is not None
        if loudness > 0 or not is_on:
            voice.sound_at = now
        voice.loudness += (loudness - voice.loudness) * (_RISE if loudness > voice.loudness else _FALL)

    def _judge(self, now: float) -> None:
        """One speaker at a time: who is keeps it through short pauses and short noises of others."""
        speaker = self._voices.get(self._speaker)
        floor = VOICE
        if speaker is None:
            self._speaker = ""
        elif speaker.loudness >= VOICE:
            self._spoke_at, floor = now, speaker.loudness + LOUDER
        others = {peer: voice.loudness for peer, voice in self._voices.items() if peer != self._speaker}
        loudest = max(others, key=others.__getitem__, default="")
        if loudest and others[loudest] >= floor:
            self._rival_looks = self._rival_looks + 1 if loudest == self._rival else 1
            self._rival = loudest
        else:
            self._rival, self._rival_looks = "", 0
        if self._rival_looks >= (TAKE_OVER if self._speaker else 2):
            self._speaker, self._spoke_at = self._rival, now
            self._rival, self._rival_looks = "", 0
        elif self._speaker and now - self._spoke_at >= HOLD:
            self._speaker = ""

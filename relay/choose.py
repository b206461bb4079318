"""Which layer of a picture suits how large it is shown: a pure function. Knows no tracks and no clocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

ENOUGH = 0.75
"""Share of the shown height from which on a layer looks as good as a larger one."""
GUESSED_HEIGHT = 180
"""Pixels of the lowest layer while no keyframe has told; each one above it has twice as many."""


class Sized(Protocol):
    """A layer; `height` is pixels, 0 while unknown."""

    height: int


T = TypeVar("T", bound=Sized)


def suitable(layers: Sequence[T], shown: int | None) -> T | None:
    """The smallest of `layers` (ascending) that fills `shown` pixels of height; the largest when none does, or when
    it is not known how large it is shown; None when it is not visible (0)."""
    if shown == 0 or not layers:
        return None
    for position, layer in enumerate(layers):
        if shown is not None and (layer.height or GUESSED_HEIGHT << position) >= shown * ENOUGH:
            return layer
    return layers[-1]

"""Divides what a viewer's line carries among what the viewer sees: a pure function. Knows no tracks and no clocks.

Audio first, always. Then the clinical picture, then who speaks, then the rest: everybody gets a small picture before
anybody gets a large one, except that the clinical picture gets a readable one first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

SOUND, CLINICAL, SPEAKER, OTHERS = range(4)
"""Classes of demands, the most important first."""
READABLE_HEIGHT = 360
"""Pixels a clinical picture needs to be of use."""
MARGIN, SLACK = 1.15, 0.9
"""How much room there must be for more than there is now, and to keep what there is: layers must not flap."""

HOLD, HOLD_NOTHING = 3.0, 1.0
"""Seconds without more after there was less, and without anything after there was nothing."""


class Layer(NamedTuple):
    """One of the sizes a picture comes in. `bitrate` is bit/s on the wire, `height` pixels."""

    bitrate: float
    height: int


class Demand(NamedTuple):
    """What a viewer would like of one track: `rank` is one of the classes, `layers` are ascending (audio has one),
    `wanted` is the highest layer that is of use, None when the picture is not shown."""

    id: str
    rank: int
    layers: tuple[Layer, ...]
    wanted: int | None


@dataclass(frozen=True, slots=True)
class Allocation:
    """`layers` says which layer each demand gets, None for none; `paused` names those that get none for want of
    bit/s; `needed` is what the next better allocation would take, 0 when nothing is missing."""

    layers: dict[str, int | None]
    paused: frozenset[str]
    needed: float


def allocate(budget: float, demands: Sequence[Demand], now: Mapping[str, int | None]) -> Allocation:
    """Divides `budget` bit/s; `now` is what each demand gets at the moment."""
    layers: dict[str, int | None] = {demand.id: None for demand in demands}
    ordered = sorted((d for d in demands if d.wanted is not None and d.layers), key=lambda d: d.rank)
    used, needed = 0.0, 0.0
    for demand in ordered:
        if demand.rank == SOUND:
            layers[demand.id] = 0
            used += demand.layers[0].bitrate
    pictures = [demand for demand in ordered if demand.rank != SOUND]
    for goal in (_base, _wanted):
        for demand in pictures:
            given = layers[demand.id]
            if goal is _wanted and given is None:
                continue
            for layer in range(0 if given is None else given + 1, goal(demand) + 1):
                total = used + demand.layers[layer].bitrate - _cost(demand, layers[demand.id])
                held = now.get(demand.id)
                room = total * (SLACK if held is not None and layer <= held else MARGIN)
                if room <= budget:
                    layers[demand.id], used = layer, total
                else:
                    needed = needed or room
                    break
    paused = frozenset(demand.id for demand in pictures if layers[demand.id] is None)
    return Allocation(layers, paused, needed)


class Allocator:
    """Divides again and again: who got less gets no more for a while."""

    def __init__(self) -> None:
        self._lowered: dict[str, float] = {}
        self.layers: dict[str, int | None] = {}

    def divide(self, budget: float, demands: Sequence[Demand], now: float) -> Allocation:
        """`allocate` at monotonic time `now`."""
        found = allocate(budget, demands, self.layers)
        layers: dict[str, int | None] = {}
        for identifier, layer in found.layers.items():
            before = self.layers.get(identifier, layer)
            lowered = now - self._lowered.get(identifier, float("-inf"))
            if _order(layer) > _order(before) and lowered < HOLD:
                layer = 0 if before is None and lowered >= HOLD_NOTHING else before
            elif _order(layer) < _order(before):
                self._lowered[identifier] = now
            layers[identifier] = layer
        self._lowered = {known: at for known, at in self._lowered.items() if known in layers}
        self.layers = layers
        paused = frozenset(d.id for d in demands if layers[d.id] is None and d.wanted is not None and d.layers)
        return Allocation(layers, paused, found.needed)


def _order(layer: int | None) -> int:
    return -1 if layer is None else layer


def _base(demand: Demand) -> int:
    """The layer a demand gets before those behind it get anything."""
    wanted = demand.wanted or 0
    if demand.rank != CLINICAL:
        return 0
    readable = (i for i, layer in enumerate(demand.layers[: wanted + 1]) if layer.height >= READABLE_HEIGHT)
    return next(readable, wanted)


def _wanted(demand: Demand) -> int:
    return demand.wanted or 0


def _cost(demand: Demand, layer: int | None) -> float:
    return 0.0 if layer is None else demand.layers[layer].bitrate

"""Which choices no other beats."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec


class Place(msgspec.Struct, frozen=True):
    """Where a choice stands: less `cost` and more `gain` are better."""

    cost: Decimal
    gain: float


def find_dominators(places: Mapping[str, Place]) -> dict[str, tuple[str, ...]]:
    """By whom each choice is beaten: at least as good in both, and better in one.

    Those whom nobody beats (an empty tuple) are the Pareto front. The cheapest first.
    """
    names = sorted(places, key=lambda name: (places[name].cost, -places[name].gain, name))
    return {
        name: tuple(other for other in names if _beats(places[other], places[name]))
        for name in names
    }


def _beats(place: Place, other: Place) -> bool:
    return place.cost <= other.cost and place.gain >= other.gain and place != other

"""How much was done by when, where some were watched for less long than others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec


class Survival(msgspec.Struct, frozen=True):
    """At a time: how many were watched and not done before it, and the share done by then."""

    time: int
    at_risk: int
    share: float


def estimate_done(watched: Iterable[tuple[int, bool]]) -> tuple[Survival, ...]:
    """The share done by each time from 1 to the last: (time, whether it was done then) of each.

    What was not done by its time left then, and counts until then. Kaplan and Meier 1958,
    "Nonparametric estimation from incomplete observations".
    """
    seen = [(time, is_done) for time, is_done in watched if time > 0]
    done = Counter(time for time, is_done in seen if is_done)
    left = Counter(time for time, _ in seen)
    at_risk, lasting = len(seen), 1.0
    points = []
    for time in range(1, max(left, default=0) + 1):
        lasting *= 1.0 - done[time] / at_risk
        points.append(Survival(time, at_risk, 1.0 - lasting))
        at_risk -= left[time]
    return tuple(points)

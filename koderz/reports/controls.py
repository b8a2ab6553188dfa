"""Whom the other strategies of a run are compared with."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from koderz.errors import ConfigError
from koderz.reports.observations import Observation
from koderz.types import Tier


def choose_control(by_strategy: Mapping[str, Sequence[Observation]], named: str) -> str:
    """The strategy as named, else the frontier's one shot, else the first; "" where none is.

    Raises ConfigError for a name that no strategy has.
    """
    if not named:
        shots = (name for name, chosen in by_strategy.items() if _is_frontier_shot(chosen))
        return next(shots, next(iter(by_strategy), ""))
    if named not in by_strategy:
        close = difflib.get_close_matches(named, by_strategy, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(by_strategy)}"
        raise ConfigError(f"the run has no strategy {named!r}: {hint}", key="--baseline")
    return named


def _is_frontier_shot(observations: Sequence[Observation]) -> bool:
    """Whether frontier models alone were asked, for one attempt a problem."""
    begun = [each for each in observations if each.cost.calls]
    return bool(begun) and all(
        each.iterations <= 1
        and not each.checkpoints
        and all(part.tier is Tier.FRONTIER for part in each.tiers if part.sum.calls)
        for each in begun
    )

"""Exact limits for shares, and the choice of a threshold that keeps its promise.

A promise is a limit on the loss that holds with 95% confidence, whatever the data are like, from a
finite number of examples. Thresholds are tried in a fixed order that does not depend on the data,
from the one that escalates everything downwards, each by an exact binomial test at 5%; the first
that fails ends it, and the last that passed is taken. Because it stops there, that several were
tried does not weaken the promise (fixed-sequence testing, as in Angelopoulos, Bates, Candès, Jordan
and Lei 2021, "Learn then Test").
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, lgamma, log, log1p
from typing import Final, Protocol

import msgspec

ERROR_RATE: Final = 0.05
"""How often a promise may turn out wrong: it holds with 95% confidence."""

GRID: Final = (
    0.999,
    0.995,
    *(step / 100 for step in range(99, 49, -1)),
    *(step / 100 for step in range(45, -1, -5)),
)
"""The thresholds that are tried, in this order; 1, which escalates everything, needs no test."""

MOST_EXAMPLES: Final = 1_000_000
_STEPS: Final = 60


class Outcome(Protocol):
    """What would come of an example under any threshold."""

    def is_kept(self, threshold: float) -> bool:
        """Whether it stays with the cheap path."""

    def is_lost(self, threshold: float) -> bool:
        """Whether it stays there and is worse for it."""


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold, and what it rests on: of `examples` `kept` stay below it, `lost` are worse.

    `loss_high` is the upper 95% limit of the share that is lost; 1 and 0 where everything is
    escalated. `needed` says how many examples would do, where these did not: None where no number
    would, 0 where these did.
    """

    value: float
    examples: int
    kept: int
    lost: int
    loss_high: float
    needed: int | None = 0


def choose_threshold(outcomes: Sequence[Outcome], max_loss: float) -> Threshold:
    """The lowest threshold that loses at most `max_loss` (a share) with 95% confidence."""
    examples = len(outcomes)
    passed = Threshold(value=1.0, examples=examples, kept=0, lost=0, loss_high=0.0)
    for value in GRID:
        lost = sum(outcome.is_lost(value) for outcome in outcomes)
        if get_binomial_share(lost, examples, max_loss) > ERROR_RATE:
            if passed.value < 1.0:
                return passed
            return msgspec.structs.replace(
                passed, needed=count_needed(lost / examples if examples else 0.0, max_loss)
            )
        passed = Threshold(
            value=value,
            examples=examples,
            kept=sum(outcome.is_kept(value) for outcome in outcomes),
            lost=lost,
            loss_high=get_upper_limit(lost, examples),
        )
    return passed


def count_needed(loss: float, max_loss: float) -> int | None:
    """The fewest examples that would show a loss of `max_loss` at most, were this share lost.

    None where it would take more than a million: the loss is too close to the limit, or over it.
    """
    if loss >= max_loss:
        return None
    low, high = 1, ceil(log(ERROR_RATE) / log1p(-max_loss))
    while high <= MOST_EXAMPLES:
        if get_binomial_share(int(loss * high), high, max_loss) <= ERROR_RATE:
            break
        low, high = high, high * 2
    else:
        return None
    while low < high:
        middle = (low + high) // 2
        if get_binomial_share(int(loss * middle), middle, max_loss) > ERROR_RATE:
            low = middle + 1
        else:
            high = middle
    return high


def get_binomial_share(count: int, size: int, chance: float) -> float:
    """The chance of `count` or fewer of `size`, each with this chance of its own."""
    if chance <= 0 or count >= size:
        return 1.0
    if chance >= 1:
        return 0.0
    logs = [
        lgamma(size + 1)
        - lgamma(each + 1)
        - lgamma(size - each + 1)
        + each * log(chance)
        + (size - each) * log1p(-chance)
        for each in range(count + 1)
    ]
    largest = max(logs)
    return min(1.0, exp(largest) * sum(exp(each - largest) for each in logs))


def get_upper_limit(count: int, size: int) -> float:
    """The upper 95% limit of a share of which `count` of `size` were seen: Clopper and Pearson's.

    One-sided, exact: Clopper and Pearson 1934. 1 of no examples.
    """
    if count >= size:
        return 1.0
    low, high = count / size, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if get_binomial_share(count, size, middle) > ERROR_RATE:
            low = middle
        else:
            high = middle
    return high


def get_lower_limit(count: int, size: int) -> float:
    """The lower 95% limit of such a share, one-sided; 0 of no examples."""
    return 1.0 - get_upper_limit(size - count, size)

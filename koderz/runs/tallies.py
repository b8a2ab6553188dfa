"""How far a strategy is within a run."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from koderz.experiments.history import History
from koderz.experiments.steps import Asked, Step


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's experiments so far: of `total`, so many were judged and solved.

    `failed` were broken off and `steps` done since it was loaded, `earlier` were judged before.
    `cost_usd` is what is known of the cost, at least that where `has_unknown`.
    """

    strategy: str
    total: int = 0
    judged: int = 0
    solved: int = 0
    failed: int = 0
    earlier: int = 0
    steps: int = 0
    cost_usd: Decimal = Decimal(0)
    has_unknown: bool = False

    def add_step(self, step: Step) -> Tally:
        """With one step more."""
        cost_usd = sum_known(step)
        return msgspec.structs.replace(
            self,
            steps=self.steps + 1,
            cost_usd=self.cost_usd + cost_usd,
            has_unknown=self.has_unknown or has_unknown(step),
        )

    def add_verdict(self, history: History) -> Tally:
        """With one experiment more that was judged."""
        is_solved = history.verdict is not None and history.verdict.verdict.is_passed
        return msgspec.structs.replace(self, judged=self.judged + 1, solved=self.solved + is_solved)

    def add_earlier(self, history: History) -> Tally:
        """With an experiment as it was kept before."""
        tally = self
        for step in history.steps:
            tally = tally.add_step(step)
        if history.verdict:
            tally = tally.add_verdict(history)
        return msgspec.structs.replace(tally, steps=self.steps, earlier=tally.judged)

    def add_failure(self) -> Tally:
        """With one experiment more that was broken off."""
        return msgspec.structs.replace(self, failed=self.failed + 1)


def sum_known(step: Step) -> Decimal:
    """What is known of a step's cost."""
    attempts = step.attempts if isinstance(step, Asked) else ()
    return sum((each.cost_usd for each in attempts if each.cost_usd is not None), Decimal(0))


def has_unknown(step: Step) -> bool:
    """Whether a part of a step's cost is unknown."""
    attempts = step.attempts if isinstance(step, Asked) else ()
    return any(each.cost_usd is None for each in attempts)

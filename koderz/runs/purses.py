"""How much a run may still begin: what is spent, and what is expected of what is under way."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from koderz.errors import BudgetExceededError
from koderz.experiments.plans import Key

_ZERO: Final = Decimal(0)


class Purse:
    """Says whether another experiment fits under a limit in USD (None: everything fits).

    `spent_usd` was spent before; `expected_usd` is what an experiment of each strategy is taken to
    cost until one has been measured, then their mean is. Strategies in `cost_of` go by what
    another one costs. It is for beginning nothing that would have to be broken off; that the limit
    holds is the router's to see to.
    """

    def __init__(
        self,
        limit_usd: Decimal | None = None,
        *,
        spent_usd: Decimal = _ZERO,
        expected_usd: Mapping[str, Decimal] | None = None,
        cost_of: Mapping[str, str] | None = None,
    ) -> None:
        self.limit_usd, self.spent_usd = limit_usd, spent_usd
        self._left_usd = None if limit_usd is None else limit_usd - spent_usd
        self._expected, self._cost_of = dict(expected_usd or {}), dict(cost_of or {})
        self._measured: dict[str, tuple[int, Decimal]] = {}
        self._under_way: dict[Key, Decimal] = {}

    def has_room(self, key: Key, done_usd: Decimal = _ZERO) -> bool:
        """Whether the experiment, of which `done_usd` is paid already, is expected to fit."""
        if self.limit_usd is None:
            return True
        left_usd = self.limit_usd - self.spent_usd - self._get_open_usd()
        return max(self.get_expected_usd(key.strategy) - done_usd, _ZERO) <= left_usd

    def get_expected_usd(self, strategy: str) -> Decimal:
        """What an experiment of a strategy is expected to cost."""
        count, total = self._measured.get(strategy, (0, _ZERO))
        if count:
            return total / count
        if strategy in self._cost_of:
            return self.get_expected_usd(self._cost_of[strategy])
        return self._expected.get(strategy, _ZERO)

    def begin(self, key: Key, done_usd: Decimal = _ZERO) -> None:
        """Count an experiment as under way."""
        self._under_way[key] = done_usd

    def pay(self, key: Key, cost_usd: Decimal) -> None:
        """Count what a step of an experiment cost."""
        self.spent_usd += cost_usd
        self._under_way[key] = self._under_way.get(key, _ZERO) + cost_usd

    def end(self, key: Key) -> None:
        """Count an experiment as no longer under way."""
        self._under_way.pop(key, None)

    def explain(self, key: Key) -> str:
        """Why an experiment does not fit, in words."""
        return (
            f"{self._describe()}, and another experiment of {key.strategy} is expected to cost "
            f"${self.get_expected_usd(key.strategy):.4f}: raise --max-cost"
        )

    def explain_refusal(self, error: BudgetExceededError) -> str:
        """Why a call was refused, in words: by this limit, or by a tighter one of the settings."""
        if self._left_usd is None or error.limit_usd < max(self._left_usd, _ZERO):
            return str(error)
        return f"{self._describe()}, and the next call could pass the limit: raise --max-cost"

    def _describe(self) -> str:
        return f"${self.spent_usd:.4f} of ${self.limit_usd} are spent"

    def measure(self, strategy: str, cost_usd: Decimal) -> None:
        """Learn what an experiment that was judged cost."""
        count, total = self._measured.get(strategy, (0, _ZERO))
        self._measured[strategy] = (count + 1, total + cost_usd)

    def _get_open_usd(self) -> Decimal:
        return sum(
            (
                max(self.get_expected_usd(key.strategy) - paid_usd, _ZERO)
                for key, paid_usd in self._under_way.items()
            ),
            _ZERO,
        )

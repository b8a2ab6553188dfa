"""Waiting for models that have answered before and fail now: a limit of calls, an outage."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from koderz.errors import (
    AllRoutesFailedError,
    ConnectionFailedError,
    ProviderTimeoutError,
    RateLimitError,
    ServerError,
)
from koderz.experiments.plans import Key
from koderz.ledger.records import Attempt

MOST_TRIES: Final = 5
"""How often an experiment is tried again before it counts as broken off."""


PASSING: Final = frozenset(
    fault.__name__
    for fault in (ConnectionFailedError, ProviderTimeoutError, RateLimitError, ServerError)
)
"""The faults, as attempts name them, that say nothing against asking again later."""


def may_pass(error: AllRoutesFailedError) -> bool:
    """Whether the failure may be over in a while; without an attempt the model was left alone."""
    last = error.attempts[-1] if error.attempts else None
    return last is None or (isinstance(last, Attempt) and last.reason in PASSING)


class Patience:
    """Says which strategies are put off, for `pause_s` seconds after each failure.

    Only a strategy whose models have answered since the program began is waited for: where nobody
    ever answered there is nothing to wait for. `clock` gives seconds that never run backwards.
    """

    def __init__(self, pause_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.pause_s, self._clock = pause_s, clock
        self._answered: set[str] = set()
        self._tries: Counter[Key] = Counter()
        self._until: dict[str, float] = {}

    def note_answer(self, key: Key) -> None:
        """Learn that a model answered."""
        self._answered.add(key.strategy)
        self._tries.pop(key, None)

    def put_off(self, key: Key) -> bool:
        """Put the experiment's strategy off; False where it is not worth waiting for."""
        if key.strategy not in self._answered or self._tries[key] >= MOST_TRIES:
            return False
        self._tries[key] += 1
        self._until[key.strategy] = self._clock() + self.pause_s
        return True

    def list_put_off(self) -> frozenset[str]:
        """The strategies that are put off now."""
        now = self._clock()
        return frozenset(name for name, until in self._until.items() if until > now)

    def get_wait_s(self) -> float | None:
        """How long until the first of them may go on; None where none is put off."""
        now = self._clock()
        waits = [until - now for until in self._until.values() if until > now]
        return min(waits, default=None)

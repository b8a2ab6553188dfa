"""Breakers: a model that keeps failing is left alone for a while."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from koderz.errors import (
    BreakerOpenError,
    ConnectionFailedError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderTimeoutError,
    RateLimitError,
    ServerError,
)

UNHEALTHY: Final = (
    ConnectionFailedError,
    ProviderTimeoutError,
    RateLimitError,
    ServerError,
    ModelNotFoundError,
    MalformedResponseError,
)
"""Failures that speak of the model's health; the others speak of the request or of the key."""


class BreakerState(StrEnum):
    """closed: calls pass; open: none does; half_open: one may, as a trial."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    opened_at: float | None = None
    is_on_trial: bool = False


class Breakers:
    """One breaker a model, for the calls of one event loop.

    `failures` failures in a row open it; `cooldown_s` seconds later one call may pass as a trial.
    Only that trial decides: its success closes the breaker, its failure opens it for another
    cooldown, and where it says nothing of the model's health (it was cancelled, the request was
    refused) the next call is the trial. Calls that were under way when the breaker opened change
    nothing, however they end. `clock` gives seconds that never run backwards.
    """

    def __init__(
        self, failures: int, cooldown_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures, self._cooldown_s, self._clock = failures, cooldown_s, clock
        self._breakers: defaultdict[str, _Breaker] = defaultdict(_Breaker)

    def get_state(self, model: str) -> BreakerState:
        """What a call to the model would meet now."""
        breaker = self._breakers.get(model)
        if breaker is None or breaker.opened_at is None:
            return BreakerState.CLOSED
        if breaker.is_on_trial or self._wait_s(breaker.opened_at) > 0:
            return BreakerState.OPEN
        return BreakerState.HALF_OPEN

    @contextmanager
    def watch(self, model: str) -> Iterator[None]:
        """Make one call to the model inside this; how it ends is noted, and goes on.

        Raises BreakerOpenError, before anything is done, while the model is left alone.
        """
        is_trial = self._admit(model)
        breaker = self._breakers[model]
        try:
            yield
        except UNHEALTHY:
            self._note_failure(breaker, is_trial=is_trial)
            raise
        else:
            _note_success(breaker, is_trial=is_trial)
        finally:
            if is_trial:
                breaker.is_on_trial = False

    def _admit(self, model: str) -> bool:
        state, breaker = self.get_state(model), self._breakers[model]
        if state is BreakerState.OPEN:
            raise BreakerOpenError(self._explain(breaker), model=model)
        breaker.is_on_trial = state is BreakerState.HALF_OPEN
        return breaker.is_on_trial

    def _note_failure(self, breaker: _Breaker, *, is_trial: bool) -> None:
        if breaker.opened_at is not None and not is_trial:
            return
        breaker.failures += 1
        if is_trial or breaker.failures >= self._failures:
            breaker.opened_at = self._clock()

    def _wait_s(self, opened_at: float) -> float:
        return opened_at + self._cooldown_s - self._clock()

    def _explain(self, breaker: _Breaker) -> str:
        wait_s = self._wait_s(breaker.opened_at or 0.0)
        rest = f"for another {wait_s:.0f} s" if wait_s > 0 else "while one trial call is under way"
        return f"left alone {rest}, after {breaker.failures} failures in a row"


def _note_success(breaker: _Breaker, *, is_trial: bool) -> None:
    if breaker.opened_at is None or is_trial:
        breaker.failures, breaker.opened_at = 0, None

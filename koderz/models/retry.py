"""Asking again after a passing fault: how often, and how long to wait before it."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from koderz.config.settings import HttpSettings
from koderz.errors import ProviderError

T = TypeVar("T")

FIRST_WAIT_S = 0.5
JITTER_S = 0.5


async def ask_with_retries(
    ask: Callable[[float], Awaitable[T]], http: HttpSettings
) -> tuple[T, int]:
    """What `ask` gives, and how many tries it took.

    `ask` gets the seconds that are left of `http.total_timeout_s`. It is called again where it
    raises a `ProviderError` that is retryable, at most `http.retries` times, after as long as the
    provider asked for or else after a wait that doubles, both with jitter. A provider that asks
    for more than `http.retry_wait_max_s`, or for more than is left, is not asked again: its error
    is raised at once. The error that is raised says in `tries` how often the provider was asked.
    """
    deadline = time.monotonic() + http.total_timeout_s
    try:
        return await ask(http.total_timeout_s), 1
    except ProviderError as error:
        if not error.retryable:
            raise
        first = error
    return await _ask_again(first, ask, http, deadline)


async def _ask_again(
    first: ProviderError, ask: Callable[[float], Awaitable[T]], http: HttpSettings, deadline: float
) -> tuple[T, int]:
    """As `ask_with_retries`, after a first try that ended in `first`.

    The first try is made without stamina, which would cost a good call as much again as all the
    rest that is ours; it is told of the failure as of an attempt of its own.
    """
    import stamina

    tries = 1
    try:
        async for attempt in stamina.retry_context(
            on=lambda error: choose_wait(error, http, deadline - time.monotonic()),
            attempts=http.retries + 1,
            timeout=None,
            wait_initial=FIRST_WAIT_S,
            wait_max=http.retry_wait_max_s,
            wait_jitter=JITTER_S,
        ):
            with attempt:
                tries = attempt.num
                if tries == 1:
                    raise first
                return await ask(deadline - time.monotonic()), tries
    except ProviderError as error:
        error.tries = tries
        raise
    raise AssertionError


def choose_wait(error: BaseException, http: HttpSettings, left_s: float) -> bool | float:
    """Whether to ask again after `error`: False, True (the usual wait) or a wait in seconds."""
    if not isinstance(error, ProviderError) or not error.retryable:
        return False
    asked_s = error.retry_after_s
    if asked_s is None:
        return left_s > 0
    if asked_s > http.retry_wait_max_s or asked_s >= left_s:
        return False
    jitter_s = min(JITTER_S, asked_s, http.retry_wait_max_s - asked_s)
    return asked_s + random.uniform(0, jitter_s)  # noqa: S311 - nothing secret hangs on a wait.

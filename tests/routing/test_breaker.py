"""Breakers: when they open, whom they let through, and that only a trial closes them."""

from __future__ import annotations

import asyncio

import pytest
from clocks import Clock
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from koderz.errors import (
    AuthenticationError,
    BreakerOpenError,
    ConnectionFailedError,
    ContentFilterError,
    ContextLengthError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderError,
    ProviderTimeoutError,
    QuotaExceededError,
    RateLimitError,
    RequestRejectedError,
    ServerError,
)
from koderz.routing.breaker import Breakers, BreakerState

MODEL = "gpt-4o-mini"
FAILURES, COOLDOWN_S = 3, 60.0


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(FAILURES, COOLDOWN_S, clock)


def call(breakers: Breakers, error: BaseException | None = None, model: str = MODEL) -> None:
    """One call that ends so; what the model says is swallowed, a refusal of the breaker is not."""
    try:
        with breakers.watch(model):
            if error is not None:
                raise error
    except BreakerOpenError:
        raise
    except (ProviderError, asyncio.CancelledError, RuntimeError):
        pass


def fail(breakers: Breakers, times: int = FAILURES) -> None:
    for _ in range(times):
        call(breakers, ServerError("overloaded", status=529))


def test_failures_in_a_row_open_it(breakers: Breakers) -> None:
    fail(breakers, FAILURES - 1)
    assert breakers.get_state(MODEL) is BreakerState.CLOSED
    fail(breakers, 1)
    assert breakers.get_state(MODEL) is BreakerState.OPEN
    with pytest.raises(BreakerOpenError, match="left alone for another 60 s, after 3 failures"):
        call(breakers)


def test_a_success_between_failures_starts_the_count_again(breakers: Breakers) -> None:
    for _ in range(5):
        fail(breakers, FAILURES - 1)
        call(breakers)
    assert breakers.get_state(MODEL) is BreakerState.CLOSED


def test_every_model_has_its_own(breakers: Breakers) -> None:
    fail(breakers)
    call(breakers, model="phi:2.7b")
    assert breakers.get_state("phi:2.7b") is BreakerState.CLOSED
    assert breakers.get_state("never called") is BreakerState.CLOSED


@pytest.mark.parametrize(
    "kind",
    [
        ConnectionFailedError,
        ProviderTimeoutError,
        RateLimitError,
        QuotaExceededError,
        ServerError,
        ModelNotFoundError,
        MalformedResponseError,
    ],
)
def test_failures_that_speak_of_the_model_count(
    breakers: Breakers, kind: type[ProviderError]
) -> None:
    for _ in range(FAILURES):
        call(breakers, kind("no"))
    assert breakers.get_state(MODEL) is BreakerState.OPEN


@pytest.mark.parametrize(
    "error",
    [
        RequestRejectedError("no"),
        ContextLengthError("no"),
        ContentFilterError("no"),
        AuthenticationError("no"),
        asyncio.CancelledError(),
        RuntimeError("a bug of ours"),
    ],
)
def test_other_endings_say_nothing_of_the_model(
    breakers: Breakers, clock: Clock, error: BaseException
) -> None:
    fail(breakers, FAILURES - 1)
    for _ in range(FAILURES):
        call(breakers, error)
    assert breakers.get_state(MODEL) is BreakerState.CLOSED
    fail(breakers, 1)
    assert breakers.get_state(MODEL) is BreakerState.OPEN
    clock.now_s += COOLDOWN_S
    call(breakers, error)
    assert breakers.get_state(MODEL) is BreakerState.HALF_OPEN


def test_what_happens_in_a_call_goes_on(breakers: Breakers) -> None:
    with pytest.raises(ServerError, match="overloaded"), breakers.watch(MODEL):
        raise ServerError("overloaded")


def test_after_the_cooldown_one_call_may_try(breakers: Breakers, clock: Clock) -> None:
    fail(breakers)
    clock.now_s += COOLDOWN_S - 0.1
    with pytest.raises(BreakerOpenError):
        call(breakers)
    clock.now_s += 0.1
    assert breakers.get_state(MODEL) is BreakerState.HALF_OPEN
    with breakers.watch(MODEL):
        assert breakers.get_state(MODEL) is BreakerState.OPEN
        with pytest.raises(BreakerOpenError, match="while one trial call is under way"):
            call(breakers)
    assert breakers.get_state(MODEL) is BreakerState.CLOSED
    fail(breakers, FAILURES - 1)
    assert breakers.get_state(MODEL) is BreakerState.CLOSED


def test_a_failed_trial_opens_it_for_another_cooldown(breakers: Breakers, clock: Clock) -> None:
    fail(breakers)
    clock.now_s += COOLDOWN_S
    fail(breakers, 1)
    assert breakers.get_state(MODEL) is BreakerState.OPEN
    clock.now_s += COOLDOWN_S - 0.1
    assert breakers.get_state(MODEL) is BreakerState.OPEN
    clock.now_s += 0.1
    assert breakers.get_state(MODEL) is BreakerState.HALF_OPEN


@pytest.mark.parametrize("waited_s", [0.0, COOLDOWN_S])
@pytest.mark.parametrize("error", [None, ServerError("late")])
def test_a_call_from_before_it_opened_changes_nothing(
    breakers: Breakers, clock: Clock, waited_s: float, error: ProviderError | None
) -> None:
    early = breakers.watch(MODEL)
    early.__enter__()
    fail(breakers)
    clock.now_s += waited_s
    before = breakers.get_state(MODEL)
    if error is None:
        early.__exit__(None, None, None)
    else:
        early.__exit__(type(error), error, None)
    assert breakers.get_state(MODEL) is before
    clock.now_s += COOLDOWN_S - waited_s
    assert breakers.get_state(MODEL) is BreakerState.HALF_OPEN


class BreakerMachine(RuleBasedStateMachine):
    """Calls one after another against the plainest account of what a breaker is."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock(1000.0)
        self.breakers = Breakers(FAILURES, COOLDOWN_S, self.clock)
        self.failures_in_a_row = 0
        self.closed_until_s: float | None = None

    @property
    def may_call(self) -> bool:
        return self.closed_until_s is None or self.clock.now_s >= self.closed_until_s

    @rule(seconds=st.sampled_from([1.0, 20.0, COOLDOWN_S]))
    def wait(self, seconds: float) -> None:
        self.clock.now_s += seconds

    @precondition(lambda self: self.may_call)
    @rule()
    def succeed(self) -> None:
        call(self.breakers)
        self.failures_in_a_row, self.closed_until_s = 0, None

    @precondition(lambda self: self.may_call)
    @rule()
    def fail(self) -> None:
        call(self.breakers, ServerError("no"))
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= FAILURES:
            self.closed_until_s = self.clock.now_s + COOLDOWN_S

    @precondition(lambda self: self.may_call)
    @rule()
    def be_cancelled(self) -> None:
        call(self.breakers, asyncio.CancelledError())

    @precondition(lambda self: not self.may_call)
    @rule()
    def be_refused(self) -> None:
        with pytest.raises(BreakerOpenError):
            call(self.breakers)

    @invariant()
    def the_state_says_whether_a_call_may_pass(self) -> None:
        state = self.breakers.get_state(MODEL)
        assert (state is BreakerState.OPEN) == (not self.may_call)
        assert (state is BreakerState.CLOSED) == (self.closed_until_s is None)


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

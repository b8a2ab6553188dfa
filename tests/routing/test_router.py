"""The router: what is tried in which order, what is billed, and what ends the walk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scripted import ASK, ScriptedClient, build_router, build_settings, hang, say

from koderz.errors import (
    AllRoutesFailedError,
    AuthenticationError,
    BudgetExceededError,
    ContentFilterError,
    ContextLengthError,
    MalformedResponseError,
    MissingAPIKeyError,
    ModelNotFoundError,
    ProviderTimeoutError,
    RateLimitError,
    RequestRejectedError,
    ServerError,
    StoreError,
)
from koderz.ledger.records import Outcome
from koderz.ledger.store import Ledger
from koderz.models.inventory import Inventory
from koderz.models.registry import get_model_info
from koderz.routing.checks import Accepted, Rejected, check_text
from koderz.routing.requests import fit_to_model
from koderz.types import Completion, FinishReason, TaskKind, Text

MINI, MAIN = "gpt-4o-mini", "gpt-4o"
READ = TaskKind.LARGE_READ
MINI_COST, MAIN_COST = Decimal("0.00011"), Decimal("0.0011")


def accept_only(text: str) -> Callable[[Completion], Accepted[str] | Rejected]:
    def check(completion: Completion) -> Accepted[str] | Rejected:
        return Accepted(text) if completion.text == text else Rejected("it is not the answer")

    return check


def list_rows(ledger: Ledger) -> list[tuple[Any, ...]]:
    query = "SELECT model, outcome, cost_pusd, reason FROM attempts ORDER BY rowid"
    return [tuple(row) for row in ledger.fetch(query)]


async def test_the_cheapest_model_answers_and_the_main_one_is_not_asked(tmp_path: Path) -> None:
    main = ScriptedClient(say("42"))
    router, ledger = build_router(tmp_path, {MINI: ScriptedClient(say("42")), MAIN: main})
    with ledger:
        answer = await router.ask(ASK, READ, check_text)
        assert answer.value == "42"
        assert answer.completion.model == MINI
        assert answer.cost_usd == MINI_COST
        assert not main.requests
        assert [row[:3] for row in list_rows(ledger)] == [(MINI, "accepted", 110_000_000)]


async def test_a_rejected_answer_is_billed_and_the_next_model_answers(tmp_path: Path) -> None:
    scripts = {MINI: ScriptedClient(say("41")), MAIN: ScriptedClient(say("42"))}
    router, ledger = build_router(tmp_path, scripts)
    with ledger:
        answer = await router.ask(ASK, READ, accept_only("42"))
        assert answer.completion.model == MAIN
        assert answer.cost_usd == MINI_COST + MAIN_COST
        outcomes = [attempt.outcome for attempt in answer.attempts]
        assert outcomes == [Outcome.REJECTED, Outcome.ACCEPTED]
        assert list_rows(ledger)[0][3] == "it is not the answer"


async def test_a_model_that_may_try_again_is_told_why(tmp_path: Path) -> None:
    mini = ScriptedClient(say("41"), say("42"))
    router, ledger = build_router(tmp_path, {MINI: mini, MAIN: ScriptedClient(say("42"))})
    with ledger:
        answer = await router.ask(ASK, READ, accept_only("42"), tries_per_model=2)
    assert answer.completion.model == MINI
    first, second = mini.requests
    assert second.messages[: len(first.messages)] == first.messages
    assert second.messages[-2].text == "41"
    assert "it is not the answer" in second.messages[-1].text


@pytest.mark.parametrize(
    "error",
    [
        RateLimitError("slow down", status=429),
        ServerError("broken", status=500),
        ProviderTimeoutError("silence"),
        ModelNotFoundError("who?", status=404),
        MalformedResponseError("cut"),
    ],
)
async def test_a_model_that_fails_is_passed_over(tmp_path: Path, error: Exception) -> None:
    scripts = {MINI: ScriptedClient(error), MAIN: ScriptedClient(say("42"))}
    router, ledger = build_router(tmp_path, scripts)
    with ledger:
        answer = await router.ask(ASK, READ, check_text)
        assert answer.completion.model == MAIN
        assert [row[:2] for row in list_rows(ledger)] == [(MINI, "failed"), (MAIN, "accepted")]


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("no", status=401),
        RequestRejectedError("bad", status=400),
        ContentFilterError("not this", status=400),
    ],
)
async def test_what_no_other_model_would_mend_ends_the_walk(
    tmp_path: Path, error: Exception
) -> None:
    main = ScriptedClient(say("42"))
    router, ledger = build_router(tmp_path, {MINI: ScriptedClient(error), MAIN: main})
    with ledger:
        with pytest.raises(type(error)):
            await router.ask(ASK, READ, check_text)
        assert not main.requests
        assert [row[:2] for row in list_rows(ledger)] == [(MINI, "failed")]


async def test_a_prompt_too_long_goes_to_a_model_with_more_room(tmp_path: Path) -> None:
    error = ContextLengthError("too long", status=400)
    settings = build_settings(main="gpt-4.1", small_model="gpt-4o-mini")
    scripts = {MINI: ScriptedClient(error), "gpt-4.1": ScriptedClient(say("42"))}
    router, ledger = build_router(tmp_path, scripts, settings)
    with ledger:
        assert (await router.ask(ASK, READ, check_text)).completion.model == "gpt-4.1"


async def test_a_prompt_too_long_goes_to_no_model_without_more_room(tmp_path: Path) -> None:
    error = ContextLengthError("too long", status=400)
    main = ScriptedClient(say("42"))
    router, ledger = build_router(tmp_path, {MINI: ScriptedClient(error), MAIN: main})
    mini, big = router.route(READ).models
    assert mini.context_tokens == big.context_tokens
    with ledger, pytest.raises(AllRoutesFailedError, match="its context is no larger"):
        await router.ask(ASK, READ, check_text)
    assert not main.requests


async def test_when_all_fail_the_error_names_each_reason(tmp_path: Path) -> None:
    scripts = {MINI: ScriptedClient(say("41")), MAIN: ScriptedClient(ServerError("down"))}
    router, ledger = build_router(tmp_path, scripts)
    with ledger, pytest.raises(AllRoutesFailedError) as caught:
        await router.ask(ASK, READ, accept_only("42"))
    assert [MINI in caught.value.reasons[0], "down" in caught.value.reasons[1]] == [True, True]
    assert len(caught.value.attempts) == 2


async def test_a_missing_key_is_passed_over_while_another_model_can_answer(tmp_path: Path) -> None:
    missing = MissingAPIKeyError("OpenAI", "OPENAI_API_KEY")
    router, ledger = build_router(tmp_path, {MINI: missing, MAIN: ScriptedClient(say("42"))})
    with ledger:
        assert (await router.ask(ASK, READ, check_text)).completion.model == MAIN
    router, ledger = build_router(tmp_path, {MINI: missing, MAIN: missing})
    with ledger, pytest.raises(MissingAPIKeyError, match="OPENAI_API_KEY"):
        await router.ask(ASK, READ, check_text)


async def test_no_model_within_reach_says_so(tmp_path: Path) -> None:
    settings = build_settings()
    router, ledger = build_router(tmp_path, {}, settings)
    router.inventory = Inventory()
    with ledger, pytest.raises(AllRoutesFailedError, match="OPENAI_API_KEY is not set"):
        await router.ask(ASK, READ, check_text)


async def test_the_deadline_holds_over_all_attempts_and_is_recorded(tmp_path: Path) -> None:
    router, ledger = build_router(
        tmp_path, {MINI: ScriptedClient(hang), MAIN: ScriptedClient(hang)}
    )
    with ledger:
        with pytest.raises(AllRoutesFailedError, match="deadline of 0.05 s"):
            await router.ask(ASK, READ, check_text, deadline_s=0.05)
        ((model, outcome, cost_pusd, _),) = list_rows(ledger)
        assert (model, outcome) == (MINI, "cancelled")
        assert cost_pusd > 0, "the provider may have billed the prompt"


async def test_cancelling_is_recorded_and_goes_on(tmp_path: Path) -> None:
    router, ledger = build_router(
        tmp_path, {MINI: ScriptedClient(hang), MAIN: ScriptedClient(hang)}
    )
    with ledger:
        task = asyncio.create_task(router.ask(ASK, READ, check_text))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [row[:2] for row in list_rows(ledger)] == [(MINI, "cancelled")]


async def test_a_check_that_breaks_loses_no_bill(tmp_path: Path) -> None:
    def broken(completion: Completion) -> Accepted[str]:
        return Accepted(completion.text[1_000])

    router, ledger = build_router(tmp_path, {MINI: ScriptedClient(say("42"))})
    with ledger:
        with pytest.raises(IndexError):
            await router.ask(ASK, READ, broken)
        assert [row[:3] for row in list_rows(ledger)] == [(MINI, "rejected", 110_000_000)]


async def test_concurrent_calls_stay_within_the_budget(tmp_path: Path) -> None:
    settings = build_settings(budget={"run_usd": 0.002})
    router, ledger = build_router(tmp_path, {MINI: ScriptedClient(say("42"))}, settings)
    with ledger:
        asked = [router.ask(ASK, READ, check_text) for _ in range(30)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        spent = sum(row[2] for row in list_rows(ledger))
    assert any(isinstance(outcome, BudgetExceededError) for outcome in outcomes)
    assert any(not isinstance(outcome, BaseException) for outcome in outcomes)
    assert spent <= 2_000_000_000


async def test_a_jobs_own_limit_holds_over_its_attempts(tmp_path: Path) -> None:
    scripts = {MINI: ScriptedClient(say("41")), MAIN: ScriptedClient(say("42"))}
    router, ledger = build_router(tmp_path, scripts)
    with ledger:
        with pytest.raises(BudgetExceededError):
            await router.ask(ASK, READ, accept_only("42"), limit_usd=Decimal("0.002"))
        assert [row[:2] for row in list_rows(ledger)] == [(MINI, "rejected")]


async def test_a_model_that_keeps_failing_is_left_alone(tmp_path: Path) -> None:
    settings = build_settings(routing={"breaker_failures": 2, "breaker_cooldown_s": 60})
    mini = ScriptedClient(ServerError("down", status=500))
    router, ledger = build_router(tmp_path, {MINI: mini, MAIN: ScriptedClient(say("42"))}, settings)
    with ledger:
        for _ in range(5):
            assert (await router.ask(ASK, READ, check_text)).completion.model == MAIN
        assert len(mini.requests) == 2
        assert len(list_rows(ledger)) == 2 + 5, "what was not asked is no attempt"


async def test_side_work_never_holds_up_main_work(tmp_path: Path) -> None:
    settings = build_settings(routing={"side_concurrency": 1})
    mini = ScriptedClient(hang)
    router, ledger = build_router(tmp_path, {MINI: mini, MAIN: ScriptedClient(say("42"))}, settings)
    with ledger:
        side = [asyncio.create_task(router.ask(ASK, READ, check_text)) for _ in range(5)]
        await asyncio.sleep(0.01)
        assert len(mini.requests) == 1, "side work has one slot"
        async with asyncio.timeout(5):
            assert (await router.ask(ASK, TaskKind.MAIN, check_text)).value == "42"
        for task in side:
            task.cancel()
        await asyncio.gather(*side, return_exceptions=True)


async def test_a_ledger_that_cannot_be_written_is_said_and_earlier_rows_stay(
    tmp_path: Path,
) -> None:
    router, ledger = build_router(tmp_path, {MINI: ScriptedClient(say("42"))})
    with ledger:
        await router.ask(ASK, READ, check_text)
        ledger.fetch("PRAGMA max_page_count = 1")
        with pytest.raises(StoreError):
            await asyncio.gather(*(router.ask(ASK, READ, check_text) for _ in range(500)))
        assert len(list_rows(ledger)) >= 1


async def test_limits_of_the_route_fill_what_the_request_leaves_open(tmp_path: Path) -> None:
    mini = ScriptedClient(say("42"))
    router, ledger = build_router(tmp_path, {MINI: mini})
    with ledger:
        await router.ask(ASK, READ, check_text)
    assert (mini.requests[0].max_tokens, mini.requests[0].temperature) == (1000, 0.3)
    assert mini.requests[0].model == MINI


@pytest.mark.parametrize(
    ("model", "task", "effort"),
    [
        ("claude-haiku-5-5", READ, "none"),
        ("gpt-5-mini", READ, "minimal"),
        ("gpt-5-mini", TaskKind.MAIN, None),
        (MINI, READ, None),
    ],
)
def test_a_chore_asks_for_as_little_thinking_as_the_model_has(
    model: str, task: TaskKind, effort: str | None
) -> None:
    info = get_model_info(model)
    assert info
    assert fit_to_model(ASK, info, task=task).reasoning_effort == effort
    own = msgspec.structs.replace(ASK, reasoning_effort="high")
    assert fit_to_model(own, info, task=task).reasoning_effort == "high"


async def test_simulated_answers_are_recorded_as_such(tmp_path: Path) -> None:
    router, ledger = build_router(tmp_path, {MINI: ScriptedClient(say("42", is_simulated=True))})
    with ledger:
        answer = await router.ask(ASK, READ, check_text)
    assert answer.attempts[0].is_simulated


async def test_a_job_is_performed_over_the_router(tmp_path: Path) -> None:
    class Echo:
        async def run(self, router: Any) -> str:
            answer: str = (await router.ask(ASK, READ, check_text)).value
            return answer

    router, ledger = build_router(tmp_path, {MINI: ScriptedClient(say("42"))})
    with ledger:
        assert await router.perform(Echo()) == "42"


async def test_a_question_may_name_its_models_and_its_attempts_are_found_by_its_job(
    tmp_path: Path,
) -> None:
    main = ScriptedClient(say("41"), say("42"))
    router, ledger = build_router(tmp_path, {MAIN: main})
    with ledger:
        with pytest.raises(AllRoutesFailedError) as failed:
            await router.ask(ASK, READ, accept_only("42"), job_id="one", models=(MAIN,))
        answer = await router.ask(ASK, READ, accept_only("42"), job_id="one", models=(MAIN,))
        assert [attempt.route_source for attempt in answer.attempts] == ["named with the question"]
        assert router.load_attempts("one") == (*failed.value.attempts, *answer.attempts)
        assert router.load_attempts("another") == ()


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        (Completion(model="m", parts=()), "empty"),
        (Completion(model="m", parts=(Text("4"),), finish=FinishReason.LENGTH), "cut off"),
        (Completion(model="m", parts=(Text("4"),), finish=FinishReason.CONTENT_FILTER), "filter"),
    ],
)
def test_the_least_check_rejects_what_is_no_answer(completion: Completion, reason: str) -> None:
    verdict = check_text(completion)
    assert isinstance(verdict, Rejected)
    assert reason in verdict.reason

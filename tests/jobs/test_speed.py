"""The speed of a model: a warm-up, then runs that count, each of them in the account."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from scripted import ScriptedClient, build_router, say

from koderz.errors import AllRoutesFailedError
from koderz.jobs.speed import MeasureSpeed, build_run
from koderz.types import Completion, Tier, Usage


def answer(first_token_s: float | None, latency_s: float, output_tokens: int) -> Completion:
    return msgspec.structs.replace(
        say("words"),
        first_token_s=first_token_s,
        latency_s=latency_s,
        usage=Usage(input_tokens=100, output_tokens=output_tokens),
    )


async def test_the_first_call_warms_up_and_the_middle_of_the_others_counts(tmp_path: Path) -> None:
    client = ScriptedClient(
        answer(9, 10, 11), answer(0.5, 1.5, 11), answer(0.1, 2.1, 11), answer(0.2, 0.7, 11)
    )
    told: list[int] = []
    router, ledger = build_router(tmp_path, {"gpt-4o": client})
    with ledger:
        job = MeasureSpeed("gpt-4o", on_progress=lambda _, done, total: told.append(done))
        speed = await router.perform(job)
        recorded = ledger.spent_usd(datetime(2020, 1, 1, tzinfo=UTC))
    assert recorded == speed.cost_usd
    assert (speed.warm_up_s, speed.first_token_s, speed.tokens_per_s) == (10, 0.2, 10)
    assert [run.tokens_per_s for run in speed.runs] == pytest.approx([10, 5, 20])
    assert (speed.model, speed.tier, speed.simulated) == ("gpt-4o", Tier.FRONTIER, False)
    assert speed.cost_usd == Decimal(4 * 111) / 100_000
    assert told == [0, 1, 2, 3]
    assert all(request.is_stream for request in client.requests)
    assert len({request.messages for request in client.requests}) == 4


async def test_what_is_asked_is_set_by_the_caller(tmp_path: Path) -> None:
    client = ScriptedClient(answer(0.1, 0.2, 3))
    router, ledger = build_router(tmp_path, {"gpt-4o": client})
    with ledger:
        await router.perform(MeasureSpeed("gpt-4o", runs=1, max_tokens=7))
    assert [request.max_tokens for request in client.requests] == [7, 7]


async def test_an_answer_without_tokens_is_rejected(tmp_path: Path) -> None:
    router, ledger = build_router(tmp_path, {"gpt-4o": ScriptedClient(answer(None, 1, 0))})
    with ledger, pytest.raises(AllRoutesFailedError, match="no tokens"):
        await router.perform(MeasureSpeed("gpt-4o"))


@pytest.mark.parametrize(
    ("first_token_s", "latency_s", "tokens"), [(None, 1, 10), (1, 1, 10), (0.5, 1, 1)]
)
def test_a_speed_that_cannot_be_told_is_unknown(
    first_token_s: float | None, latency_s: float, tokens: int
) -> None:
    assert build_run(answer(first_token_s, latency_s, tokens)).tokens_per_s is None

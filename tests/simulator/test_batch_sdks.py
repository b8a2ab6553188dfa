"""The vendors' own clients, unchanged, against the simulator's batches."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types.messages.batch_create_params import Request
from clocks import Clock

from koderz.simulator import Fault, Simulator, open_simulator

HAIKU, MINI = "claude-haiku-4-5", "gpt-4o-mini"


@pytest.fixture
def clock() -> Clock:
    return Clock(1_800_000_000.0)


@pytest.fixture
async def slow(clock: Clock) -> AsyncIterator[Simulator]:
    """A simulator whose batches take ten seconds of the clock's, and may take twenty."""
    async with open_simulator(batch_delay_s=10, batch_window_s=20, clock=clock) as running:
        yield running


def open_anthropic(simulator: Simulator) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=simulator.base_url, api_key="any", max_retries=0)


def open_openai(simulator: Simulator) -> openai.AsyncOpenAI:
    url = f"{simulator.base_url}/v1"
    return openai.AsyncOpenAI(base_url=url, api_key="any", max_retries=0)


def list_requests(count: int, model: str = HAIKU) -> list[Request]:
    return [
        Request(
            custom_id=f"r-{at}",
            params={
                "model": model,
                "max_tokens": 50,
                "messages": [{"role": "user", "content": f"What is {at}?"}],
            },
        )
        for at in range(count)
    ]


def write_lines(count: int, **changes: Any) -> bytes:
    lines = [
        {
            "custom_id": f"r-{at}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": MINI, "messages": [{"role": "user", "content": f"What is {at}?"}]},
        }
        | changes
        for at in range(count)
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


async def submit_file(client: openai.AsyncOpenAI, content: bytes) -> openai.types.Batch:
    file = await client.files.create(file=("requests.jsonl", content), purpose="batch")
    assert (file.bytes, file.purpose) == (len(content), "batch")
    return await client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"koderz": "mine"},
    )


async def read_file(client: openai.AsyncOpenAI, name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    text = (await client.files.content(name)).text
    rows = [json.loads(line) for line in text.splitlines()]
    return {row["custom_id"]: row for row in rows}


async def test_anthropics_client_submits_polls_and_collects(slow: Simulator, clock: Clock) -> None:
    async with open_anthropic(slow) as client:
        batch = await client.messages.batches.create(requests=list_requests(5))
        assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 5)
        assert (batch.expires_at - batch.created_at).total_seconds() == 20
        clock.now_s += 9
        midway = await client.messages.batches.retrieve(batch.id)
        assert (midway.processing_status, midway.results_url) == ("in_progress", None)
        assert midway.request_counts.succeeded == 0, "no count moves before the end"
        clock.now_s += 1
        ended = await client.messages.batches.retrieve(batch.id)
        assert (ended.processing_status, ended.request_counts.succeeded) == ("ended", 5)
        found = [line async for line in await client.messages.batches.results(batch.id)]
    names = [line.custom_id for line in found]
    assert sorted(names) == [f"r-{at}" for at in range(5)]
    assert names != sorted(names), "results come in an order of their own"
    for line in found:
        assert line.result.type == "succeeded"
        assert line.result.message.usage.output_tokens > 0


async def test_a_batch_answers_as_calls_would(simulator: Simulator) -> None:
    (request,) = list_requests(1)
    async with open_anthropic(simulator) as client:
        alone = await client.messages.create(**request["params"])
        batch = await client.messages.batches.create(requests=[request])
        (line,) = [x async for x in await client.messages.batches.results(batch.id)]
    assert line.result.type == "succeeded"
    assert line.result.message.content == alone.content
    assert line.result.message.usage.input_tokens == alone.usage.input_tokens


async def test_anthropics_list_pages_newest_first_and_batches_go(simulator: Simulator) -> None:
    async with open_anthropic(simulator) as client:
        made = [
            (await client.messages.batches.create(requests=list_requests(1))).id for _ in range(5)
        ]
        listed = [batch.id async for batch in client.messages.batches.list(limit=2)]
        assert listed == made[::-1]
        await client.messages.batches.delete(made[0])
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.batches.retrieve(made[0])


async def test_anthropics_batch_expires_with_what_is_done(clock: Clock) -> None:
    async with (
        open_simulator(batch_delay_s=10, batch_window_s=5, clock=clock) as simulator,
        open_anthropic(simulator) as client,
    ):
        batch = await client.messages.batches.create(requests=list_requests(4))
        clock.now_s += 5
        ended = await client.messages.batches.retrieve(batch.id)
        kinds = [x.result.type async for x in await client.messages.batches.results(batch.id)]
    assert (ended.request_counts.succeeded, ended.request_counts.expired) == (2, 2)
    assert sorted(kinds) == ["expired", "expired", "succeeded", "succeeded"]


async def test_anthropics_batch_is_cancelled_with_what_is_done(
    slow: Simulator, clock: Clock
) -> None:
    async with open_anthropic(slow) as client:
        batch = await client.messages.batches.create(requests=list_requests(4))
        clock.now_s += 5
        cancelling = await client.messages.batches.cancel(batch.id)
        assert cancelling.processing_status == "canceling"
        ended = await client.messages.batches.retrieve(batch.id)
    assert (ended.request_counts.succeeded, ended.request_counts.canceled) == (2, 2)


async def test_a_request_goes_wrong_alone() -> None:
    async with (
        open_simulator(faults=[Fault("server_error", HAIKU, times=1)]) as simulator,
        open_anthropic(simulator) as client,
    ):
        requests = [*list_requests(2), *list_requests(1, "claude-nowhere")]
        requests[-1]["custom_id"] = "lost"
        batch = await client.messages.batches.create(requests=requests)
        results = [line async for line in await client.messages.batches.results(batch.id)]
    by_name = {line.custom_id: line.result for line in results}
    assert by_name["r-1"].type == "succeeded"
    said = {
        name: result.error.error.type
        for name, result in by_name.items()
        if result.type == "errored"
    }
    assert said == {"r-0": "api_error", "lost": "not_found_error"}


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        ([], "at least one request"),
        ([*list_requests(1), *list_requests(1)], "stands 2 times"),
        ([Request(custom_id="a b", params=list_requests(1)[0]["params"])], "should match"),
    ],
)
async def test_anthropic_refuses_a_batch_that_is_none(
    simulator: Simulator, requests: list[Request], words: str
) -> None:
    async with open_anthropic(simulator) as client:
        with pytest.raises(anthropic.BadRequestError, match=words):
            await client.messages.batches.create(requests=requests)


async def test_openais_client_submits_polls_and_collects(slow: Simulator, clock: Clock) -> None:
    seen = []
    async with open_openai(slow) as client:
        batch = await submit_file(client, write_lines(5))
        seen.append(batch.status)
        for _ in range(3):
            clock.now_s += 4.7
            batch = await client.batches.retrieve(batch.id)
            seen.append(batch.status)
        counts = batch.request_counts
        found = await read_file(client, batch.output_file_id)
    assert seen == ["validating", "in_progress", "finalizing", "completed"]
    assert counts is not None
    assert (counts.total, counts.completed, counts.failed) == (5, 5, 0)
    assert batch.error_file_id is None
    assert batch.metadata == {"koderz": "mine"}
    assert sorted(found) == [f"r-{at}" for at in range(5)]
    assert list(found) != sorted(found), "results come in an order of their own"
    for row in found.values():
        assert row["response"]["status_code"] == 200
        assert row["response"]["body"]["usage"]["completion_tokens"] > 0


async def test_openais_batch_expires_with_what_is_done(clock: Clock) -> None:
    async with (
        open_simulator(batch_delay_s=10, batch_window_s=5, clock=clock) as simulator,
        open_openai(simulator) as client,
    ):
        batch = await submit_file(client, write_lines(4))
        clock.now_s += 5
        batch = await client.batches.retrieve(batch.id)
        done = await read_file(client, batch.output_file_id)
        late = await read_file(client, batch.error_file_id)
    assert (batch.status, len(done), len(late)) == ("expired", 2, 2)
    assert {row["error"]["code"] for row in late.values()} == {"batch_expired"}


async def test_openais_list_pages_and_a_cancelled_batch_keeps_what_is_done(
    slow: Simulator, clock: Clock
) -> None:
    async with open_openai(slow) as client:
        made = [(await submit_file(client, write_lines(4))).id for _ in range(3)]
        assert [batch.id async for batch in client.batches.list(limit=2)] == made[::-1]
        clock.now_s += 5
        assert (await client.batches.cancel(made[0])).status == "cancelling"
        batch = await client.batches.retrieve(made[0])
        assert batch.status == "cancelled"
        assert len(await read_file(client, batch.output_file_id)) == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (write_lines(1) + b'{"custom', "invalid_json_line"),
        (write_lines(1) * 2, "duplicate_custom_id"),
        (write_lines(1, url="/v1/embeddings"), "invalid_url"),
    ],
)
async def test_openai_fails_a_file_that_is_none(
    simulator: Simulator, content: bytes, code: str
) -> None:
    async with open_openai(simulator) as client:
        batch = await submit_file(client, content)
        batch = await client.batches.retrieve(batch.id)
    assert batch.status == "failed"
    assert batch.errors is not None
    assert code in {each.code for each in batch.errors.data or []}


async def test_what_is_not_there_is_a_404(simulator: Simulator) -> None:
    async with open_openai(simulator) as client, open_anthropic(simulator) as other:
        for missing in (
            client.files.content("file-none"),
            client.batches.retrieve("batch_none"),
            client.batches.create(
                input_file_id="file-none",
                endpoint="/v1/chat/completions",
                completion_window="24h",
            ),
        ):
            with pytest.raises(openai.NotFoundError):
                await missing
        with pytest.raises(anthropic.NotFoundError):
            await other.messages.batches.retrieve("msgbatch_none")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rate_limit", anthropic.RateLimitError),
        ("server_error", anthropic.InternalServerError),
        ("cut_stream", anthropic.APIConnectionError),
        ("silence,wait_s=0", anthropic.APIConnectionError),
    ],
)
async def test_a_step_may_fail(simulator: Simulator, fault: str, error: type[Exception]) -> None:
    async with open_anthropic(simulator) as client:
        with pytest.raises(error):
            await client.messages.batches.create(
                requests=list_requests(1), extra_headers={"x-koderz-fault": fault}
            )
        listed = [batch async for batch in client.messages.batches.list()]
    assert len(listed) == (1 if fault == "cut_stream" else 0)

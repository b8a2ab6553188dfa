"""Anthropic's own client, unchanged, against the simulator."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
from anthropic.types import MessageParam, TextBlockParam, ToolParam

from koderz.simulator import Simulator

QUESTION: list[MessageParam] = [{"role": "user", "content": "Why is the sky blue?"}]
SEARCH: ToolParam = {
    "name": "search",
    "input_schema": {
        "type": "object",
        "properties": {"words": {"type": "string"}},
        "required": ["words"],
    },
}
HAIKU = "claude-haiku-4-5"


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=simulator.base_url, api_key="any", max_retries=0
    ) as ready:
        yield ready


async def test_an_answer_comes_with_usage_as_counted(client: anthropic.AsyncAnthropic) -> None:
    answer = await client.messages.create(
        model=HAIKU, max_tokens=500, messages=QUESTION, system="Be brief."
    )
    (block,) = answer.content
    assert block.type == "text"
    assert "simulated" in block.text
    assert answer.stop_reason == "end_turn"
    assert answer.id.startswith("sim-")
    counted = await client.messages.count_tokens(model=HAIKU, messages=QUESTION, system="Be brief.")
    assert answer.usage.input_tokens == counted.input_tokens > 5
    assert answer.usage.output_tokens > 5


async def test_a_stream_joins_to_the_same_answer(client: anthropic.AsyncAnthropic) -> None:
    whole = await client.messages.create(model=HAIKU, max_tokens=500, messages=QUESTION)
    async with client.messages.stream(model=HAIKU, max_tokens=500, messages=QUESTION) as stream:
        pieces = [piece async for piece in stream.text_stream]
        streamed = await stream.get_final_message()
    assert whole.content[0].type == "text"
    assert "".join(pieces) == whole.content[0].text
    assert len(pieces) > 3
    assert streamed.usage.input_tokens == whole.usage.input_tokens
    assert streamed.usage.output_tokens == whole.usage.output_tokens


@pytest.mark.parametrize(
    "choice", [{"type": "any"}, {"type": "tool", "name": "search"}], ids=["any", "named"]
)
async def test_a_demanded_tool_is_called(
    client: anthropic.AsyncAnthropic, choice: dict[str, str]
) -> None:
    asked: dict[str, Any] = {
        "model": HAIKU,
        "max_tokens": 500,
        "messages": QUESTION,
        "tools": [SEARCH],
        "tool_choice": choice,
    }
    whole = await client.messages.create(**asked)
    (call,) = whole.content
    assert call.type == "tool_use"
    assert isinstance(call.input["words"], str)
    async with client.messages.stream(**asked) as stream:
        streamed = await stream.get_final_message()
    assert streamed.content[0].type == "tool_use"
    assert streamed.content[0].input == call.input
    turns: list[MessageParam] = [
        *QUESTION,
        {"role": "assistant", "content": whole.content},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "found"}],
        },
    ]
    last = await client.messages.create(model=HAIKU, max_tokens=500, messages=turns, tools=[SEARCH])
    assert last.content[0].type == "text"


async def test_a_schema_is_fitted(client: anthropic.AsyncAnthropic) -> None:
    schema = {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": ["a", "b"]}},
        "required": ["label"],
        "additionalProperties": False,
    }
    answer = await client.messages.create(
        model=HAIKU,
        max_tokens=500,
        messages=QUESTION,
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )
    assert answer.content[0].type == "text"
    assert answer.content[0].text in {'{"label":"a"}', '{"label":"b"}'}


async def test_a_marked_prefix_is_written_and_then_read(client: anthropic.AsyncAnthropic) -> None:
    system: list[TextBlockParam] = [
        {"type": "text", "text": "word " * 2000, "cache_control": {"type": "ephemeral"}}
    ]
    first, second = [
        (
            await client.messages.create(
                model=HAIKU, max_tokens=500, messages=QUESTION, system=system
            )
        ).usage
        for _ in range(2)
    ]
    written = first.cache_creation_input_tokens
    assert written
    assert written > 1900
    assert first.cache_read_input_tokens == 0
    assert (second.cache_creation_input_tokens, second.cache_read_input_tokens) == (0, written)
    assert first.input_tokens == second.input_tokens < 20


async def test_a_limit_ends_the_answer(client: anthropic.AsyncAnthropic) -> None:
    answer = await client.messages.create(model=HAIKU, max_tokens=3, messages=QUESTION)
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens <= 3


async def test_models_are_listed_and_described(client: anthropic.AsyncAnthropic) -> None:
    names = [model.id async for model in client.models.list()]
    assert HAIKU in names
    assert all(name.startswith("claude") for name in names)
    assert "simulated" in (await client.models.retrieve(HAIKU)).display_name


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"model": "claude-nowhere"}, anthropic.NotFoundError, "model: claude-nowhere"),
        ({"model": "gpt-4o-mini"}, anthropic.NotFoundError, "model: gpt-4o-mini"),
        (
            {"max_tokens": 10**6, "timeout": 5},
            anthropic.BadRequestError,
            "max_tokens: 1000000 > 64000",
        ),
        ({"messages": []}, anthropic.BadRequestError, "at least one message"),
        ({"extra_body": {"temperature": 3}}, anthropic.BadRequestError, "temperature"),
        (
            {"model": "claude-opus-5", "extra_body": {"temperature": 0.3}},
            anthropic.BadRequestError,
            "temperature",
        ),
        (
            {"messages": [{"role": "user", "content": "word " * 200_001}]},
            anthropic.BadRequestError,
            "prompt is too long",
        ),
    ],
)
async def test_a_refusal_is_the_clients_own_error(
    client: anthropic.AsyncAnthropic,
    asked: dict[str, Any],
    error: type[anthropic.APIStatusError],
    words: str,
) -> None:
    request = {"model": HAIKU, "max_tokens": 100, "messages": QUESTION, **asked}
    with pytest.raises(error, match=words):
        await client.messages.create(**request)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rate_limit", anthropic.RateLimitError),
        ("server_error", anthropic.InternalServerError),
        ("overloaded", anthropic.InternalServerError),
        ("cut_stream", anthropic.APIConnectionError),
        ("silence,wait_s=0", anthropic.APIConnectionError),
        ("malformed_json", json.JSONDecodeError),
    ],
)
async def test_a_fault_is_the_clients_own_error(
    client: anthropic.AsyncAnthropic, fault: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await client.messages.create(
            model=HAIKU,
            max_tokens=100,
            messages=QUESTION,
            extra_headers={"x-koderz-fault": fault},
        )


async def test_a_refusal_of_the_model_is_a_stop_reason(client: anthropic.AsyncAnthropic) -> None:
    answer = await client.messages.create(
        model=HAIKU, max_tokens=100, messages=QUESTION, extra_headers={"x-koderz-fault": "refusal"}
    )
    assert answer.stop_reason == "refusal"

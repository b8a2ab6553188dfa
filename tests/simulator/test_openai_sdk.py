"""OpenAI's own client, unchanged, against the simulator."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai.types.chat import (
    ChatCompletionContentPartImageParam,
    ChatCompletionMessageFunctionToolCallParam,
    ChatCompletionMessageParam,
    ChatCompletionToolParam,
)
from pydantic import BaseModel

from koderz.simulator import Fault, Simulator, open_simulator

QUESTION: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Why is the sky blue?"},
]
SEARCH: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "search",
        "parameters": {
            "type": "object",
            "properties": {"words": {"type": "string"}},
            "required": ["words"],
        },
    },
}


class Verdict(BaseModel):
    label: str
    score: int


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[openai.AsyncOpenAI]:
    url = f"{simulator.base_url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key="any", max_retries=0) as ready:
        yield ready


async def test_an_answer_comes_with_usage_that_adds_up(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)
    assert "simulated" in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "gpt-4o-mini"
    assert answer.id.startswith("sim-")
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 5
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_a_stream_joins_to_the_same_answer(client: openai.AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)
    stream = await client.chat.completions.create(
        model="gpt-4o-mini",
        messages=QUESTION,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == whole.choices[0].message.content
    assert len(pieces) > 3
    assert chunks[-1].usage == whole.usage


async def test_a_stream_tells_its_usage_only_to_those_who_ask(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="gpt-4o-mini", messages=QUESTION, stream=True
    )
    async for chunk in stream:
        assert chunk.choices
        assert chunk.usage is None


async def test_a_demanded_tool_is_called_whole_and_in_a_stream(client: openai.AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(
        model="gpt-4o-mini", messages=QUESTION, tools=[SEARCH], tool_choice="required"
    )
    assert whole.choices[0].finish_reason == "tool_calls"
    (call,) = whole.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "search"
    async with client.chat.completions.stream(
        model="gpt-4o-mini", messages=QUESTION, tools=[SEARCH], tool_choice="required"
    ) as stream:
        streamed = await stream.get_final_completion()
    assert streamed.choices[0].message.tool_calls is not None
    again = streamed.choices[0].message.tool_calls[0]
    assert (again.id, again.function.arguments) == (call.id, call.function.arguments)


async def test_a_tools_result_is_answered(client: openai.AsyncOpenAI) -> None:
    call: ChatCompletionMessageFunctionToolCallParam = {
        "id": "c1",
        "type": "function",
        "function": {"name": "search", "arguments": "{}"},
    }
    turns: list[ChatCompletionMessageParam] = [
        *QUESTION,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Rayleigh scattering"},
    ]
    answer = await client.chat.completions.create(
        model="gpt-4o-mini", messages=turns, tools=[SEARCH]
    )
    assert answer.choices[0].message.content


async def test_a_schema_is_fitted(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.parse(
        model="gpt-4o-mini", messages=QUESTION, response_format=Verdict
    )
    assert isinstance(answer.choices[0].message.parsed, Verdict)


async def test_an_image_counts(client: openai.AsyncOpenAI) -> None:
    image: ChatCompletionContentPartImageParam = {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="},
    }
    turns: list[ChatCompletionMessageParam] = [{"role": "user", "content": [image]}]
    answer = await client.chat.completions.create(
        model="gpt-4o-mini",
        messages=turns,
    )
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 200


async def test_a_long_prompt_is_read_from_the_cache_the_second_time(
    client: openai.AsyncOpenAI,
) -> None:
    turns: list[ChatCompletionMessageParam] = [{"role": "user", "content": "word " * 3000}]
    cached = []
    for _ in range(2):
        answer = await client.chat.completions.create(model="gpt-4o-mini", messages=turns)
        assert answer.usage is not None
        assert answer.usage.prompt_tokens_details is not None
        cached.append(answer.usage.prompt_tokens_details.cached_tokens)
    assert cached == [0, 1024 + 15 * 128]


async def test_models_are_listed_and_described(client: openai.AsyncOpenAI) -> None:
    names = [model.id async for model in client.models.list()]
    assert "gpt-4o-mini" in names
    assert not any(name.startswith(("claude", "gemini")) for name in names)
    assert (await client.models.retrieve("gpt-4o-mini")).owned_by == "simulated"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("gpt-nowhere")


@pytest.mark.parametrize(
    ("asked", "error", "code"),
    [
        ({"model": "gpt-nowhere"}, openai.NotFoundError, "model_not_found"),
        ({"model": "claude-haiku-4-5"}, openai.NotFoundError, "model_not_found"),
        ({"temperature": 0.3}, openai.BadRequestError, "unsupported_parameter"),
        ({"max_tokens": 100}, openai.BadRequestError, "unsupported_parameter"),
        ({"max_completion_tokens": 10**6}, openai.BadRequestError, "invalid_value"),
        ({"max_completion_tokens": 0}, openai.BadRequestError, None),
        ({"messages": []}, openai.BadRequestError, None),
    ],
)
async def test_a_refusal_is_the_clients_own_error(
    client: openai.AsyncOpenAI,
    asked: dict[str, Any],
    error: type[openai.APIStatusError],
    code: str | None,
) -> None:
    request = {"model": "gpt-5-mini", "messages": QUESTION, **asked}
    with pytest.raises(error) as refused:
        await client.chat.completions.create(**request)
    assert refused.value.code == code


async def test_the_default_temperature_is_taken_by_reasoning_models(
    client: openai.AsyncOpenAI,
) -> None:
    answer = await client.chat.completions.create(
        model="gpt-5-mini", messages=QUESTION, temperature=1, reasoning_effort="low"
    )
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens


async def test_a_prompt_over_the_context_is_refused(client: openai.AsyncOpenAI) -> None:
    turns: list[ChatCompletionMessageParam] = [{"role": "user", "content": "word " * 20_000}]
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model="gpt-3.5-turbo", messages=turns)
    assert refused.value.code == "context_length_exceeded"
    assert "16385" in refused.value.message


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rate_limit", openai.RateLimitError),
        ("server_error", openai.InternalServerError),
        ("overloaded", openai.InternalServerError),
        ("cut_stream", openai.APIConnectionError),
        ("silence,wait_s=0", openai.APIConnectionError),
        ("malformed_json", json.JSONDecodeError),
        ("typo", openai.BadRequestError),
    ],
)
async def test_a_fault_is_the_clients_own_error(
    client: openai.AsyncOpenAI, fault: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await client.chat.completions.create(
            model="gpt-4o-mini", messages=QUESTION, extra_headers={"x-koderz-fault": fault}
        )


async def test_the_client_repeats_after_a_rate_limit() -> None:
    faults = [Fault("rate_limit", "gpt-4o-mini", wait_s=0)]
    async with open_simulator(faults=faults) as simulator:
        url = f"{simulator.base_url}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key="any", max_retries=2) as client:
            answer = await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)
        assert answer.choices[0].message.content
        assert [exchange.status for exchange in simulator.requests] == [429, 200]
        assert [exchange.fault for exchange in simulator.requests] == ["rate_limit", None]


async def test_a_host_that_speaks_the_format_is_found_under_its_name(simulator: Simulator) -> None:
    environ = simulator.environ()
    async with openai.AsyncOpenAI(
        base_url=environ["GROQ_BASE_URL"], api_key=environ["GROQ_API_KEY"]
    ) as client:
        answer = await client.chat.completions.create(model="openai/gpt-oss-20b", messages=QUESTION)
        assert answer.model == "openai/gpt-oss-20b"
        assert "openai/gpt-oss-20b" in [model.id async for model in client.models.list()]
    assert simulator.requests[0].provider == "groq"

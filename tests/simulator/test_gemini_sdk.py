"""Google's own client, unchanged, against the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from koderz.simulator import Simulator

# Google's client derives a class from aiohttp's session, which aiohttp advises against.
# It also hands over large bodies in a way that aiohttp finds slow.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Inheritance class AiohttpClientSession:DeprecationWarning",
    "ignore:Sending a large body directly:ResourceWarning",
)

FLASH = "gemini-2.5-flash"
QUESTION = "Why is the sky blue?"
SEARCH = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="search",
            parameters=types.Schema(
                type=types.Type.OBJECT,
                properties={"words": types.Schema(type=types.Type.STRING)},
                required=["words"],
            ),
        )
    ]
)


class Verdict(BaseModel):
    label: str
    score: int


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[genai.client.AsyncClient]:
    options = types.HttpOptions(base_url=simulator.base_url)
    with genai.Client(api_key="any", http_options=options) as ready:
        yield ready.aio
        await ready.aio.aclose()


def with_fault(fault: str) -> types.GenerateContentConfig:
    options = types.HttpOptions(headers={"x-koderz-fault": fault})
    return types.GenerateContentConfig(http_options=options)


async def test_an_answer_comes_with_usage_as_counted(client: genai.client.AsyncClient) -> None:
    answer = await client.models.generate_content(model=FLASH, contents=QUESTION)
    assert "simulated" in (answer.text or "")
    assert answer.response_id is not None
    assert answer.response_id.startswith("sim-")
    usage = answer.usage_metadata
    assert usage is not None
    counted = await client.models.count_tokens(model=FLASH, contents=QUESTION)
    assert usage.prompt_token_count == counted.total_tokens
    assert usage.prompt_token_count
    assert usage.candidates_token_count
    total = usage.prompt_token_count + usage.candidates_token_count
    assert usage.total_token_count == total


async def test_a_stream_joins_to_the_same_answer(client: genai.client.AsyncClient) -> None:
    config = types.GenerateContentConfig(system_instruction="Be brief.")
    whole = await client.models.generate_content(model=FLASH, contents=QUESTION, config=config)
    stream = await client.models.generate_content_stream(
        model=FLASH, contents=QUESTION, config=config
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert len(chunks) > 3
    assert chunks[-1].usage_metadata == whole.usage_metadata


async def test_a_demanded_tool_is_called(client: genai.client.AsyncClient) -> None:
    calling = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
    config = types.GenerateContentConfig(
        tools=[SEARCH], tool_config=types.ToolConfig(function_calling_config=calling)
    )
    answer = await client.models.generate_content(model=FLASH, contents=QUESTION, config=config)
    (call,) = answer.function_calls or []
    assert call.name == "search"
    assert isinstance((call.args or {})["words"], str)


async def test_a_schema_is_fitted(client: genai.client.AsyncClient) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=Verdict
    )
    answer = await client.models.generate_content(model=FLASH, contents=QUESTION, config=config)
    assert isinstance(answer.parsed, Verdict)


async def test_a_limit_ends_the_answer(client: genai.client.AsyncClient) -> None:
    config = types.GenerateContentConfig(max_output_tokens=3)
    answer = await client.models.generate_content(model=FLASH, contents=QUESTION, config=config)
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS


async def test_models_are_listed_and_described(client: genai.client.AsyncClient) -> None:
    names = [model.name async for model in await client.models.list()]
    assert f"models/{FLASH}" in names
    model = await client.models.get(model=FLASH)
    assert model.input_token_limit == 1_048_576
    with pytest.raises(errors.ClientError) as refused:
        await client.models.get(model="gemini-nowhere")
    assert refused.value.code == 404


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"model": "gemini-nowhere"}, 404, "not found"),
        ({"contents": "word " * 1_050_000}, 400, "input token count"),
        ({"config": {"max_output_tokens": 10**6}}, 400, "maxOutputTokens"),
        ({"config": with_fault("typo")}, 400, "unknown fault"),
        ({"config": with_fault("rate_limit")}, 429, "RESOURCE_EXHAUSTED"),
        ({"config": with_fault("server_error")}, 500, "INTERNAL"),
        ({"config": with_fault("overloaded")}, 503, "UNAVAILABLE"),
    ],
)
async def test_a_refusal_is_the_clients_own_error(
    client: genai.client.AsyncClient, asked: dict[str, Any], status: int, words: str
) -> None:
    request = {"model": FLASH, "contents": QUESTION, **asked}
    with pytest.raises(errors.APIError, match=words) as refused:
        await client.models.generate_content(**request)
    assert refused.value.code == status


async def test_a_broken_connection_is_an_error(client: genai.client.AsyncClient) -> None:
    with pytest.raises(aiohttp.ClientError):
        await client.models.generate_content(
            model=FLASH, contents=QUESTION, config=with_fault("cut_stream")
        )

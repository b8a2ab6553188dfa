"""Ollama's own client, unchanged, against the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import ollama
import pytest

from koderz.simulator import Simulator, open_simulator, parse_fault

PHI = "phi:2.7b"
QUESTION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Why is the sky blue?"},
]
SEARCH = {
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


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[ollama.AsyncClient]:
    ready = ollama.AsyncClient(host=simulator.base_url)
    async with ready:
        yield ready


async def test_an_answer_comes_with_usage(client: ollama.AsyncClient) -> None:
    answer = await client.chat(PHI, QUESTION)
    assert "simulated" in (answer.message.content or "")
    assert answer.done
    assert answer.done_reason == "stop"
    assert answer.model == PHI
    assert answer.prompt_eval_count
    assert answer.eval_count


async def test_a_stream_joins_to_the_same_answer(client: ollama.AsyncClient) -> None:
    whole = await client.chat(PHI, QUESTION)
    chunks = [chunk async for chunk in await client.chat(PHI, QUESTION, stream=True)]
    assert "".join(chunk.message.content or "" for chunk in chunks) == whole.message.content
    assert len(chunks) > 3
    assert chunks[-1].eval_count == whole.eval_count
    assert chunks[-1].prompt_eval_count == whole.prompt_eval_count


async def test_tools_may_be_offered(client: ollama.AsyncClient) -> None:
    answer = await client.chat(PHI, QUESTION, tools=[SEARCH])
    assert answer.message.content


async def test_a_schema_is_fitted(client: ollama.AsyncClient) -> None:
    schema = {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": ["a", "b"]}},
        "required": ["label"],
    }
    answer = await client.chat(PHI, QUESTION, format=schema)
    assert answer.message.content in {'{"label":"a"}', '{"label":"b"}'}


async def test_a_limit_ends_the_answer(client: ollama.AsyncClient) -> None:
    answer = await client.chat(PHI, QUESTION, options={"num_predict": 3})
    assert answer.done_reason == "length"
    assert (answer.eval_count or 0) <= 3
    endless = await client.chat(PHI, QUESTION, options={"num_predict": -1})
    assert endless.done_reason == "stop"


async def test_what_is_installed_is_listed_and_shown(client: ollama.AsyncClient) -> None:
    sizes = {model.model: model.size for model in (await client.list()).models}
    assert (sizes[PHI] or 0) < (sizes["codellama:70b"] or 0)
    assert (await client.show(PHI)).capabilities is not None
    assert (await client.ps()).models


async def test_a_model_with_a_stated_skill_is_installed() -> None:
    async with (
        open_simulator(skills={"qwen3:8b": 0.4}) as simulator,
        ollama.AsyncClient(host=simulator.base_url) as client,
    ):
        assert "qwen3:8b" in [model.model for model in (await client.list()).models]
        assert (await client.chat("qwen3:8b", QUESTION)).message.content


async def test_a_model_that_is_not_there_is_a_404(client: ollama.AsyncClient) -> None:
    for ask in (client.chat("nowhere:1b", QUESTION), client.show("nowhere:1b")):
        with pytest.raises(ollama.ResponseError, match="model 'nowhere:1b' not found") as refused:
            await ask
        assert refused.value.status_code == 404


@pytest.mark.parametrize(
    ("kind", "status"), [("rate_limit", 429), ("server_error", 500), ("overloaded", 503)]
)
async def test_a_fault_is_the_clients_own_error(kind: str, status: int) -> None:
    fault = parse_fault(f"{kind},wait_s=0")
    async with open_simulator(faults=[fault]) as simulator:
        async with ollama.AsyncClient(host=simulator.base_url) as client:
            with pytest.raises(ollama.ResponseError) as refused:
                await client.chat(PHI, QUESTION)
        assert refused.value.status_code == status

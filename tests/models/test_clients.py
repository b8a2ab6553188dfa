"""Clients over real sockets: what is sent, and what comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import msgspec
import pytest
from provider_samples import (
    HELLO,
    KEY,
    MODELS,
    OLLAMA_ANSWER,
    OPENAI_ANSWER,
    fail,
    make_factory,
    openai_chunk,
    sse,
)
from scripted_server import Reply, ScriptedServer, open_scripted_server, reply_json

from koderz import errors
from koderz.config.settings import KoderzSettings, PriceSettings, Settings
from koderz.models import ModelFactory, OllamaClient
from koderz.prompts.experiments import IterationRecord
from koderz.types import Message, ResponseSchema, Usage


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with open_scripted_server() as scripted:
        yield scripted


@pytest.fixture
async def factory(server: ScriptedServer) -> AsyncIterator[ModelFactory]:
    async with make_factory(server) as made:
        yield made


@pytest.mark.parametrize("provider", MODELS)
async def test_each_provider_is_asked_in_its_own_way(
    provider: str, server: ScriptedServer, factory: ModelFactory
) -> None:
    model, path, answer = MODELS[provider]
    server.play(reply_json(answer, x_request_id="req_7"))
    completion = await factory.get_client(model).complete(
        msgspec.structs.replace(HELLO, model=model)
    )
    assert (completion.text, completion.provider) == ("hello", provider)
    assert completion.usage == Usage(input_tokens=9, output_tokens=2)
    assert (completion.request_id, completion.tries) == ("req_7", 1)
    assert completion.latency_s > 0
    assert completion.first_token_s is None
    assert not completion.is_simulated
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", path)
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["user-agent"].startswith("koderz/")


async def test_keys_go_where_each_provider_wants_them(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    wanted = {
        "anthropic": {"x-api-key": KEY, "anthropic-version": "2023-06-01"},
        "google": {"x-goog-api-key": KEY},
        "ollama": {},
        "openai": {"authorization": f"Bearer {KEY}"},
    }
    for provider, (model, _, answer) in MODELS.items():
        server.play(reply_json(answer))
        await factory.get_client(model).complete(msgspec.structs.replace(HELLO, model=model))
        headers = server.seen[-1].headers
        names = ("authorization", "x-api-key", "x-goog-api-key", "anthropic-version")
        assert {name: headers[name] for name in names if name in headers} == wanted[provider]


async def test_a_model_is_asked_for_by_its_name_there(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(reply_json(OPENAI_ANSWER))
    request = msgspec.structs.replace(HELLO, model="openai/gpt-4o-mini")
    await factory.get_client(request.model).complete(request)
    assert server.seen[0].document["model"] == "gpt-4o-mini"
    assert server.seen[0].document["max_completion_tokens"] == 50


async def test_answers_of_the_simulator_are_marked(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(
        reply_json(OPENAI_ANSWER, x_koderz_simulated="1"),
        reply_json({"error": {"message": "no"}}, 400, x_koderz_simulated="1"),
    )
    client = factory.get_client(HELLO.model)
    assert (await client.complete(HELLO)).is_simulated
    assert (await fail(client)).is_simulated


async def test_usage_that_is_not_reported_is_counted_and_says_so(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    silent = {name: value for name, value in OPENAI_ANSWER.items() if name != "usage"}
    server.play(reply_json(silent))
    usage = (await factory.get_client(HELLO.model).complete(HELLO)).usage
    assert usage.is_estimated
    assert usage.output_tokens == 1
    assert usage.input_tokens > 1


async def test_connections_are_used_again(server: ScriptedServer, factory: ModelFactory) -> None:
    server.play(reply_json(OPENAI_ANSWER))
    client = factory.get_client(HELLO.model)
    for _ in range(3):
        await client.complete(HELLO)
    server.play(Reply(chunks=sse(openai_chunk("hi", "stop")), media_type="text/event-stream"))
    assert len([item async for item in client.stream(HELLO)]) == 2
    server.play(reply_json(OPENAI_ANSWER))
    await client.complete(HELLO)
    assert len({seen.port for seen in server.seen}) == 1


async def test_a_prompt_of_megabytes_is_sent_whole(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(reply_json({"error": {}}, 500), reply_json(OPENAI_ANSWER))
    text = "word " * 500_000
    request = msgspec.structs.replace(HELLO, messages=(Message.user(text),))
    completion = await factory.get_client(HELLO.model).complete(request)
    assert completion.tries == 2
    assert all(text in str(seen.document["messages"]) for seen in server.seen)


async def test_models_are_listed(server: ScriptedServer, factory: ModelFactory) -> None:
    lists = {
        "gpt-4o-mini": ({"data": [{"id": "a"}, {"id": "b"}]}, "/v1/models"),
        "claude-haiku-4-5": ({"data": [{"id": "a"}, {"id": "b"}]}, "/v1/models?limit=1000"),
        "gemini-2.5-flash": (
            {
                "models": [
                    {"name": "models/a", "supportedGenerationMethods": ["generateContent"]},
                    {"name": "models/b", "supportedGenerationMethods": ["generateContent"]},
                    {"name": "models/e", "supportedGenerationMethods": ["embedContent"]},
                ]
            },
            "/v1beta/models?pageSize=1000",
        ),
        "phi:2.7b": ({"models": [{"name": "a", "size": 1}, {"name": "b", "size": 2}]}, "/api/tags"),
    }
    for model, (listing, path) in lists.items():
        server.play(reply_json(listing))
        client = factory.get_client(model)
        assert await client.fetch_models() == ("a", "b")
        assert (server.seen[-1].method, server.seen[-1].path) == ("GET", path)
        if isinstance(client, OllamaClient):
            assert await client.fetch_installed() == {"a": 1, "b": 2}
    server.play(Reply(chunks=[b"{}"]))
    with pytest.raises(errors.MalformedResponseError):
        await factory.get_client("gpt-4o-mini").fetch_models()


async def test_ollama_gets_room_for_the_prompt_and_never_cuts_it(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(reply_json(OLLAMA_ANSWER))
    client = factory.get_client("qwen2.5-coder:7b")
    short = msgspec.structs.replace(HELLO, model="qwen2.5-coder:7b")
    long = msgspec.structs.replace(short, messages=(Message.user("word " * 8000),))
    for request in (short, long):
        await client.complete(request)
    first, second = (seen.document for seen in server.seen if seen.path == "/api/chat")
    assert "num_ctx" not in first["options"]
    assert second["options"]["num_ctx"] == 16384
    assert not first["truncate"]
    assert not first["shift"]


async def test_what_a_model_cannot_be_asked_is_rejected_before_it_is_sent(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(reply_json(OLLAMA_ANSWER))
    half = msgspec.structs.replace(HELLO, messages=(Message.user("\ud800"),))
    raised = await fail(factory.get_client(HELLO.model), half)
    assert isinstance(raised, errors.RequestRejectedError)
    assert (raised.provider, raised.model) == ("openai", HELLO.model)
    assert server.seen == []


async def test_a_schema_travels(server: ScriptedServer, factory: ModelFactory) -> None:
    server.play(reply_json(OPENAI_ANSWER))
    fields = {"label": {"enum": ["red", "blue"]}}
    schema = ResponseSchema(name="label", schema={"type": "object", "properties": fields})
    request = msgspec.structs.replace(HELLO, response_schema=schema)
    await factory.get_client(HELLO.model).complete(request)
    assert server.seen[0].document["response_format"]["json_schema"]["name"] == "label"


async def test_specs_and_reviews_go_over_complete(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(reply_json(OPENAI_ANSWER))
    client = factory.get_client(HELLO.model)
    spec = await client.generate_spec("Sort a list", model=HELLO.model)
    tried = IterationRecord(number=3, code="def f(): ...", error="AssertionError", tests_total=4)
    review = await client.checkpoint_review([tried], model=HELLO.model)
    assert (spec.text, review.text) == ("hello", "hello")
    first, second = (str(seen.document["messages"]) for seen in server.seen)
    assert "Sort a list" in first
    assert "Attempt 3: 0 of 4 tests passed" in second


def test_costs_come_from_the_price_book() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
    own = PriceSettings(input=Decimal(2), output=Decimal(3))
    settings = Settings(koderz=KoderzSettings(prices={"gpt-4o-mini": own}))
    client = ModelFactory(openai_api_key=KEY, settings=settings).get_client("gpt-4o-mini")
    assert client.calculate_cost(usage, "gpt-4o-mini") == Decimal(5)
    assert client.calculate_cost(usage, "ft:no-such-base:acme::1") is None
    local = ModelFactory(environ={}).get_client("codellama:70b")
    assert local.calculate_cost(usage, "codellama:70b") == Decimal(0)

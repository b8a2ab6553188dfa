"""Ollama: room for the prompt, several hosts, models that load, and models to pull and remove."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
from scripted_server import Reply, ScriptedServer, Seen, open_scripted_server, reply_json

from koderz import errors
from koderz.config.settings import Settings
from koderz.models import ModelFactory, OllamaClient, retry
from koderz.models.siblings import find_small_sibling
from koderz.types import Completion, Message, Request, Usage

MODEL = "acme:7b"
HELLO = Request(model=MODEL, messages=(Message.user("hello"),), max_tokens=50)
ANSWER = {
    "model": MODEL,
    "message": {"role": "assistant", "content": "hi"},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 5,
    "eval_count": 2,
}
ONLY_LOADED = {
    "model": MODEL,
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "load",
}
BUSY = {"error": "server busy, please try again.  maximum pending requests exceeded"}


def tags(**models: int) -> Reply:
    rows = [{"name": f"{name}:7b", "size": size} for name, size in models.items()]
    return reply_json({"models": rows})


def show(context_tokens: int) -> Reply:
    return reply_json({"model_info": {"acme.context_length": context_tokens}})


def lines(*documents: Any) -> Reply:
    chunks = [msgspec.json.encode(document) + b"\n" for document in documents]
    return Reply(chunks=chunks, media_type="application/x-ndjson")


def words(count: int) -> Request:
    return msgspec.structs.replace(HELLO, messages=(Message.user("word " * count),))


@pytest.fixture(autouse=True)
def quick_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT_S", 0.0)
    monkeypatch.setattr(retry, "JITTER_S", 0.0)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with open_scripted_server() as server:
        yield server


@pytest.fixture
async def other() -> AsyncIterator[ScriptedServer]:
    async with open_scripted_server() as server:
        yield server


def build_factory(*urls: str, **local: Any) -> ModelFactory:
    settings = msgspec.convert({"koderz": {"local": local}}, Settings)
    return ModelFactory(settings=settings, environ={"OLLAMA_HOST": ",".join(urls)})


@pytest.fixture
async def client(server: ScriptedServer) -> AsyncIterator[OllamaClient]:
    async with build_factory(server.url) as factory:
        yield factory.get_ollama_client()


def list_paths(seen: Sequence[Seen]) -> list[str]:
    return [request.path for request in seen]


async def test_the_context_is_set_from_the_prompt_and_the_models_own(
    server: ScriptedServer, client: OllamaClient
) -> None:
    server.play(show(20_000), reply_json(ANSWER))
    for count in (4000, 8000, 15_500):
        await client.complete(words(count))
    assert list_paths(server.seen) == ["/api/show", *["/api/chat"] * 3]
    sizes = [seen.document["options"]["num_ctx"] for seen in server.seen[1:]]
    assert sizes == [8192, 16_384, 20_000]
    assert not any(seen.document["truncate"] for seen in server.seen[1:])


async def test_a_short_prompt_asks_for_nothing(
    server: ScriptedServer, client: OllamaClient
) -> None:
    server.play(reply_json(ANSWER))
    await client.complete(HELLO)
    assert list_paths(server.seen) == ["/api/chat"]
    assert "num_ctx" not in server.seen[0].document["options"]


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_prompt_that_does_not_fit_is_refused_before_it_is_sent(
    server: ScriptedServer, client: OllamaClient, *, is_stream: bool
) -> None:
    server.play(show(5000))
    request = msgspec.structs.replace(words(8000), is_stream=is_stream)
    with pytest.raises(errors.ContextLengthError) as raised:
        await client.complete(request)
    assert "8,0" in str(raised.value)
    assert "the model's context 5,000" in str(raised.value)
    assert list_paths(server.seen) == ["/api/show"]


async def test_a_server_that_does_not_say_its_contexts_is_asked_all_the_same(
    server: ScriptedServer, client: OllamaClient
) -> None:
    server.play(reply_json({"error": "no such path"}, 404), reply_json(ANSWER))
    assert (await client.complete(words(8000))).text == "hi"
    assert server.seen[-1].document["options"]["num_ctx"] == 16_384


@pytest.mark.parametrize(("kept_s", "sent"), [(None, None), (0, 0), (600, 600)])
async def test_how_long_a_model_stays_loaded_is_sent_where_it_is_set(
    server: ScriptedServer, kept_s: float | None, sent: float | None
) -> None:
    server.play(reply_json(ANSWER))
    async with build_factory(server.url, keep_loaded_s=kept_s) as factory:
        await factory.get_client(MODEL).complete(HELLO)
    assert server.seen[0].document.get("keep_alive") == sent


@pytest.mark.parametrize(
    "reply", [reply_json(BUSY, 503), reply_json(ONLY_LOADED)], ids=["full queue", "only loaded"]
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_full_queue_and_a_model_that_only_loaded_are_asked_again(
    server: ScriptedServer, client: OllamaClient, reply: Reply, *, is_stream: bool
) -> None:
    server.play(reply, lines(ANSWER))
    completion = await client.complete(msgspec.structs.replace(HELLO, is_stream=is_stream))
    assert (completion.text, completion.tries) == ("hi", 2)
    assert (completion.first_token_s is not None) is is_stream


async def test_one_that_only_loads_fails_in_the_end(
    server: ScriptedServer, client: OllamaClient
) -> None:
    server.play(reply_json(ONLY_LOADED))
    with pytest.raises(errors.ServerError, match="only loaded"):
        await client.complete(HELLO)


async def test_sizes_are_the_servers_and_what_runs_elsewhere_has_none(
    server: ScriptedServer, client: OllamaClient
) -> None:
    rows = [
        {"name": "acme:7b", "size": 4_000},
        {"name": "acme:1b", "size": 900},
        {"name": "acme:cloud", "size": 384, "remote_host": "https://ollama.com:443"},
    ]
    server.play(reply_json({"models": rows}))
    installed = await client.fetch_installed()
    assert installed == {"acme:7b": 4_000, "acme:1b": 900, "acme:cloud": 0}
    sibling = find_small_sibling(client._get_model("acme:7b"), installed)
    assert sibling is not None
    assert sibling.api_name == "acme:1b"


async def test_the_least_busy_host_that_has_the_model_is_asked(
    server: ScriptedServer, other: ScriptedServer
) -> None:
    server.play(tags(acme=1), Reply(hangs=True))
    other.play(tags(acme=1, only=1), reply_json(ANSWER))
    async with build_factory(server.url, other.url) as factory:
        client = factory.get_ollama_client()
        await client.fetch_installed()
        server.asked.clear()
        first = asyncio.create_task(client.complete(HELLO))
        await server.asked.wait()
        for request in (HELLO, msgspec.structs.replace(HELLO, model="only:7b")):
            assert (await client.complete(request)).text == "hi"
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        server.play(reply_json(ANSWER))
        await client.complete(HELLO)
    assert list_paths(other.seen) == ["/api/tags", "/api/chat", "/api/chat"]
    assert list_paths(server.seen) == ["/api/tags", "/api/chat", "/api/chat"]


async def test_a_stream_keeps_its_host_busy_to_its_end(
    server: ScriptedServer, other: ScriptedServer
) -> None:
    piece = {**ANSWER, "done": False}
    for peer in (server, other):
        peer.play(tags(acme=1), lines(piece, ANSWER))
    async with build_factory(server.url, other.url) as factory:
        client = factory.get_ollama_client()
        stream = client.stream(HELLO)
        await anext(stream)
        await client.complete(msgspec.structs.replace(HELLO, is_stream=True))
        await stream.aclose()
        await client.complete(msgspec.structs.replace(HELLO, is_stream=True))
    assert list_paths(server.seen) == ["/api/tags", "/api/chat", "/api/chat"]
    assert list_paths(other.seen) == ["/api/tags", "/api/chat"]


async def test_a_host_that_is_down_is_passed_over(server: ScriptedServer) -> None:
    server.play(tags(acme=1), reply_json(ANSWER))
    async with build_factory("http://127.0.0.1:9", server.url) as factory:
        client = factory.get_ollama_client()
        assert await client.fetch_installed() == {"acme:7b": 1}
        completion = await client.complete(HELLO)
        assert completion.text == "hi"
        assert (await client.complete(HELLO)).tries == 1


async def test_with_all_hosts_down_it_says_so() -> None:
    async with build_factory("http://127.0.0.1:9", "http://127.0.0.1:10") as factory:
        with pytest.raises(errors.ConnectionFailedError, match="ollama serve"):
            await factory.get_ollama_client().fetch_installed()


@pytest.mark.parametrize("address", ["box, :11435", " http://box:11434 ,http://127.0.0.1:11435/"])
def test_several_hosts_are_written_with_commas(address: str) -> None:
    for options in (
        {"environ": {"OLLAMA_HOST": address}},
        {
            "environ": {},
            "settings": msgspec.convert(
                {"koderz": {"providers": {"ollama": {"base_url": address}}}}, Settings
            ),
        },
    ):
        client = ModelFactory(**options).get_ollama_client()
        assert client.provider.base_url == "http://box:11434,http://127.0.0.1:11435"
    with pytest.raises(errors.ConfigError, match="no web address"):
        ModelFactory(environ={"OLLAMA_HOST": "box,http://"}).get_ollama_client()


PULL = [
    {"status": "pulling manifest"},
    {"status": "pulling aaa", "digest": "sha256:aaa", "total": 100},
    {"status": "pulling aaa", "digest": "sha256:aaa", "total": 100, "completed": 40},
    {"status": "pulling aaa", "digest": "sha256:aaa", "total": 100, "completed": 100},
    {"status": "verifying sha256 digest"},
]


async def test_a_pull_tells_how_far_it_is(server: ScriptedServer, client: OllamaClient) -> None:
    server.play(lines(*PULL, {"status": "success"}))
    told: list[tuple[str, int, int]] = []
    await client.pull("acme:7b", lambda *what: told.append(what))
    assert told == [("pulling aaa", done, 100) for done in (0, 40, 100)]
    assert server.seen[0].path == "/api/pull"
    assert server.seen[0].document == {"model": "acme:7b", "stream": True}


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (
            lines(*PULL, {"error": "pull model manifest: file does not exist"}),
            errors.ModelNotFoundError,
            "file does not exist",
        ),
        (lines(*PULL), errors.MalformedResponseError, "try again"),
        (reply_json({"error": "no room"}, 500), errors.ServerError, "no room"),
    ],
)
async def test_a_pull_that_fails_says_why(
    server: ScriptedServer, client: OllamaClient, reply: Reply, kind: type[Exception], said: str
) -> None:
    server.play(reply)
    with pytest.raises(errors.ProviderError) as raised:
        await client.pull("acme:7b", lambda *what: None)
    assert isinstance(raised.value, kind)
    assert said in str(raised.value)
    assert str(raised.value).startswith("ollama/acme:7b")


async def test_a_model_is_removed_where_it_is(
    server: ScriptedServer, other: ScriptedServer
) -> None:
    server.play(tags(other=1))
    other.play(tags(acme=1), reply_json({}))
    async with build_factory(server.url, other.url) as factory:
        await factory.get_ollama_client().remove("acme:7b")
    assert list_paths(server.seen) == ["/api/tags"]
    assert (other.seen[-1].method, other.seen[-1].path) == ("DELETE", "/api/delete")
    assert other.seen[-1].document == {"model": "acme:7b"}


async def test_removing_what_is_not_there_says_so(
    server: ScriptedServer, client: OllamaClient
) -> None:
    server.play(tags(), reply_json({"error": "model 'acme:7b' not found"}, 404))
    with pytest.raises(errors.ModelNotFoundError, match="not found"):
        await client.remove("acme:7b")


async def test_a_whole_answer_read_as_a_stream_is_the_same(
    server: ScriptedServer, client: OllamaClient
) -> None:
    server.play(lines({**ANSWER, "done": False}, {**ANSWER, "message": None}))
    completion = await client.complete(msgspec.structs.replace(HELLO, is_stream=True))
    assert isinstance(completion, Completion)
    assert completion.usage == Usage(input_tokens=5, output_tokens=2)
    assert completion.first_token_s is not None
    assert server.seen[0].document["stream"]

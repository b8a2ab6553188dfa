"""What each failure of a provider becomes, over real sockets, and what its error says."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from provider_samples import HELLO, HTTP, KEY, MODELS, OPENAI_ANSWER, fail, make_factory
from scripted_server import Reply, ScriptedServer, open_scripted_server, reply_json

from koderz import errors
from koderz.config.settings import HttpSettings, KoderzSettings, Settings
from koderz.errors import ProviderError
from koderz.models import ModelFactory


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with open_scripted_server() as scripted:
        yield scripted


@pytest.fixture
async def factory(server: ScriptedServer) -> AsyncIterator[ModelFactory]:
    async with make_factory(server) as made:
        yield made


STATUSES: list[tuple[int, Any, type[ProviderError]]] = [
    (400, {"message": "bad parameter"}, errors.RequestRejectedError),
    (400, {"code": "context_length_exceeded", "message": "x"}, errors.ContextLengthError),
    (400, {"message": "maximum context length is 8192 tokens"}, errors.ContextLengthError),
    (400, {"type": "exceed_context_size_error", "message": "x"}, errors.ContextLengthError),
    (400, {"code": "content_policy_violation", "message": "x"}, errors.ContentFilterError),
    (400, {"message": "nope/nope is not a valid model ID"}, errors.ModelNotFoundError),
    (401, {"message": "Incorrect API key"}, errors.AuthenticationError),
    (402, {"message": "Insufficient Balance"}, errors.QuotaExceededError),
    (403, {"message": "region"}, errors.AuthenticationError),
    (
        403,
        {"message": "the context length is none of a status's business"},
        errors.AuthenticationError,
    ),
    (404, {"message": "The model does not exist"}, errors.ModelNotFoundError),
    (405, {"message": "method"}, errors.RequestRejectedError),
    (408, {"message": "timeout"}, errors.ProviderTimeoutError),
    (409, {"message": "conflict"}, errors.ServerError),
    (413, {"message": "too large"}, errors.ContextLengthError),
    (422, {"message": "max_tokens must be positive"}, errors.RequestRejectedError),
    (422, {"message": "x", "input": "flagged: context length"}, errors.RequestRejectedError),
    (425, {"message": "too early"}, errors.ServerError),
    (429, {"message": "slow down"}, errors.RateLimitError),
    (429, {"code": "insufficient_quota", "message": "quota"}, errors.QuotaExceededError),
    (500, {"message": "oops"}, errors.ServerError),
    (503, {"message": "context length"}, errors.ServerError),
    (529, {"message": "overloaded"}, errors.ServerError),
    (202, {}, errors.MalformedResponseError),
]


@pytest.mark.parametrize(("status", "error", "kind"), STATUSES)
async def test_a_status_becomes_its_error(
    status: int, error: Any, kind: type[ProviderError], server: ScriptedServer
) -> None:
    server.play(reply_json({"error": error}, status, x_request_id="req_9"))
    async with make_factory(server, HttpSettings(retries=0)) as factory:
        raised = await fail(factory.get_client(HELLO.model))
    assert type(raised) is kind
    assert (raised.status, raised.request_id) == (status, "req_9")
    assert (raised.provider, raised.model) == ("openai", HELLO.model)
    assert "\n" not in str(raised)
    assert error.get("message", "") in str(raised)


REFUSALS: list[tuple[str, int, Any, type[ProviderError]]] = [
    (
        "anthropic",
        400,
        {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"},
        errors.ContextLengthError,
    ),
    (
        "anthropic",
        400,
        {"type": "invalid_request_error", "message": "Output blocked by content filtering policy"},
        errors.ContentFilterError,
    ),
    (
        "anthropic",
        400,
        {"type": "invalid_request_error", "message": "Your credit balance is too low"},
        errors.QuotaExceededError,
    ),
    (
        "google",
        400,
        {"status": "INVALID_ARGUMENT", "message": "API key not valid. Please pass a valid one."},
        errors.AuthenticationError,
    ),
    (
        "google",
        400,
        {"message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."},
        errors.ContextLengthError,
    ),
    (
        "google",
        429,
        {
            "message": "quota",
            "details": [{"violations": [{"quotaId": "TokensPerModelPerDay-Free"}]}],
        },
        errors.QuotaExceededError,
    ),
    ("ollama", 400, "the prompt exceeds the context length", errors.ContextLengthError),
    ("ollama", 404, "model 'phi:2.7b' not found", errors.ModelNotFoundError),
]


@pytest.mark.parametrize(("provider", "status", "error", "kind"), REFUSALS)
async def test_each_provider_is_understood_in_its_own_words(
    provider: str, status: int, error: Any, kind: type[ProviderError], server: ScriptedServer
) -> None:
    model = MODELS[provider][0]
    server.play(reply_json({"error": error}, status))
    async with make_factory(server, HttpSettings(retries=0)) as factory:
        raised = await fail(factory.get_client(model), msgspec.structs.replace(HELLO, model=model))
    assert type(raised) is kind


async def test_errors_say_what_to_do_next(server: ScriptedServer, factory: ModelFactory) -> None:
    server.play(reply_json({"error": "model 'phi:2.7b' not found"}, 404))
    local = msgspec.structs.replace(HELLO, model="phi:2.7b")
    assert "`ollama pull phi:2.7b`" in str(await fail(factory.get_client(local.model), local))
    server.play(reply_json({"error": {"message": "bad key"}}, 401))
    gemini = msgspec.structs.replace(HELLO, model="gemini-2.5-flash")
    refused = await fail(factory.get_client(gemini.model), gemini)
    assert "GEMINI_API_KEY or GOOGLE_API_KEY" in str(refused)


async def test_a_local_server_that_is_not_there_says_how_to_start_it(
    unused_tcp_port: int, server: ScriptedServer
) -> None:
    environ = {"OLLAMA_HOST": f"127.0.0.1:{unused_tcp_port}"}
    settings = Settings(koderz=KoderzSettings(http=HTTP))
    async with ModelFactory(settings=settings, environ=environ) as factory:
        local = msgspec.structs.replace(HELLO, model="phi:2.7b")
        raised = await fail(factory.get_client(local.model), local)
    assert isinstance(raised, errors.ConnectionFailedError)
    assert "`ollama serve`" in str(raised)
    assert raised.tries == 3


@pytest.mark.parametrize(
    "chunks", [[b"{"], [b'"hello"'], [b"[]"], [b""], [b'{"choices": "none"}'], [b"\xff\xfe"]]
)
async def test_what_is_no_answer_is_malformed(
    chunks: list[bytes], server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(Reply(chunks=chunks))
    raised = await fail(factory.get_client(HELLO.model))
    assert isinstance(raised, errors.MalformedResponseError)
    assert len(server.seen) == 1


async def test_a_web_page_is_named_as_such(server: ScriptedServer, factory: ModelFactory) -> None:
    page = b"<!doctype html><html><head><title>Sign in</title></head>" + b"<p>x</p>" * 9999
    server.play(Reply(chunks=[page], media_type="text/html"))
    client = factory.get_client(HELLO.model)
    raised = await fail(client)
    assert isinstance(raised, errors.MalformedResponseError)
    assert "web page" in str(raised)
    with pytest.raises(errors.MalformedResponseError, match="Sign in"):
        await anext(aiter(client.stream(HELLO)))
    server.play(Reply(status=502, chunks=[page], media_type="text/html"))
    raised = await fail(client)
    assert isinstance(raised, errors.ServerError)
    assert "Sign in" in str(raised)
    assert len(str(raised)) < 400


async def test_a_redirect_is_not_followed_with_a_key(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    async with open_scripted_server() as elsewhere:
        elsewhere.play(reply_json(OPENAI_ANSWER))
        server.play(Reply(status=307, headers={"location": f"{elsewhere.url}/v1?secret=1"}))
        raised = await fail(factory.get_client(HELLO.model))
        assert elsewhere.seen == []
    assert isinstance(raised, errors.RequestRejectedError)
    assert "base_url" in str(raised)
    assert "secret" not in str(raised)


@pytest.mark.parametrize("padding", [0, 270, 285, 299])
async def test_no_error_holds_a_key(
    padding: int, server: ScriptedServer, factory: ModelFactory
) -> None:
    said = f"{'x' * padding} {KEY} is wrong, and so is sk-other-{'Z' * 24}"
    body = msgspec.json.encode({"error": {"message": said}})
    client = factory.get_client(HELLO.model)
    for reply in (
        Reply(status=401, chunks=[body]),
        Reply(status=400, chunks=[body]),
        Reply(chunks=[said.encode()]),
        Reply(chunks=[b"<html>", said.encode()], media_type="text/html"),
        Reply(chunks=[b"HTTP"], headers={"content-encoding": "gzip"}),
    ):
        server.play(reply)
        raised = await fail(client)
        shown = "".join(traceback.format_exception(raised)) + repr(raised) + repr(client)
        assert "0123456789" not in shown
        assert "sk-test-0" not in shown
        assert "ZZZZ" not in shown


async def test_a_cut_answer_is_asked_for_again(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(Reply(chunks=[b'{"id": "chat'], is_cut=True), reply_json(OPENAI_ANSWER))
    assert (await factory.get_client(HELLO.model).complete(HELLO)).tries == 2


async def test_silence_is_a_timeout(server: ScriptedServer, factory: ModelFactory) -> None:
    server.play(Reply(hangs=True))
    async with make_factory(server, msgspec.structs.replace(HTTP, retries=0)) as hasty:
        raised = await fail(hasty.get_client(HELLO.model))
    assert isinstance(raised, errors.ProviderTimeoutError)


async def test_the_total_time_covers_all_tries(server: ScriptedServer) -> None:
    server.play(Reply(hangs=True))
    http = HttpSettings(total_timeout_s=0.2, retries=5, retry_wait_max_s=0.01)
    async with make_factory(server, http) as factory:
        raised = await fail(factory.get_client(HELLO.model))
    assert isinstance(raised, errors.ProviderTimeoutError)
    assert len(server.seen) == 1


async def test_a_cancelled_call_ends_at_once_and_closes_its_connection(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(Reply(chunks=[b" "], hangs=True))
    async with make_factory(server, HttpSettings()) as patient:
        task = asyncio.create_task(patient.get_client(HELLO.model).complete(HELLO))
        await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.left.wait(), 2)
    assert len(server.seen) == 1

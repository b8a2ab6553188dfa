"""Streams over real sockets: pieces, the whole, and every way to break off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from provider_samples import HELLO, make_factory, openai_chunk, sse
from scripted_server import Reply, ScriptedServer, open_scripted_server, reply_json

from koderz import errors
from koderz.config.settings import HttpSettings
from koderz.models import ModelFactory
from koderz.types import Completion, Delta, Usage


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with open_scripted_server() as scripted:
        yield scripted


@pytest.fixture
async def factory(server: ScriptedServer) -> AsyncIterator[ModelFactory]:
    async with make_factory(server) as made:
        yield made


async def test_a_stream_gives_pieces_and_then_the_whole(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    usage = {
        "id": "chatcmpl-1",
        "choices": [],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2},
    }
    chunks = sse(openai_chunk("hel"), openai_chunk("lo"), openai_chunk("", "stop"), usage)
    server.play(Reply(chunks=chunks, headers={"x-koderz-simulated": "1"}))
    items = [item async for item in factory.get_client(HELLO.model).stream(HELLO)]
    assert items[:-1] == [Delta(text="hel"), Delta(text="lo")]
    whole = items[-1]
    assert isinstance(whole, Completion)
    assert (whole.text, whole.provider, whole.is_simulated) == ("hello", "openai", True)
    assert whole.usage == Usage(input_tokens=9, output_tokens=2)
    assert whole.first_token_s is not None
    assert 0 < whole.first_token_s <= whole.latency_s
    assert server.seen[0].document["stream"] is True


async def test_a_stream_is_asked_for_again_before_its_first_piece(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(
        reply_json({"error": {"message": "oops"}}, 503),
        Reply(chunks=[b": hold the line\n\n"], is_cut=True),
        Reply(chunks=sse(openai_chunk("hello", "stop"))),
    )
    items = [item async for item in factory.get_client(HELLO.model).stream(HELLO)]
    assert items[0] == Delta(text="hello")
    assert isinstance(items[-1], Completion)
    assert items[-1].tries == 3


@pytest.mark.parametrize(
    "cut",
    [
        Reply(chunks=sse(openai_chunk("hel"), end=b""), is_cut=True),
        Reply(chunks=sse(openai_chunk("hel"), end=b"")),
    ],
)
async def test_a_stream_that_is_cut_after_a_piece_is_malformed(
    cut: Reply, server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(cut)
    stream = factory.get_client(HELLO.model).stream(HELLO)
    assert await anext(stream) == Delta(text="hel")
    with pytest.raises(errors.MalformedResponseError) as caught:
        await anext(stream)
    assert (caught.value.provider, caught.value.model) == ("openai", HELLO.model)
    assert len(server.seen) == 1


async def test_a_stream_that_is_garbage_is_malformed_and_not_asked_for_again(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(Reply(chunks=[b"data: {broken\n\n"]))
    with pytest.raises(errors.MalformedResponseError):
        await anext(factory.get_client(HELLO.model).stream(HELLO))
    assert len(server.seen) == 1


async def test_a_stream_that_falls_silent_is_a_timeout(
    server: ScriptedServer, factory: ModelFactory
) -> None:
    server.play(Reply(chunks=sse(openai_chunk("hel"), end=b""), hangs=True))
    with pytest.raises(errors.ProviderTimeoutError):
        _ = [item async for item in factory.get_client(HELLO.model).stream(HELLO)]
    assert len(server.seen) == 1


async def test_closing_a_stream_early_closes_its_connection(server: ScriptedServer) -> None:
    server.play(Reply(chunks=sse(openai_chunk("hel"), end=b""), hangs=True))
    async with make_factory(server, HttpSettings()) as factory:
        stream = factory.get_client(HELLO.model).stream(HELLO)
        assert await anext(stream) == Delta(text="hel")
        await stream.aclose()
        await asyncio.wait_for(server.left.wait(), 2)

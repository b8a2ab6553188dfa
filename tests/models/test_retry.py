"""Asking again: which faults, how often, after which wait, and what the provider's wish counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_server import ScriptedServer, open_scripted_server, reply_json

from koderz import errors
from koderz.config.settings import HttpSettings
from koderz.errors import ProviderError
from koderz.models.faults import parse_retry_after
from koderz.models.openai_client import OpenAIClient
from koderz.models.retry import FIRST_WAIT_S, JITTER_S, ask_with_retries, choose_wait
from koderz.models.transport import Transport
from koderz.types import Message, ProviderInfo, Request

HELLO = Request(model="some-model", messages=(Message.user("hello"),))
ANSWER = {
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    ]
}
HTTP = HttpSettings(retries=2, retry_wait_max_s=0.02)
BUSY = {"error": {"message": "slow down"}}


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with open_scripted_server() as scripted:
        yield scripted


@pytest.fixture
async def client(server: ScriptedServer) -> AsyncIterator[OpenAIClient]:
    transport = Transport(HTTP)
    yield OpenAIClient(
        ProviderInfo(id="here", title="Here", wire="openai", base_url=server.url), transport
    )
    await transport.close()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for; none is made."""
    asked: list[float] = []

    async def note(delay_s: float) -> None:
        asked.append(delay_s)

    monkeypatch.setattr(asyncio, "sleep", note)
    return asked


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_a_passing_fault_is_asked_again(
    status: int, server: ScriptedServer, client: OpenAIClient
) -> None:
    server.play(reply_json(BUSY, status, retry_after_ms="3"), reply_json(ANSWER))
    completion = await client.complete(HELLO)
    assert (completion.text, completion.tries) == ("hi", 2)
    assert server.seen[0].body == server.seen[1].body


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
async def test_a_lasting_fault_is_not(
    status: int, server: ScriptedServer, client: OpenAIClient
) -> None:
    server.play(reply_json(BUSY, status, retry_after_ms="3"))
    with pytest.raises(ProviderError) as caught:
        await client.complete(HELLO)
    assert caught.value.tries == len(server.seen) == 1


async def test_the_last_error_is_raised_when_the_tries_are_used_up(
    server: ScriptedServer, client: OpenAIClient
) -> None:
    server.play(*(reply_json(BUSY, status) for status in (500, 429, 503)), reply_json(ANSWER))
    with pytest.raises(errors.ServerError) as caught:
        await client.complete(HELLO)
    assert (caught.value.status, caught.value.tries) == (503, 3)


async def test_a_used_up_quota_is_not_asked_again(
    server: ScriptedServer, client: OpenAIClient
) -> None:
    server.play(reply_json({"error": {"code": "insufficient_quota", "message": "pay"}}, 429))
    with pytest.raises(errors.RateLimitError) as caught:
        await client.complete(HELLO)
    assert not caught.value.retryable
    assert len(server.seen) == 1


async def test_who_asks_for_too_long_a_wait_is_not_asked_again(
    server: ScriptedServer, client: OpenAIClient
) -> None:
    server.play(reply_json(BUSY, 429, retry_after="7"))
    with pytest.raises(errors.RateLimitError) as caught:
        await client.complete(HELLO)
    assert (caught.value.retry_after_s, caught.value.tries) == (7, 1)


async def fail_with(error: ProviderError, http: HttpSettings) -> ProviderError:
    async def ask(_left_s: float) -> None:
        raise error

    with pytest.raises(ProviderError) as caught:
        await ask_with_retries(ask, http)
    return caught.value


async def test_waits_double_up_to_the_longest(waits: list[float]) -> None:
    http = HttpSettings(retries=6, retry_wait_max_s=4)
    raised = await fail_with(errors.ServerError("down"), http)
    assert raised.tries == 7
    for number, wait_s in enumerate(waits):
        assert min(4, FIRST_WAIT_S * 2**number) <= wait_s <= min(4, FIRST_WAIT_S * 2**number + 0.5)


async def test_the_wait_asked_for_is_kept(waits: list[float]) -> None:
    error = errors.RateLimitError("busy", retry_after_s=3)
    await fail_with(error, HttpSettings(retries=2))
    assert len(waits) == 2
    assert all(3 <= wait_s <= 3 + JITTER_S for wait_s in waits)


async def test_no_retries_means_one_try(waits: list[float]) -> None:
    assert (await fail_with(errors.ServerError("down"), HttpSettings(retries=0))).tries == 1
    assert waits == []


async def test_other_errors_pass_untouched(waits: list[float]) -> None:
    async def ask(_left_s: float) -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await ask_with_retries(ask, HttpSettings())
    assert waits == []


async def test_a_cancellation_passes_untouched_even_in_a_wait() -> None:
    asked = asyncio.Event()

    async def ask(_left_s: float) -> None:
        asked.set()
        raise errors.ServerError("down", retry_after_s=20)

    task = asyncio.create_task(ask_with_retries(ask, HttpSettings()))
    await asked.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@given(
    asked_s=st.floats(0, 100),
    longest_s=st.floats(0.001, 100),
    left_s=st.floats(-1, 400),
)
def test_a_wait_is_never_shorter_than_asked_nor_longer_than_allowed(
    asked_s: float, longest_s: float, left_s: float
) -> None:
    http = HttpSettings(retry_wait_max_s=longest_s)
    wait_s = choose_wait(errors.RateLimitError("busy", retry_after_s=asked_s), http, left_s)
    if asked_s > longest_s or asked_s >= left_s:
        assert wait_s is False
    else:
        assert wait_s is not True
        assert asked_s <= wait_s <= longest_s


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({}, b"", None),
        ({"retry-after": "2"}, b"", 2),
        ({"retry-after": "1.5"}, b"", 1.5),
        ({"retry-after": "-3"}, b"", 0),
        ({"retry-after": "soon"}, b"", None),
        ({"retry-after": "nan"}, b"", None),
        ({"retry-after": "inf"}, b"", None),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, b"", 0),
        ({"retry-after-ms": "250", "retry-after": "1"}, b"", 0.25),
        ({}, b'{"error": {"details": [{"retryDelay": "36.5s"}]}}', 36.5),
        ({"retry-after": "2"}, b'{"retryDelay": "36s"}', 2),
        ({}, b'{"retryDelay": "a while"}', None),
    ],
)
def test_the_wish_for_a_wait_is_read(
    headers: dict[str, str], body: bytes, seconds: float | None
) -> None:
    assert parse_retry_after(headers, body) == seconds


def test_a_date_is_a_wait_until_then() -> None:
    seconds = parse_retry_after({"retry-after": formatdate(time.time() + 50, usegmt=True)})
    assert seconds is not None
    assert 0 < seconds <= 50


@given(st.text(), st.binary())
def test_any_header_and_body_are_survived(text: str, body: bytes) -> None:
    seconds = parse_retry_after({"retry-after": text, "retry-after-ms": text[::-1]}, body)
    assert seconds is None or seconds >= 0

"""What it costs to run models inside Koderz, beside what llama.cpp itself takes.

A tiny random model is asked 1) through Koderz and 2) by bare POSTs of the same question to the same
engine, in interleaved rounds; printed are the ratio of the two, what loading costs the first
answer, and the processor time that Koderz spends on one streamed token.
"""

from __future__ import annotations

import asyncio
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from koderz.models import LlamaCppClient
    from koderz.types import Request

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

ROUNDS = 20
CALLS = 10
ANSWER_TOKENS = 32
LONG_TOKENS = 2000
CONTEXT_TOKENS = 8192
QUESTION = "12:00:01 INFO worker 7 took job 4711 off the queue\n" * 10

Call = Callable[[], Awaitable[object]]


async def measure(call: Call) -> tuple[float, float]:
    """Seconds, and CPU seconds of this process, a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        await call()
    return (time.perf_counter() - wall) / CALLS, (time.process_time() - cpu) / CALLS


async def run(path: Path) -> None:
    """Ask a first time, then in rounds, then for a long answer."""
    import msgspec

    from koderz.config.settings import Settings
    from koderz.models import LlamaCppClient, ModelFactory
    from koderz.types import Message, Request

    settings = msgspec.convert({"koderz": {"local": {"threads": 1}}}, Settings)
    request = Request(
        model=f"llamacpp/{path}",
        messages=(Message.user(QUESTION),),
        max_tokens=ANSWER_TOKENS,
        temperature=0,
    )
    print(f"{platform.machine()}, Python {platform.python_version()}, a model of 200 kB")
    async with ModelFactory(settings=settings) as factory:
        client = factory.get_client(request.model)
        assert isinstance(client, LlamaCppClient)
        started = time.perf_counter()
        await client.complete(request)
        first_s = time.perf_counter() - started
        print(f"first answer, engine started and model loaded: {first_s * 1e3:.0f} ms")
        await compare(client, request)
        await stream(client, request)


async def compare(client: LlamaCppClient, request: Request) -> None:
    """The same question through Koderz and by bare POSTs."""
    import aiohttp

    engine = client.engine.loaded
    assert engine is not None
    messages = [{"role": "user", "content": QUESTION}]
    body = {"messages": messages, "max_tokens": ANSWER_TOKENS, "temperature": 0}
    headers = {"authorization": f"Bearer {engine.key}", "connection": "close"}
    url = f"{engine.address}/v1/chat/completions"

    async def ask() -> object:
        return await client.complete(request)

    async with aiohttp.ClientSession() as session:

        async def post() -> object:
            async with session.post(url, json=body, headers=headers) as reply:
                return await reply.json()

        rounds = [(await measure(ask), await measure(post)) for _ in range(ROUNDS)]
    warm_s = statistics.median(ours[0] for ours, _ in rounds)
    wall = statistics.median(ours[0] / bare[0] for ours, bare in rounds)
    cpu = statistics.median(ours[1] / bare[1] for ours, bare in rounds)
    print(f"an answer once it is loaded: {warm_s * 1e3:.1f} ms, {wall:.2f} x a bare POST")
    print(f"CPU of this process a call: {cpu:.2f} x a bare POST (which does not stream)")


async def stream(client: LlamaCppClient, request: Request) -> None:
    """A long answer, in pieces."""
    import msgspec

    from koderz.types import Delta

    long = msgspec.structs.replace(request, max_tokens=LONG_TOKENS, seed=3, temperature=1.0)
    started = time.process_time()
    pieces = [item async for item in client.stream(long) if isinstance(item, Delta)]
    token_us = (time.process_time() - started) / max(1, len(pieces)) * 1e6
    print(f"CPU of this process a streamed piece: {token_us:.0f} us ({len(pieces)} pieces)")


def main() -> None:
    from tiny_gguf import write_tiny_gguf

    with tempfile.TemporaryDirectory() as folder:
        path = write_tiny_gguf(Path(folder) / "tiny.gguf", context_tokens=CONTEXT_TOKENS)
        asyncio.run(run(path))


if __name__ == "__main__":
    main()

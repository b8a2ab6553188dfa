"""A real llama.cpp tells how likely its tokens were, and our client reads it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tiny_gguf import write_tiny_gguf

from koderz.config.settings import Settings
from koderz.models import ModelFactory
from koderz.types import Completion, Message, Request

pytest.importorskip("xllamacpp", exc_type=ImportError)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_tokens_come_with_their_log_probabilities(tmp_path: Path, is_stream: bool) -> None:
    path = write_tiny_gguf(tmp_path / "tiny.gguf")
    request = Request(
        model=f"llamacpp/{path}",
        messages=(Message.user("hello"),),
        max_tokens=8,
        seed=3,
        temperature=0.8,
        top_logprobs=3,
        is_stream=is_stream,
    )
    settings = msgspec.convert({"koderz": {"local": {"threads": 1}}}, Settings)
    async with ModelFactory(settings=settings, environ={}) as factory:
        completion = await factory.get_client(request.model).complete(request)
    check(completion)


def check(completion: Completion) -> None:
    assert completion.tokens
    text = b"".join(token.raw for token in completion.tokens).decode(errors="replace")
    assert text.startswith(completion.text[:1])
    for token in completion.tokens:
        assert token.logprob <= 0
        assert len(token.alternatives) == 3
        ordered = [each.logprob for each in token.alternatives]
        assert ordered == sorted(ordered, reverse=True)

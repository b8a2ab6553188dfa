"""What a simulated model is given to read: the request as one run of tokens."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import msgspec

from koderz.tokens import get_tokenizer
from koderz.types import Image, Message, Part, Reasoning, Request, Text, ToolCall, ToolResult

IMAGE_TOKENS = 256

_ENCODER = msgspec.json.Encoder(order="deterministic")


class Prompt(msgspec.Struct, frozen=True):
    """A request as a model reads it.

    `ids` are its tokens; `stable` are the lengths (in tokens, growing) of those prefixes that the
    request marks as worth caching.
    """

    ids: tuple[int, ...]
    stable: tuple[int, ...] = ()


def build_prompt(request: Request) -> Prompt:
    """The request's tokens, tools first, then the system prompt, then the turns."""
    segments = tuple(_segments(request))
    encoded = get_tokenizer().encode_batch([text for text, _ in segments])
    ids: list[int] = []
    stable: list[int] = []
    for (_, is_stable), part in zip(segments, encoded, strict=True):
        ids += part
        if is_stable:
            stable.append(len(ids))
    return Prompt(tuple(ids), tuple(stable))


def build_digest(seed: int, request: Request) -> bytes:
    """What names the question: the same for the same model, content and schema under one seed.

    Limits, sampling settings, streaming and cache marks are left out: they change how much of an
    answer comes and how, not which answer it is.
    """
    question = (
        seed,
        request.model,
        request.system,
        [(message.role, message.parts) for message in request.messages],
        request.tools,
        request.tool_choice,
        request.response_schema,
        request.seed,
    )
    return blake2b(_ENCODER.encode(question), digest_size=16).digest()


def _segments(request: Request) -> Iterator[tuple[str, bool]]:
    if request.tools:
        yield _ENCODER.encode(request.tools).decode(), False
    if request.response_schema is not None:
        yield _ENCODER.encode(request.response_schema.schema).decode(), False
    yield f"system\n{request.system}\n" if request.system else "", request.system_is_stable
    for message in request.messages:
        yield _render(message), message.ends_stable_prefix


def _render(message: Message) -> str:
    return "\n".join((message.role, *map(_render_part, message.parts), ""))


def _render_part(part: Part) -> str:
    match part:
        case Text() | Reasoning():
            return part.text
        case Image():
            # One token a repeat: a picture's tokens depend on its size, which is not looked at.
            return " image" * IMAGE_TOKENS
        case ToolCall():
            return f"{part.name} {_ENCODER.encode(part.arguments).decode()}"
        case ToolResult():
            return part.content

"""A request that goes through a format comes back, up to what has no place in the format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koderz.types import (
    Capabilities,
    Image,
    Message,
    Part,
    Reasoning,
    Request,
    ResponseSchema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from koderz.wire import get_wire
from koderz.wire.anthropic.request_encoder import DEFAULT_MAX_TOKENS
from koderz.wire.fitting import EFFORTS
from koderz.wire.schemas import close_schema

replace = msgspec.structs.replace
FORMATS = ("anthropic", "gemini", "ollama", "openai")
EVERYTHING = Capabilities(
    seed=True, images=True, prompt_cache=True, reasoning_efforts=EFFORTS, stream_usage=True
)

words = st.text(min_size=1, max_size=40)
names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,11}", fullmatch=True)
seals = st.binary(max_size=6).map(lambda content: content.hex())
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
objects = st.dictionaries(words, values, max_size=3)
schemas = st.sampled_from(
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"type": "object", "properties": {}, "additionalProperties": False},
        {"type": "array", "items": {"type": "integer", "minimum": 3}},
    ]
)
images = st.builds(
    Image,
    st.sampled_from(["image/png", "image/jpeg", "image/webp"]),
    st.binary(min_size=1, max_size=20),
)
thoughts = st.builds(Reasoning, words, seals) | st.builds(Reasoning, redacted=words)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    messages: list[Message] = []
    calls: list[ToolCall] = []
    for turn in range(draw(st.integers(1, 3))):
        results = [
            ToolResult(call.id, draw(words), call.name, draw(st.booleans())) for call in calls
        ]
        shown: list[Part] = [Text(draw(words)), *draw(st.lists(images, max_size=2))]
        user = tuple(results + (shown if not results or draw(st.booleans()) else []))
        messages.append(Message("user", user, draw(st.booleans())))
        calls = [
            ToolCall(f"call_{turn}_{place}", draw(names), draw(objects), draw(seals))
            for place in range(draw(st.integers(0, 2)))
        ]
        first = draw(st.lists(thoughts, max_size=1))
        messages.append(Message("assistant", (*first, Text(draw(words)), *calls)))
    return (*messages[: None if calls else -1], *([Message.user("and?")] if calls else []))


requests = st.builds(
    Request,
    messages=conversations(),
    model=names,
    system=st.just("") | words,
    system_is_stable=st.booleans(),
    tools=st.lists(st.builds(Tool, names, st.just("") | words, schemas), max_size=2).map(tuple),
    tool_choice=st.sampled_from(["auto", "none", "required", "look"]),
    max_tokens=st.none() | st.integers(1, 10**6),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    stop=st.lists(words, max_size=2).map(tuple),
    seed=st.none() | st.integers(0, 2**31),
    reasoning_effort=st.none() | st.sampled_from(EFFORTS),
    response_schema=st.none() | st.builds(ResponseSchema, names, schemas),
    is_stream=st.booleans(),
)


def carry(request: Request, keep: Callable[[Part], Part | None], **changes: Any) -> Request:
    """The request without the parts and marks that a format has no place for."""
    kept = [
        replace(
            message,
            parts=tuple(part for part in map(keep, message.parts) if part is not None),
            ends_stable_prefix=changes.get("marked", False) and message.ends_stable_prefix,
        )
        for message in request.messages
    ]
    changes.pop("marked", None)
    choice = request.tool_choice if request.tools else "auto"
    return replace(request, messages=tuple(kept), **{"tool_choice": choice} | changes)


def _named(request: Request) -> ResponseSchema | None:
    return request.response_schema and replace(request.response_schema, name="answer")


def carried_by_openai(request: Request) -> Request:
    def keep(part: Part) -> Part | None:
        match part:
            case Reasoning():
                return None
            case ToolCall():
                return replace(part, signature="")
            case ToolResult():
                return replace(part, is_error=False)
        return part

    return carry(request, keep, system_is_stable=False)


def carried_by_anthropic(request: Request) -> Request:
    def keep(part: Part) -> Part | None:
        if isinstance(part, Reasoning) and not part.signature and not part.redacted:
            return None
        return replace(part, signature="") if isinstance(part, ToolCall) else part

    effort = "low" if request.reasoning_effort == "minimal" else request.reasoning_effort
    forced = bool(request.tools) and request.tool_choice not in {"auto", "none"}
    thinks = effort not in {None, "none"} and not forced
    temperature = None if thinks or request.temperature is None else min(request.temperature, 1)
    schema = request.response_schema
    marks = 4 - bool(request.system_is_stable and (request.system or request.tools))
    marked = [place for place, turn in enumerate(request.messages) if turn.ends_stable_prefix]
    expected = carry(
        request,
        keep,
        marked=True,
        seed=None,
        system_is_stable=marks == 3,
        max_tokens=request.max_tokens or DEFAULT_MAX_TOKENS,
        temperature=temperature,
        top_p=None if thinks or temperature is not None else request.top_p,
        reasoning_effort=effort,
        response_schema=schema and ResponseSchema("answer", close_schema(schema.schema)),
        tools=tuple(
            replace(tool, parameters={"type": "object"} | tool.parameters) for tool in request.tools
        ),
    )
    assert len(marked) <= marks
    return expected


def carried_by_gemini(request: Request) -> Request:
    def keep(part: Part) -> Part | None:
        return None if isinstance(part, Reasoning) and part.redacted else part

    effort = {"none": "minimal", "max": "xhigh"}.get(request.reasoning_effort or "")
    return carry(
        request,
        keep,
        system_is_stable=False,
        reasoning_effort=effort or request.reasoning_effort,
        response_schema=_named(request),
    )


def carried_by_ollama(request: Request) -> Request:
    def keep(part: Part) -> Part | None:
        match part:
            case Reasoning(redacted=str(sealed)) if sealed:
                return None
            case Reasoning() | ToolCall():
                return replace(part, signature="")
            case ToolResult():
                return replace(part, is_error=False)
            case Image():
                return replace(part, media_type="image/png")
        return part

    return carry(
        request,
        keep,
        system_is_stable=False,
        tools=() if request.tool_choice == "none" else request.tools,
        tool_choice="auto",
        response_schema=_named(request),
    )


CARRIED = {
    "anthropic": carried_by_anthropic,
    "gemini": carried_by_gemini,
    "ollama": carried_by_ollama,
    "openai": carried_by_openai,
}


@pytest.mark.parametrize("name", FORMATS)
@given(request=requests)
@settings(max_examples=40, deadline=None)
def test_a_request_comes_back_as_it_went(name: str, request: Request) -> None:
    wire = get_wire(name)
    body = wire.encode_request(request, EVERYTHING)
    assert wire.decode_request(body, wire.request_path(request)) == CARRIED[name](request)

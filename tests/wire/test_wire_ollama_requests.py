"""Requests in Ollama's format, as they stand on the wire."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from koderz.errors import RequestRejectedError
from koderz.types import (
    Capabilities,
    Image,
    Message,
    Part,
    Reasoning,
    ReasoningEffort,
    Request,
    ResponseSchema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from koderz.wire import FormatError, get_wire

WIRE = get_wire("ollama")
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
REQUEST = Request(
    model="qwen",
    system="Be brief.",
    messages=(
        Message("user", (Text("See:"), Image("image/png", b"abc"))),
        Message("assistant", (Reasoning("Hm."), Text("I look."), ToolCall("c1", "look", {"a": 1}))),
        Message("user", (ToolResult("c1", "42"), Text("So?"))),
    ),
    tools=(Tool("look", "Looks.", SCHEMA), Tool("wait")),
    max_tokens=50,
    temperature=0.3,
    top_p=0.9,
    stop=("END",),
    seed=7,
    reasoning_effort="low",
    response_schema=ResponseSchema("found", SCHEMA),
)
BODY = {
    "model": "qwen",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "See:", "images": ["YWJj"]},
        {
            "role": "assistant",
            "content": "I look.",
            "thinking": "Hm.",
            "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": {"a": 1}}}],
        },
        {"role": "tool", "content": "42", "tool_name": "look", "tool_call_id": "c1"},
        {"role": "user", "content": "So?"},
    ],
    "stream": False,
    "tools": [
        {
            "type": "function",
            "function": {"name": "look", "description": "Looks.", "parameters": SCHEMA},
        },
        {"type": "function", "function": {"name": "wait"}},
    ],
    "think": True,
    "format": SCHEMA,
    "truncate": False,
    "options": {"num_predict": 50, "temperature": 0.3, "top_p": 0.9, "stop": ["END"], "seed": 7},
}
SWITCHED = Capabilities(seed=True, images=True, reasoning_efforts=("none", "medium"))
GRADED = Capabilities(seed=True, images=True, reasoning_efforts=("low", "medium", "high"))


def decode(**fields: Any) -> Request:
    return WIRE.decode_request(json.dumps({"model": "m", "messages": [], **fields}).encode())


def test_a_request_is_written_as_the_reference_has_it() -> None:
    request = msgspec.structs.replace(REQUEST, reasoning_effort="medium")
    assert json.loads(WIRE.encode_request(request, SWITCHED)) == BODY
    assert WIRE.request_path(REQUEST) == "/api/chat"


@pytest.mark.parametrize(
    ("effort", "capabilities", "think"),
    [
        ("none", SWITCHED, False),
        ("max", SWITCHED, True),
        ("none", GRADED, "low"),
        ("max", GRADED, "high"),
        ("high", Capabilities(), None),
        (None, SWITCHED, None),
    ],
)
def test_thinking_is_switched_or_graded_as_the_model_knows_it(
    effort: ReasoningEffort | None, capabilities: Capabilities, think: bool | str | None
) -> None:
    request = Request(model="m", messages=(), reasoning_effort=effort)
    assert json.loads(WIRE.encode_request(request, capabilities)).get("think") == think


@pytest.mark.parametrize(
    ("chars", "images", "max_tokens", "context"),
    [
        (100, 0, 50, None),
        (9_000, 0, None, None),
        (9_300, 0, None, 8192),
        (3_000, 0, 8_000, 16384),
        (3_000, 4, 100, 8192),
        (300_000, 0, 1_000, 131_072),
    ],
)
def test_the_context_is_asked_for_in_which_the_request_fits(
    chars: int, images: int, max_tokens: int | None, context: int | None
) -> None:
    parts: list[Part] = [Text("x" * chars), *[Image(data=b"x")] * images]
    request = Request(model="m", messages=(Message("user", tuple(parts)),), max_tokens=max_tokens)
    body = json.loads(WIRE.encode_request(request, SWITCHED))
    assert body.get("options", {}).get("num_ctx") == context
    assert body["truncate"] is False


def test_an_image_has_to_come_as_bytes() -> None:
    request = Request(messages=(Message("user", (Image(url="https://a/b.png"),)),))
    with pytest.raises(RequestRejectedError, match="bytes"):
        WIRE.encode_request(request, SWITCHED)


def test_tools_that_must_not_be_used_are_not_offered() -> None:
    request = msgspec.structs.replace(REQUEST, tool_choice="none")
    assert "tools" not in json.loads(WIRE.encode_request(request, SWITCHED))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"is_stream": True, "max_tokens": None, "reasoning_effort": None}),
        ({"stream": False}, {"is_stream": False}),
        ({"options": {"num_predict": -1, "num_ctx": 8192, "mirostat": 1}}, {"max_tokens": None}),
        ({"think": True}, {"reasoning_effort": "medium"}),
        ({"think": False}, {"reasoning_effort": "none"}),
        ({"think": "high"}, {"reasoning_effort": "high"}),
        ({"format": "json"}, {"response_schema": ResponseSchema("answer", {})}),
        ({"format": ""}, {"response_schema": None}),
        ({"messages": None, "keep_alive": "5m"}, {"messages": ()}),
    ],
)
def test_a_request_may_be_worded_in_several_ways(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    decoded = decode(**fields)
    assert {name: getattr(decoded, name) for name in expected} == expected


def test_calls_and_results_without_ids_are_matched() -> None:
    call = {"function": {"name": "f", "arguments": {}}}
    result = {"role": "tool", "content": "r", "tool_name": "f"}
    turns = [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        result,
        {"role": "assistant", "content": "", "tool_calls": [call, call]},
        result,
        result,
        {"role": "user", "content": "So?"},
    ]
    results = [
        part
        for message in decode(messages=turns).messages
        for part in message.parts
        if isinstance(part, ToolResult)
    ]
    assert [part.call_id for part in results] == ["call_0", "call_1", "call_2"]


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "narrator", "content": "x"}]},
        {"messages": [{"role": "user", "images": ["%"]}]},
        {"think": "hard"},
        {"format": 3},
        {"options": {"seed": "x"}},
    ],
)
def test_a_request_that_we_have_no_words_for_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        decode(**fields)

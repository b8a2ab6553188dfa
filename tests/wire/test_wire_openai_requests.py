"""Requests in OpenAI's format, as they stand on the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest

from koderz.types import (
    Capabilities,
    Image,
    Message,
    Reasoning,
    Request,
    ResponseSchema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from koderz.wire import FormatError, get_wire

WIRE = get_wire("openai")
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
REQUEST = Request(
    model="gpt-x",
    system="Be brief.",
    messages=(
        Message("user", (Text("See:"), Image("image/png", b"abc"), Image(url="https://a/b.png"))),
        Message("assistant", (Reasoning("Hm."), ToolCall("c1", "look", {"path": "a"}))),
        Message("user", (ToolResult("c1", "42"), Text("So?"))),
        Message.assistant("It is 42."),
    ),
    tools=(Tool("look", "Looks.", SCHEMA), Tool("wait")),
    tool_choice="look",
    max_tokens=50,
    temperature=0.3,
    top_p=0.9,
    stop=("END",),
    seed=7,
    reasoning_effort="low",
    response_schema=ResponseSchema("found", SCHEMA | {"additionalProperties": False}),
    is_stream=True,
)
BODY = {
    "model": "gpt-x",
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,YWJj"}},
                {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
            ],
        },
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "look", "arguments": '{"path":"a"}'},
                }
            ],
        },
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
        {"role": "user", "content": "So?"},
        {"role": "assistant", "content": "It is 42."},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "look", "description": "Looks.", "parameters": SCHEMA},
        },
        {"type": "function", "function": {"name": "wait"}},
    ],
    "tool_choice": {"type": "function", "function": {"name": "look"}},
    "max_completion_tokens": 50,
    "temperature": 0.3,
    "top_p": 0.9,
    "stop": ["END"],
    "seed": 7,
    "reasoning_effort": "low",
    "response_format": {
        "type": "json_schema",
        "json_schema": {
            "name": "found",
            "schema": SCHEMA | {"additionalProperties": False},
            "strict": True,
        },
    },
    "stream": True,
    "stream_options": {"include_usage": True},
}
CAPABILITIES = Capabilities(
    seed=True,
    images=True,
    reasoning_efforts=("low", "high"),
    max_tokens_field="max_completion_tokens",
    system_role="developer",
)


def test_a_request_is_written_as_the_reference_has_it() -> None:
    assert json.loads(WIRE.encode_request(REQUEST, CAPABILITIES)) == BODY
    assert WIRE.request_path(REQUEST) == "/chat/completions"


def test_a_request_is_bent_for_hosts_that_know_other_fields() -> None:
    plain = Capabilities(seed=True, images=True, stream_usage=False)
    body = json.loads(WIRE.encode_request(REQUEST, plain))
    assert body["max_tokens"] == 50
    assert body["messages"][0]["role"] == "system"
    assert body.keys().isdisjoint({"max_completion_tokens", "stream_options", "reasoning_effort"})


def test_an_open_schema_is_sent_without_strictness() -> None:
    request = Request(messages=(), response_schema=ResponseSchema("found", SCHEMA))
    sent = json.loads(WIRE.encode_request(request, Capabilities()))["response_format"]
    assert sent["json_schema"] == {"name": "found", "schema": SCHEMA}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"stop": "END"}, {"stop": ("END",)}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 6}, {"max_tokens": 6}),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        ({"response_format": {"type": "text"}}, {"response_schema": None}),
        (
            {"response_format": {"type": "json_object"}},
            {"response_schema": ResponseSchema("answer", {"type": "object"})},
        ),
        ({"n": 1, "user": "u", "unknown": {}}, {"max_tokens": None}),
    ],
)
def test_a_request_may_be_worded_in_several_ways(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    decoded = WIRE.decode_request(json.dumps({"model": "m", "messages": [], **fields}).encode())
    assert {name: getattr(decoded, name) for name in expected} == expected


def test_turns_are_read_whatever_form_their_content_has() -> None:
    turns = [
        {"role": "system", "content": [{"type": "text", "text": "One."}]},
        {"role": "user", "content": "Hi."},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "Hm.",
            "tool_calls": [{"function": {"name": "f", "arguments": ""}, "type": "function"}],
        },
        {"role": "tool", "tool_call_id": "call_0", "content": [{"type": "text", "text": "r"}]},
        {"role": "developer", "content": "Two."},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
    ]
    decoded = WIRE.decode_request(json.dumps({"model": "m", "messages": turns}).encode())
    assert decoded.system == "One.\n\nTwo."
    assert decoded.messages == (
        Message.user("Hi."),
        Message("assistant", (Reasoning("Hm."), ToolCall("call_0", "f", {}))),
        Message("user", (ToolResult("call_0", "r", "f"),)),
        Message.assistant("No."),
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "narrator", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]},
        {"tools": [{"type": "custom", "function": {"name": "f"}}]},
        {"tool_choice": "sometimes"},
        {"tool_choice": {"type": "allowed_tools"}},
        {"response_format": {"type": "json_schema"}},
        {"reasoning_effort": "enormous"},
        {"max_tokens": "many"},
    ],
)
def test_a_request_that_we_have_no_words_for_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        WIRE.decode_request(json.dumps({"model": "m", "messages": [], **fields}).encode())

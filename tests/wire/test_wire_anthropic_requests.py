"""Requests in Anthropic's format, as they stand on the wire."""

from __future__ import annotations

import json
from typing import Any

import msgspec
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

WIRE = get_wire("anthropic")
MARK = {"cache_control": {"type": "ephemeral"}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "additionalProperties": False,
}
REQUEST = Request(
    model="claude-x",
    system="Be brief.",
    system_is_stable=True,
    messages=(
        Message("user", (Text("See:"), Image("image/png", b"abc"), Image(url="https://a/b.png"))),
        Message(
            "assistant",
            (
                Reasoning("Hm.", "seal"),
                Reasoning(redacted="hidden"),
                Reasoning("unsealed"),
                Text(""),
                ToolCall("c1", "look", {}),
            ),
            ends_stable_prefix=True,
        ),
        Message("user", (Text("So?"), ToolResult("c1", "42", "look", is_error=True))),
    ),
    tools=(Tool("look", "Looks.", SCHEMA), Tool("wait")),
    tool_choice="none",
    temperature=1.5,
    top_p=0.9,
    stop=("END",),
    seed=7,
    response_schema=ResponseSchema("found", SCHEMA),
    is_stream=True,
)
BODY = {
    "model": "claude-x",
    "max_tokens": 8192,
    "system": [{"type": "text", "text": "Be brief.", **MARK}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See:"},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "YWJj"},
                },
                {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "seal"},
                {"type": "redacted_thinking", "data": "hidden"},
                {"type": "tool_use", "id": "c1", "name": "look", "input": {}, **MARK},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "42", "is_error": True},
                {"type": "text", "text": "So?"},
            ],
        },
    ],
    "tools": [
        {"name": "look", "description": "Looks.", "input_schema": SCHEMA},
        {"name": "wait", "input_schema": {"type": "object"}},
    ],
    "tool_choice": {"type": "none"},
    "temperature": 1.0,
    "stop_sequences": ["END"],
    "output_config": {"format": {"type": "json_schema", "schema": CLOSED}},
    "stream": True,
}
CAPABILITIES = Capabilities(
    images=True, prompt_cache=True, reasoning_efforts=("none", "low", "medium", "high")
)


def encode(request: Request, capabilities: Capabilities = CAPABILITIES) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(WIRE.encode_request(request, capabilities))
    return body


def decode(**fields: Any) -> Request:
    body = {"model": "m", "max_tokens": 1, "messages": [], **fields}
    return WIRE.decode_request(json.dumps(body).encode())


def test_a_request_is_written_as_the_reference_has_it() -> None:
    assert encode(REQUEST) == BODY
    assert WIRE.request_path(REQUEST) == "/v1/messages"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"temperature": 0.4}, {"temperature": 0.4, "top_p": None, "thinking": None}),
        ({"temperature": None}, {"temperature": None, "top_p": 0.9}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        (
            {"reasoning_effort": "none", "response_schema": None},
            {"thinking": {"type": "disabled"}, "output_config": None, "temperature": 1.0},
        ),
        (
            {"reasoning_effort": "high", "response_schema": None},
            {
                "thinking": {"type": "adaptive"},
                "output_config": {"effort": "high"},
                "temperature": None,
                "top_p": None,
            },
        ),
        (
            {"reasoning_effort": "xhigh", "tool_choice": "required", "response_schema": None},
            {
                "thinking": None,
                "output_config": {"effort": "high"},
                "tool_choice": {"type": "any"},
                "temperature": 1.0,
            },
        ),
        ({"tool_choice": "look"}, {"tool_choice": {"type": "tool", "name": "look"}}),
        ({"tool_choice": "look", "tools": ()}, {"tool_choice": None, "tools": None}),
    ],
)
def test_a_request_holds_only_what_goes_together(
    changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    body = encode(msgspec.structs.replace(REQUEST, **changes))
    assert {name: body.get(name) for name in expected} == expected


def marks(body: dict[str, Any]) -> list[str]:
    """Where the cache marks are: s for the system, t for a tool, the turn's number for others."""
    system = ["s" for block in body.get("system", ()) if "cache_control" in block]
    tools = ["t" for tool in body.get("tools", ()) if "cache_control" in tool]
    turns = [
        str(place)
        for place, turn in enumerate(body["messages"])
        for block in turn["content"]
        if "cache_control" in block
    ]
    return system + tools + turns


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "s345"),
        ({"system": ""}, "t345"),
        ({"system": "", "tools": ()}, "2345"),
        ({"system_is_stable": False}, "2345"),
    ],
)
def test_at_most_four_cache_marks_stand_on_the_last_stable_turns(
    changes: dict[str, Any], expected: str
) -> None:
    stable = tuple(Message.user(str(place), ends_stable_prefix=True) for place in range(6))
    request = msgspec.structs.replace(REQUEST, messages=stable, **changes)
    assert "".join(marks(encode(request))) == expected
    unmarked = Capabilities(images=True)
    assert marks(encode(request, unmarked)) == []


def test_a_request_is_read_back_with_names_and_marks() -> None:
    decoded = WIRE.decode_request(json.dumps(BODY).encode())
    assert decoded.system == "Be brief."
    assert decoded.system_is_stable
    assert [message.ends_stable_prefix for message in decoded.messages] == [False, True, False]
    assert decoded.messages[2].parts == (
        ToolResult("c1", "42", "look", is_error=True),
        Text("So?"),
    )
    assert decoded.tools[0] == REQUEST.tools[0]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"system": "One."}, {"system": "One.", "system_is_stable": False}),
        (
            {
                "system": [{"type": "text", "text": "One."}],
                "messages": [{"role": "system", "content": "Two."}],
            },
            {"system": "One.\n\nTwo.", "messages": ()},
        ),
        ({"messages": [{"role": "user", "content": "Hi."}]}, {"messages": (Message.user("Hi."),)}),
        ({"tool_choice": {"type": "any"}}, {"tool_choice": "required"}),
        ({"tool_choice": {"type": "tool", "name": "look"}}, {"tool_choice": "look"}),
        ({"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"}),
        ({"thinking": {"type": "adaptive"}}, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, {"reasoning_effort": "medium"}),
        ({"output_config": {"effort": "max"}}, {"reasoning_effort": "max"}),
        ({"metadata": {"user_id": "u"}, "top_k": 4}, {"reasoning_effort": None}),
    ],
)
def test_a_request_may_be_worded_in_several_ways(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    decoded = decode(**fields)
    assert {name: getattr(decoded, name) for name in expected} == expected


def test_a_tool_result_of_blocks_is_read_as_text() -> None:
    content = [{"type": "text", "text": "It: "}, {"type": "image", "source": {}}]
    block = {"type": "tool_result", "tool_use_id": "c", "content": content}
    decoded = decode(messages=[{"role": "user", "content": [block]}])
    assert decoded.messages[0].parts == (ToolResult("c", "It: [image]"),)


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "narrator", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "document"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image", "source": 3}]}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "image", "source": {"type": "file"}}]}
            ]
        },
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a"}]}]},
        {"system": [{"type": "image"}]},
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"tool_choice": {"type": "tool"}},
        {"tool_choice": {"type": "sometimes"}},
        {"max_tokens": None},
    ],
)
def test_a_request_that_we_have_no_words_for_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        decode(**fields)

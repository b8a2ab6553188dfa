"""Requests in Gemini's format, as they stand on the wire."""

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
from koderz.wire.fitting import EFFORTS

WIRE = get_wire("gemini")
PATH = "/v1beta/models/gemini-3-pro:generateContent"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
REQUEST = Request(
    model="models/gemini-3-pro",
    system="Be brief.",
    messages=(
        Message(
            "user", (Text("See:"), Image("image/png", b"abc"), Image("image/gif", url="gs://a"))
        ),
        Message("assistant", (Reasoning("Hm."), Text("I look."), Reasoning(signature="c2VhbA=="))),
        Message(
            "assistant", (Reasoning(redacted="x"), ToolCall("c1", "look", {"a": 1}, "c2VhbA=="))
        ),
        Message("user", (ToolResult("c1", "42"), ToolResult("c2", "no", is_error=True))),
    ),
    tools=(Tool("look", "Looks.", SCHEMA), Tool("wait")),
    tool_choice="look",
    max_tokens=50,
    temperature=0.3,
    top_p=0.9,
    stop=("END",),
    seed=7,
    reasoning_effort="low",
    response_schema=ResponseSchema("found", SCHEMA),
)
BODY = {
    "contents": [
        {
            "role": "user",
            "parts": [
                {"text": "See:"},
                {"inlineData": {"mimeType": "image/png", "data": "YWJj"}},
                {"fileData": {"mimeType": "image/gif", "fileUri": "gs://a"}},
            ],
        },
        {
            "role": "model",
            "parts": [
                {"text": "Hm.", "thought": True},
                {"text": "I look."},
                {"text": "", "thoughtSignature": "c2VhbA=="},
            ],
        },
        {
            "role": "model",
            "parts": [
                {
                    "functionCall": {"id": "c1", "name": "look", "args": {"a": 1}},
                    "thoughtSignature": "c2VhbA==",
                }
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "c1", "name": "look", "response": {"output": "42"}}},
                {"functionResponse": {"id": "c2", "name": "c2", "response": {"error": "no"}}},
            ],
        },
    ],
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "tools": [
        {
            "functionDeclarations": [
                {"name": "look", "description": "Looks.", "parametersJsonSchema": SCHEMA},
                {"name": "wait"},
            ]
        }
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
    "generationConfig": {
        "temperature": 0.3,
        "topP": 0.9,
        "maxOutputTokens": 50,
        "stopSequences": ["END"],
        "seed": 7,
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
        "thinkingConfig": {"thinkingLevel": "LOW"},
    },
}
UPPER_SCHEMA = {"type": "OBJECT"}
CAPABILITIES = Capabilities(seed=True, images=True, reasoning_efforts=EFFORTS)


def decode(path: str = PATH, **fields: Any) -> Request:
    return WIRE.decode_request(json.dumps({"contents": [], **fields}).encode(), path)


def test_a_request_is_written_as_the_reference_has_it() -> None:
    assert json.loads(WIRE.encode_request(REQUEST, CAPABILITIES)) == BODY
    assert WIRE.request_path(REQUEST) == PATH
    streamed = Request(model="a b", messages=(), is_stream=True)
    assert WIRE.request_path(streamed) == "/v1beta/models/a%20b:streamGenerateContent?alt=sse"


@pytest.mark.parametrize(
    ("model", "effort", "config"),
    [
        ("gemini-3-pro", "none", {"thinkingLevel": "MINIMAL"}),
        ("gemini-3-pro", "max", {"thinkingLevel": "XHIGH"}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-flash", "minimal", {"thinkingBudget": 1024}),
        ("gemini-2.5-flash", "medium", {"thinkingBudget": 8192}),
        ("gemini-2.5-flash", "max", {"thinkingBudget": 24576}),
    ],
)
def test_effort_is_a_level_or_for_older_models_a_budget(
    model: str, effort: Any, config: dict[str, Any]
) -> None:
    request = Request(model=model, messages=(), reasoning_effort=effort)
    body = json.loads(WIRE.encode_request(request, CAPABILITIES))
    assert body["generationConfig"]["thinkingConfig"] == config


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"model": "gemini-3-pro", "is_stream": False, "max_tokens": None}),
        ({"toolConfig": {"functionCallingConfig": {"mode": "any"}}}, {"tool_choice": "required"}),
        ({"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}}, {"tool_choice": "none"}),
        ({"toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}}, {"tool_choice": "auto"}),
        (
            {"generationConfig": {"responseMimeType": "application/json"}},
            {"response_schema": ResponseSchema("answer", {})},
        ),
        (
            {
                "generationConfig": {
                    "responseSchema": {"type": "ARRAY", "items": {"type": "STRING"}}
                }
            },
            {
                "response_schema": ResponseSchema(
                    "answer", {"type": "array", "items": {"type": "string"}}
                )
            },
        ),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parameters": UPPER_SCHEMA}]}]},
            {"tools": (Tool("f", "", {"type": "object"}),)},
        ),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}},
            {"reasoning_effort": None},
        ),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HIGH"}}},
            {"reasoning_effort": "high"},
        ),
        ({"contents": [{"parts": [{"text": "Hi."}]}]}, {"messages": (Message.user("Hi."),)}),
        ({"safetySettings": [], "cachedContent": "x"}, {"messages": ()}),
    ],
)
def test_a_request_may_be_worded_in_several_ways(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    decoded = decode(**fields)
    assert {name: getattr(decoded, name) for name in expected} == expected


def test_calls_and_results_without_ids_are_matched() -> None:
    calls = [{"functionCall": {"name": "f"}}, {"functionCall": {"name": "f", "args": {"a": 1}}}]
    results = [
        {"functionResponse": {"name": "f", "response": {"result": "one"}}},
        {"functionResponse": {"name": "f", "response": {"x": 2}}},
    ]
    decoded = decode(
        contents=[{"role": "model", "parts": calls}, {"role": "user", "parts": results}]
    )
    assert decoded.messages == (
        Message("assistant", (ToolCall("call_0", "f", {}), ToolCall("call_1", "f", {"a": 1}))),
        Message("user", (ToolResult("call_0", "one", "f"), ToolResult("call_1", '{"x":2}', "f"))),
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "/v1beta/models"},
        {"path": "/v1beta/models/m:countTokens"},
        {"contents": [{"role": "narrator", "parts": []}]},
        {"contents": [{"role": "user", "parts": [{"executableCode": {}}]}]},
        {"contents": [{"role": "user", "parts": [{"inlineData": {"data": "%"}}]}]},
        {"tools": [{"googleSearch": {}}]},
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": ["x"]}]}]},
        {"generationConfig": {"responseJsonSchema": True}},
    ],
)
def test_a_request_that_we_have_no_words_for_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        decode(**fields)

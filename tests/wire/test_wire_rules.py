"""The rules that all formats share: what fits a model, what errors mean, what schemas may say."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest

from koderz.errors import (
    AuthenticationError,
    ContextLengthError,
    ModelNotFoundError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitError,
    RequestRejectedError,
    ServerError,
)
from koderz.types import (
    Capabilities,
    Image,
    Message,
    Part,
    ReasoningEffort,
    Request,
    ResponseSchema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from koderz.wire import Wire, WireError, build_error, get_wire
from koderz.wire.calls import OpenCalls, name_results
from koderz.wire.codec import parse_image_url
from koderz.wire.faults import FormatError
from koderz.wire.fitting import effort_of_budget, fit_effort
from koderz.wire.schemas import close_schema, is_strict

FORMATS = ("anthropic", "gemini", "ollama", "openai")
BARE = Capabilities(
    temperature=False, top_p=False, stop=False, seed=False, tools=False, json_schema=False
)
OPEN_SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED_SCHEMA = OPEN_SCHEMA | {"required": ["a"], "additionalProperties": False}


def test_every_format_offers_the_same_names() -> None:
    names = [import_module(f"koderz.wire.{name}").__all__ for name in FORMATS]
    assert len({tuple(offered) for offered in names}) == 1
    offered = {name for name in Wire.__dict__ if not name.startswith("_")}
    assert offered | Wire.__annotations__.keys() == set(names[0])


@pytest.mark.parametrize("name", FORMATS)
def test_what_only_steers_is_left_out_where_it_would_be_refused(name: str) -> None:
    request = Request(
        model="m",
        messages=(Message.user("Hi."),),
        max_tokens=10,
        temperature=0.5,
        top_p=0.5,
        stop=("x",),
        seed=1,
        reasoning_effort="high",
        response_schema=ResponseSchema("s", CLOSED_SCHEMA),
    )
    plain = Request(model="m", messages=(Message.user("Hi."),), max_tokens=10)
    wire = get_wire(name)
    assert wire.encode_request(request, BARE) == wire.encode_request(plain, BARE)
    assert wire.encode_request(request, BARE) != wire.encode_request(request, Capabilities())


REFUSED: list[tuple[str, Message, tuple[Tool, ...], Capabilities]] = [
    ("images", Message("user", (Image(data=b"x"),)), (), Capabilities()),
    ("tools", Message.user("Hi."), (Tool("f"),), BARE),
    ("Image", Message("assistant", (Image(data=b"x"),)), (), Capabilities(images=True)),
    ("ToolResult", Message("assistant", (ToolResult("c", "x"),)), (), Capabilities()),
    ("ToolCall", Message("user", (ToolCall("c", "f", {}),)), (), Capabilities()),
    ("surrogate", Message.user("\ud800"), (), Capabilities()),
]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("word", "message", "tools", "capabilities"), REFUSED)
def test_what_the_question_needs_is_rejected_before_it_is_sent(
    name: str, word: str, message: Message, tools: tuple[Tool, ...], capabilities: Capabilities
) -> None:
    request = Request(model="m", messages=(message,), tools=tools)
    with pytest.raises(RequestRejectedError, match=word):
        get_wire(name).encode_request(request, capabilities)


@pytest.mark.parametrize(
    ("effort", "known", "expected"),
    [
        (None, ("low", "high"), None),
        ("high", (), None),
        ("high", ("low", "high"), "high"),
        ("none", ("low", "medium", "high"), "low"),
        ("max", ("low", "medium", "high"), "high"),
        ("medium", ("low", "high"), "low"),
        ("minimal", ("none", "high"), "none"),
    ],
)
def test_an_effort_becomes_the_nearest_known_one(
    effort: ReasoningEffort | None,
    known: tuple[ReasoningEffort, ...],
    expected: ReasoningEffort | None,
) -> None:
    assert fit_effort(effort, known) == expected


def test_a_thinking_budget_stands_for_a_level() -> None:
    levels = [effort_of_budget(budget) for budget in (0, 1, 1024, 1025, 8192, 30_000)]
    assert levels == ["none", "low", "low", "medium", "medium", "high"]


ERRORS: list[tuple[str, WireError, type[ProviderError]]] = [
    (
        '{"error":{"message":"Too long.","type":"bad","code":"context_length_exceeded"}}',
        WireError("Too long.", "bad", "context_length_exceeded"),
        ContextLengthError,
    ),
    (
        '{"error":{"code":429,"message":"Slow down.","status":"RESOURCE_EXHAUSTED"}}',
        WireError("Slow down.", "RESOURCE_EXHAUSTED", "429"),
        RateLimitError,
    ),
    (
        '[{"error":{"code":504,"message":"Late.","status":"DEADLINE_EXCEEDED"}}]',
        WireError("Late.", "DEADLINE_EXCEEDED", "504"),
        ProviderTimeoutError,
    ),
    (
        '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        WireError("Overloaded", "overloaded_error"),
        ServerError,
    ),
    (
        '{"object":"error","message":"no such model","type":"NotFoundError","code":404}',
        WireError("no such model", "NotFoundError", "404"),
        ModelNotFoundError,
    ),
    ('{"error":"model \\"m\\" not found"}', WireError('model "m" not found'), ServerError),
    (
        '{"error":{"code":401,"message":"No key."}}',
        WireError("No key.", "", "401"),
        AuthenticationError,
    ),
    ('{"detail":[{"msg":"bad"}]}', WireError('[{"msg":"bad"}]'), ServerError),
    ('"words"', WireError("words"), ServerError),
    ("<h1>Bad\n gateway</h1>", WireError("<h1>Bad gateway</h1>"), ServerError),
    ("", WireError(""), ServerError),
    ("x" * 999, WireError("x" * 297 + "..."), ServerError),
]


@pytest.mark.parametrize(("body", "expected", "kind"), ERRORS)
@pytest.mark.parametrize("name", FORMATS)
def test_an_error_body_of_any_shape_is_read(
    name: str, body: str, expected: WireError, kind: type[ProviderError]
) -> None:
    stated = get_wire(name).decode_error(body.encode())
    assert stated == expected
    assert type(build_error(stated)) is kind
    assert build_error(stated).message


@pytest.mark.parametrize(
    ("name", "status", "kind", "fields"),
    [
        ("openai", 429, "", {"type": "rate_limit_error", "code": "rate_limit_exceeded"}),
        ("openai", 502, "", {"type": "server_error", "code": None}),
        ("openai", 400, "odd", {"type": "odd"}),
        ("anthropic", 529, "", {"type": "overloaded_error"}),
        ("anthropic", 418, "", {"type": "invalid_request_error"}),
        ("gemini", 503, "", {"status": "UNAVAILABLE", "code": 503}),
        ("gemini", 400, "ODD", {"status": "ODD", "code": 400}),
    ],
)
def test_an_error_is_written_in_the_formats_words(
    name: str, status: int, kind: str, fields: dict[str, Any]
) -> None:
    wire = get_wire(name)
    body = wire.encode_error(status, "No.", kind)
    assert json.loads(body)["error"].items() >= fields.items()
    assert wire.decode_error(body).message == "No."


def test_ollama_states_an_error_in_one_sentence() -> None:
    assert get_wire("ollama").encode_error(404, "No.") == b'{"error":"No."}'


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (CLOSED_SCHEMA, True),
        (OPEN_SCHEMA, False),
        (CLOSED_SCHEMA | {"required": []}, False),
        (CLOSED_SCHEMA | {"properties": {"a": {"type": "string", "minLength": 3}}}, False),
        ({"type": "array", "items": CLOSED_SCHEMA}, True),
        ({"type": "array", "items": OPEN_SCHEMA}, False),
        ({"anyOf": [{"type": "string"}, OPEN_SCHEMA]}, False),
        ({"$defs": {"a": CLOSED_SCHEMA}, "$ref": "#/$defs/a"}, True),
        (CLOSED_SCHEMA | {"required": 3}, False),
        (CLOSED_SCHEMA | {"properties": 3, "anyOf": 3, "items": 3}, False),
    ],
)
def test_a_schema_is_strict_only_where_openai_can_hold_it(
    schema: dict[str, Any], expected: bool
) -> None:
    assert is_strict(schema) is expected


def test_a_schema_is_closed_at_every_depth_and_loses_its_limits() -> None:
    deep = {
        "type": "object",
        "properties": {"minimum": {"type": "integer", "minimum": 1}, "a": OPEN_SCHEMA},
        "anyOf": [{"type": "array", "minItems": 1, "maxItems": 3, "items": OPEN_SCHEMA}],
    }
    closed = OPEN_SCHEMA | {"additionalProperties": False}
    assert close_schema(deep) == {
        "type": "object",
        "properties": {"minimum": {"type": "integer"}, "a": closed},
        "anyOf": [{"type": "array", "minItems": 1, "items": closed}],
        "additionalProperties": False,
    }


def test_results_are_named_after_the_latest_call_of_their_id() -> None:
    def turn(name: str) -> tuple[Message, Message]:
        parts: tuple[Part, ...] = (Text("."), ToolCall("c", name, {}))
        return Message("assistant", parts), Message("user", (ToolResult("c", "r"),))

    named = name_results([*turn("first"), *turn("second")])
    results = [part for turn in named for part in turn.parts if isinstance(part, ToolResult)]
    assert [part.name for part in results] == ["first", "second"]


def test_calls_without_ids_are_matched_by_name_and_order() -> None:
    calls = OpenCalls()
    made = [calls.call("f", None), calls.call("g", None), calls.call("f", None)]
    assert made == ["call_0", "call_1", "call_2"]
    assert [calls.result(name, None) for name in ("f", "f", "g", "h")] == [
        "call_0", "call_2", "call_1", "h"
    ]  # fmt: skip


@pytest.mark.parametrize("url", ["data:image/png,raw", "data:image/png;base64", "data:;base64,%%"])
def test_a_data_url_that_holds_no_base64_is_a_format_error(url: str) -> None:
    with pytest.raises(FormatError):
        parse_image_url(url)


def test_a_data_url_may_use_either_alphabet() -> None:
    assert parse_image_url("data:image/gif;base64,-_8=") == Image("image/gif", b"\xfb\xff")
    assert parse_image_url("data:image/gif;base64,+/8=") == Image("image/gif", b"\xfb\xff")


def test_an_unknown_format_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="anthropic, gemini, ollama or openai"):
        get_wire("bedrock")

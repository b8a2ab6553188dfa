"""Answers and streams in Anthropic's format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from koderz.errors import (
    AuthenticationError,
    MalformedResponseError,
    ProviderError,
    RateLimitError,
    ServerError,
)
from koderz.types import Completion, Delta, FinishReason, Part, Reasoning, Text, ToolCall, Usage
from koderz.wire import get_wire
from koderz.wire.anthropic import StreamDecoder, StreamEncoder
from koderz.wire.framing import EventReader

WIRE = get_wire("anthropic")


def answer(*blocks: dict[str, Any], **fields: Any) -> bytes:
    head = {"id": "i", "type": "message", "role": "assistant", "model": "m"}
    return json.dumps({**head, "content": blocks, "stop_reason": "end_turn", **fields}).encode()


ANSWERS: list[tuple[bytes, tuple[Part, ...], FinishReason]] = [
    (answer({"type": "text", "text": "Hi."}), (Text("Hi."),), FinishReason.STOP),
    (answer(), (), FinishReason.STOP),
    (
        answer(
            {"type": "thinking", "thinking": "Hm.", "signature": "seal"},
            {"type": "redacted_thinking", "data": "hidden"},
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": {"error": "x"}},
            {"type": "text", "text": "Hi.", "citations": [{"type": "page_location"}]},
        ),
        (Reasoning("Hm.", "seal"), Reasoning(redacted="hidden"), Text("Hi.")),
        FinishReason.STOP,
    ),
    (
        answer(
            {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}, stop_reason="tool_use"
        ),
        (ToolCall("c", "f", {"a": 1}),),
        FinishReason.TOOL_CALLS,
    ),
    (
        answer({"type": "tool_use", "id": "c", "name": "f", "input": {}}),
        (ToolCall("c", "f", {}),),
        FinishReason.TOOL_CALLS,
    ),
]


@pytest.mark.parametrize(("body", "parts", "finish"), ANSWERS)
def test_answers_are_read(body: bytes, parts: tuple[Part, ...], finish: FinishReason) -> None:
    completion = WIRE.decode_response(body)
    assert (completion.parts, completion.finish) == (parts, finish)
    assert (completion.model, completion.id) == ("m", "i")
    assert completion.usage == Usage(is_estimated=True)


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("refusal", FinishReason.CONTENT_FILTER),
        ("pause_turn", FinishReason.OTHER),
        ("something_new", FinishReason.OTHER),
        (None, FinishReason.OTHER),
    ],
)
def test_finish_reasons_are_read(word: str | None, finish: FinishReason) -> None:
    assert WIRE.decode_response(answer(stop_reason=word)).finish is finish


def test_usage_keeps_its_classes() -> None:
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": None,
        "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 40},
        "service_tier": "standard",
    }
    assert WIRE.decode_response(answer(usage=usage)).usage == Usage(
        input_tokens=10, cache_read_tokens=60, output_tokens=50, reasoning_tokens=40
    )


@pytest.mark.parametrize("kind", ["text", "thinking", "redacted_thinking", "tool_use"])
def test_a_block_that_lacks_what_it_is_for_is_malformed(kind: str) -> None:
    with pytest.raises(MalformedResponseError, match=kind):
        WIRE.decode_response(answer({"type": kind}))


def stream(*events: dict[str, Any]) -> bytes:
    return "".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events
    ).encode()


def start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def piece(index: int, kind: str, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


BEGIN = {
    "type": "message_start",
    "message": {
        "id": "i",
        "model": "m",
        "content": [],
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1},
    },
}
END: list[dict[str, Any]] = [
    {
        "type": "message_delta",
        "delta": {"stop_reason": "max_tokens", "stop_sequence": None},
        "usage": {"output_tokens": 20, "input_tokens": None},
    },
    {"type": "message_stop"},
]


def test_a_stream_gives_pieces_and_then_the_whole() -> None:
    decoder = StreamDecoder()
    deltas = decoder.feed(
        stream(
            BEGIN,
            {"type": "ping"},
            start(0, type="thinking", thinking="", signature=""),
            piece(0, "thinking_delta", thinking="Hm."),
            piece(0, "signature_delta", signature="seal"),
            stop(0),
            start(1, type="redacted_thinking", data="hidden"),
            stop(1),
            start(2, type="text", text=""),
            piece(2, "text_delta", text="It is "),
            piece(2, "citations_delta", citation={}),
            piece(2, "text_delta", text="42."),
            stop(2),
            start(3, type="server_tool_use", id="s", name="web_search", input={}),
            piece(3, "input_json_delta", partial_json='{"query"'),
            stop(3),
            start(4, type="tool_use", id="c", name="f", input={}),
            piece(4, "input_json_delta", partial_json=""),
            piece(4, "input_json_delta", partial_json='{"a":'),
            piece(4, "input_json_delta", partial_json="1}"),
            stop(4),
            start(5, type="tool_use", id="d", name="g", input={}),
            stop(5),
            {"type": "something_new"},
            *END,
        )
    )
    assert deltas == [
        Delta(reasoning="Hm."),
        Delta(signature="seal"),
        Delta(redacted="hidden"),
        Delta(text="It is "),
        Delta(text="42."),
        Delta(tool_index=0, tool_id="c", tool_name="f"),
        Delta(tool_index=0, tool_arguments='{"a":'),
        Delta(tool_index=0, tool_arguments="1}"),
        Delta(tool_index=1, tool_id="d", tool_name="g"),
    ]
    assert decoder.completion() == Completion(
        model="m",
        id="i",
        parts=(
            Reasoning("Hm.", "seal"),
            Reasoning(redacted="hidden"),
            Text("It is 42."),
            ToolCall("c", "f", {"a": 1}),
            ToolCall("d", "g", {}),
        ),
        finish=FinishReason.LENGTH,
        usage=Usage(input_tokens=10, cache_read_tokens=5, output_tokens=20),
    )


def test_blocks_that_come_whole_are_read() -> None:
    decoder = StreamDecoder()
    whole = start(1, type="tool_use", id="c", name="f", input={"a": 1})
    decoder.feed(stream(BEGIN, start(0, type="text", text="Hi."), whole, *END))
    assert decoder.completion().parts == (Text("Hi."), ToolCall("c", "f", {"a": 1}))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("overloaded_error", ServerError),
        ("api_error", ServerError),
        ("rate_limit_error", RateLimitError),
        ("authentication_error", AuthenticationError),
        ("something_new", ServerError),
    ],
)
def test_an_error_in_a_stream_is_raised(kind: str, expected: type[ProviderError]) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "It broke."}}
    with pytest.raises(expected, match="It broke"):
        StreamDecoder().feed(stream(BEGIN, error))


@pytest.mark.parametrize("events", [[], [BEGIN], [BEGIN, END[0]], END])
def test_a_stream_without_its_start_or_end_is_malformed(events: list[dict[str, Any]]) -> None:
    decoder = StreamDecoder()
    decoder.feed(stream(*events))
    with pytest.raises(MalformedResponseError, match="ended before"):
        decoder.completion()


def test_a_borrowed_format_may_leave_out_the_first_event() -> None:
    decoder = StreamDecoder()
    decoder.feed(stream(start(0, type="text", text="Hi."), *END))
    assert decoder.completion().parts == (Text("Hi."),)


def test_a_stream_is_written_block_by_block() -> None:
    encoder = StreamEncoder(
        Completion(model="m", parts=(), id="i", usage=Usage(input_tokens=3, output_tokens=4))
    )
    deltas = [
        Delta(reasoning="Hm."),
        Delta(signature="seal"),
        Delta(text="a"),
        Delta(text="b"),
        Delta(tool_index=0, tool_id="c", tool_name="f", tool_arguments="{"),
        Delta(tool_index=1, tool_id="d", tool_name="g", tool_arguments="{}"),
        Delta(tool_index=0, tool_arguments="}"),
    ]
    sent = encoder.start() + b"".join(map(encoder.delta, deltas)) + encoder.finish()
    events = EventReader().feed(sent)
    bodies = [json.loads(event.content) for event in events]
    assert [event.name for event in events] == [body["type"] for body in bodies]
    told = [(body["type"].removeprefix("content_block_"), body.get("index")) for body in bodies]
    assert told == [
        ("message_start", None),
        *[("start", 0), ("delta", 0), ("delta", 0), ("stop", 0)],
        *[("start", 1), ("delta", 1), ("delta", 1), ("stop", 1)],
        *[("start", 2), ("delta", 2), ("stop", 2)],
        *[("start", 3), ("delta", 3), ("delta", 2), ("stop", 3)],
        ("message_delta", None),
        ("message_stop", None),
    ]
    assert bodies[0]["message"]["usage"]["input_tokens"] == 3
    assert bodies[-2]["usage"]["output_tokens"] == 4

"""Answers and streams in OpenAI's format, as the hosts that speak it bend it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from koderz.errors import (
    ContextLengthError,
    MalformedResponseError,
    ProviderError,
    RateLimitError,
    ServerError,
)
from koderz.types import (
    Delta,
    FinishReason,
    Part,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from koderz.wire import get_wire
from koderz.wire.openai import StreamDecoder

WIRE = get_wire("openai")


def answer(message: dict[str, Any], **fields: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": "stop"} | fields.pop("choice", {})
    return json.dumps({"id": "i", "model": "m", "choices": [choice], **fields}).encode()


ANSWERS: list[tuple[bytes, tuple[Part, ...], FinishReason]] = [
    (answer({"role": "assistant", "content": "Hi."}), (Text("Hi."),), FinishReason.STOP),
    (answer({"content": None}), (), FinishReason.STOP),
    (
        answer({"content": "Hi.", "reasoning": "Hm."}),
        (Reasoning("Hm."), Text("Hi.")),
        FinishReason.STOP,
    ),
    (
        answer({"content": "Hi.", "reasoning": "Hm.", "reasoning_content": "Hm."}),
        (Reasoning("Hm."), Text("Hi.")),
        FinishReason.STOP,
    ),
    (
        answer(
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                    {"type": "text", "text": "Hi."},
                    {"type": "reference", "reference_ids": [1]},
                ]
            }
        ),
        (Reasoning("Hm."), Text("Hi.")),
        FinishReason.STOP,
    ),
    (
        answer({"content": None, "refusal": "I will not."}),
        (Text("I will not."),),
        FinishReason.CONTENT_FILTER,
    ),
    (
        answer(
            {
                "content": "",
                "tool_calls": [{"id": None, "function": {"name": "f", "arguments": {"a": 1}}}],
            }
        ),
        (ToolCall("call_0", "f", {"a": 1}),),
        FinishReason.TOOL_CALLS,
    ),
    (
        answer(
            {
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
                ]
            },
            choice={"finish_reason": None},
        ),
        (ToolCall("c", "f", {}),),
        FinishReason.TOOL_CALLS,
    ),
    (
        answer({"content": "x"}, choice={"finish_reason": "length"}),
        (Text("x"),),
        FinishReason.LENGTH,
    ),
    (answer({"content": "x"}, choice={"finish_reason": "abort"}), (Text("x"),), FinishReason.OTHER),
    (answer({"content": "x"}, choice={"finish_reason": "eos"}), (Text("x"),), FinishReason.STOP),
]


@pytest.mark.parametrize(("body", "parts", "finish"), ANSWERS)
def test_answers_of_all_hosts_are_read(
    body: bytes, parts: tuple[Part, ...], finish: FinishReason
) -> None:
    completion = WIRE.decode_response(body)
    assert (completion.parts, completion.finish) == (parts, finish)
    assert completion.usage == Usage(is_estimated=True)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, Usage(is_estimated=True)),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            Usage(input_tokens=10, output_tokens=5),
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "total_tokens": 150,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
                "completion_tokens_details": {"reasoning_tokens": 40},
            },
            Usage(
                input_tokens=10,
                cache_read_tokens=60,
                cache_write_tokens=30,
                output_tokens=50,
                reasoning_tokens=40,
            ),
        ),
        (  # DeepSeek
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4},
            Usage(input_tokens=6, cache_read_tokens=4, output_tokens=5),
        ),
        (  # xAI: reasoning stands beside the answer, and only the total has both.
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 35,
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(input_tokens=10, output_tokens=25, reasoning_tokens=20),
        ),
        (
            {"prompt_tokens": 3, "prompt_tokens_details": None, "completion_tokens_details": {}},
            Usage(input_tokens=3),
        ),
    ],
)
def test_usage_is_read_in_classes_that_do_not_overlap(usage: Any, expected: Usage) -> None:
    assert WIRE.decode_response(answer({"content": "x"}, usage=usage)).usage == expected


def test_an_error_in_an_answer_is_named() -> None:
    with pytest.raises(MalformedResponseError, match="Upstream is gone"):
        WIRE.decode_response(b'{"error":{"code":502,"message":"Upstream is gone."}}')


def stream(*chunks: dict[str, Any]) -> bytes:
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([": hello\n\n", *events, "data: [DONE]\n\n"]).encode()


def piece(**delta: Any) -> dict[str, Any]:
    return {"id": "i", "model": "m", "choices": [{"index": 0, "delta": delta}]}


def call(arguments: str, **fields: Any) -> dict[str, Any]:
    name = {"name": fields.pop("name")} if "name" in fields else {}
    return {"function": {"arguments": arguments, **name}, **fields}


END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}


def test_a_stream_gives_pieces_and_then_the_whole() -> None:
    decoder = StreamDecoder()
    other = {"choices": [{"index": 1, "delta": {"content": "another choice"}}]}
    sent = stream(
        piece(role="assistant", content=""),
        piece(reasoning_content="Hm."),
        piece(content="It is "),
        other,
        piece(content=[{"type": "text", "text": "42."}]),
        {"choices": None},
        END,
        USAGE,
    )
    assert decoder.feed(sent) == [
        Delta(reasoning="Hm."),
        Delta(text="It is "),
        Delta(text="42."),
    ]
    completion = decoder.completion()
    assert completion.parts == (Reasoning("Hm."), Text("It is 42."))
    assert completion.usage == Usage(input_tokens=3, output_tokens=4)
    assert (completion.model, completion.id) == ("m", "i")
    assert completion.finish is FinishReason.STOP
    assert decoder.completion() == completion


@pytest.mark.parametrize(
    "chunks",
    [
        [
            [call("", index=0, id="a", name="f"), call('{"x"', index=0)],
            [call(":1}", index=0), call("{}", index=1, id="b", name="g")],
        ],
        [[call('{"x":', id="a", name="f")], [call("1}", id="a")], [call("{}", id="b", name="g")]],
        [[call('{"x":1}', id="a", name="f"), call("", id="b", name="g")]],
    ],
    ids=["by index", "by id", "whole"],
)
def test_tool_calls_are_put_together(chunks: list[list[dict[str, Any]]]) -> None:
    decoder = StreamDecoder()
    decoder.feed(stream(*(piece(tool_calls=calls) for calls in chunks), END))
    assert decoder.completion().parts == (ToolCall("a", "f", {"x": 1}), ToolCall("b", "g", {}))
    assert decoder.completion().finish is FinishReason.TOOL_CALLS


def test_a_refusal_in_a_stream_is_text_that_was_filtered() -> None:
    decoder = StreamDecoder()
    decoder.feed(stream(piece(refusal="I will "), piece(refusal="not."), END))
    assert decoder.completion().text == "I will not."
    assert decoder.completion().finish is FinishReason.CONTENT_FILTER
    assert decoder.completion().usage.is_estimated


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Slow down.", "type": "rate_limit_error"}, RateLimitError),
        ({"message": "Too long.", "code": "context_length_exceeded"}, ContextLengthError),
        ({"message": "Upstream.", "code": 502}, ServerError),
        ("It broke.", ServerError),
    ],
)
def test_an_error_in_a_stream_is_raised(error: Any, kind: type[ProviderError]) -> None:
    with pytest.raises(kind, match=r"\w"):
        StreamDecoder().feed(stream(piece(content="It "), {"error": error}))


def test_an_event_named_error_is_raised_whatever_it_holds() -> None:
    sent = b'event: error\ndata: {"message":"Slow down.","code":429}\n\n'
    with pytest.raises(RateLimitError, match="Slow down"):
        StreamDecoder().feed(sent)


def test_a_call_without_a_name_is_malformed() -> None:
    decoder = StreamDecoder()
    decoder.feed(stream(piece(tool_calls=[call("{}", index=0, id="a")]), END))
    with pytest.raises(MalformedResponseError, match="names no function"):
        decoder.completion()

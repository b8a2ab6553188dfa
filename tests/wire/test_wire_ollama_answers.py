"""Answers and streams in Ollama's format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from koderz.errors import MalformedResponseError, ServerError
from koderz.types import (
    Completion,
    Delta,
    FinishReason,
    Part,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from koderz.wire import get_wire
from koderz.wire.ollama import StreamDecoder, StreamEncoder

WIRE = get_wire("ollama")


def line(content: str = "", *, done: bool = False, **fields: Any) -> dict[str, Any]:
    extra = fields.pop("message", {})
    message = {"role": "assistant", "content": content, **extra}
    return {
        "model": "m",
        "created_at": "2026-01-01T00:00:00Z",
        "message": message,
        "done": done,
    } | fields


CALLS = {"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}
ANSWERS: list[tuple[dict[str, Any], tuple[Part, ...], FinishReason]] = [
    (line("Hi.", done=True, done_reason="stop"), (Text("Hi."),), FinishReason.STOP),
    (line("Hi.", done=True), (Text("Hi."),), FinishReason.STOP),
    (line("Hi.", done=True, done_reason="length"), (Text("Hi."),), FinishReason.LENGTH),
    (line(done=True, done_reason="load"), (), FinishReason.OTHER),
    (
        line("Hi.", done=True, message={"thinking": "Hm."}),
        (Reasoning("Hm."), Text("Hi.")),
        FinishReason.STOP,
    ),
    (line(done=True, message=CALLS), (ToolCall("call_0", "f", {"a": 1}),), FinishReason.TOOL_CALLS),
]


@pytest.mark.parametrize(("body", "parts", "finish"), ANSWERS)
def test_answers_are_read(
    body: dict[str, Any], parts: tuple[Part, ...], finish: FinishReason
) -> None:
    completion = WIRE.decode_response(json.dumps(body).encode())
    assert (completion.parts, completion.finish) == (parts, finish)
    assert completion.usage == Usage(is_estimated=True)
    decoder = StreamDecoder()
    decoder.feed(json.dumps(body).encode())
    assert decoder.completion() == completion


def test_usage_has_two_classes_and_a_cached_prompt_may_be_left_out() -> None:
    body = line("Hi.", done=True, prompt_eval_count=3, eval_count=4)
    assert WIRE.decode_response(json.dumps(body).encode()).usage == Usage(
        input_tokens=3, output_tokens=4
    )
    del body["prompt_eval_count"]
    assert WIRE.decode_response(json.dumps(body).encode()).usage == Usage(output_tokens=4)


def test_an_answer_that_is_not_done_or_an_error_is_malformed() -> None:
    with pytest.raises(MalformedResponseError, match="not complete"):
        WIRE.decode_response(json.dumps(line("Hi.")).encode())
    with pytest.raises(MalformedResponseError, match="out of memory"):
        WIRE.decode_response(b'{"error":"out of memory"}')


def test_a_stream_gives_pieces_and_then_the_whole() -> None:
    decoder = StreamDecoder()
    lines = [
        line(message={"thinking": "Hm."}),
        line("It is "),
        line("42."),
        line(message=CALLS),
        line(message=CALLS),
        line(done=True, done_reason="stop", prompt_eval_count=3, eval_count=4),
    ]
    deltas = decoder.feed("\n".join(map(json.dumps, lines)).encode() + b"\n\n")
    assert deltas[:3] == [Delta(reasoning="Hm."), Delta(text="It is "), Delta(text="42.")]
    assert decoder.completion() == Completion(
        model="m",
        parts=(
            Reasoning("Hm."),
            Text("It is 42."),
            ToolCall("call_0", "f", {"a": 1}),
            ToolCall("call_1", "f", {"a": 1}),
        ),
        finish=FinishReason.TOOL_CALLS,
        usage=Usage(input_tokens=3, output_tokens=4),
    )


def test_an_error_in_a_stream_is_raised() -> None:
    sent = json.dumps(line("Hi.")).encode() + b'\n{"error":"model runner stopped"}\n'
    with pytest.raises(ServerError, match="runner stopped"):
        StreamDecoder().feed(sent)


def test_a_stream_sends_a_call_when_it_is_whole_and_durations_at_the_end() -> None:
    encoder = StreamEncoder(Completion(model="m", parts=(), latency_s=3.0, first_token_s=1.0))
    assert encoder.start() == b""
    first = Delta(tool_index=0, tool_id="c", tool_name="f", tool_arguments='{"a":')
    assert encoder.delta(first) == b""
    assert encoder.delta(Delta(tool_index=0, tool_arguments="1}")) == b""
    call, last = map(json.loads, encoder.finish().splitlines())
    assert call["message"]["tool_calls"][0]["function"]["arguments"] == {"a": 1}
    assert (last["done"], last["total_duration"], last["eval_duration"]) == (
        True, 3_000_000_000, 2_000_000_000
    )  # fmt: skip

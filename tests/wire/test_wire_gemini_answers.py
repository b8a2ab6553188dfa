"""Answers and streams in Gemini's format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from koderz.errors import MalformedResponseError, ProviderError, RateLimitError, ServerError
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
from koderz.wire.gemini import StreamDecoder, StreamEncoder

WIRE = get_wire("gemini")


def answer(*parts: dict[str, Any], reason: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": reason, "index": 0}
    return {"candidates": [candidate], "modelVersion": "m", "responseId": "i", **fields}


CALL = {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2VhbA=="}
ANSWERS: list[tuple[dict[str, Any], tuple[Part, ...], FinishReason]] = [
    (answer({"text": "Hi."}), (Text("Hi."),), FinishReason.STOP),
    (answer(reason="MAX_TOKENS"), (), FinishReason.LENGTH),
    (answer(reason="SAFETY"), (), FinishReason.CONTENT_FILTER),
    (answer(reason="MALFORMED_FUNCTION_CALL"), (), FinishReason.OTHER),
    ({"candidates": [{"finishReason": "RECITATION"}]}, (), FinishReason.CONTENT_FILTER),
    ({"promptFeedback": {"blockReason": "SAFETY"}}, (), FinishReason.CONTENT_FILTER),
    (
        answer(
            {"text": "Hm.", "thought": True},
            {"text": "Hi.", "thoughtSignature": "c2VhbA=="},
            {"executableCode": {"code": "1"}},
        ),
        (Reasoning("Hm."), Text("Hi."), Reasoning(signature="c2VhbA==")),
        FinishReason.STOP,
    ),
    (answer(CALL), (ToolCall("call_i_0", "f", {"a": 1}, "c2VhbA=="),), FinishReason.TOOL_CALLS),
]


@pytest.mark.parametrize(("body", "parts", "finish"), ANSWERS)
def test_answers_are_read(
    body: dict[str, Any], parts: tuple[Part, ...], finish: FinishReason
) -> None:
    completion = WIRE.decode_response(json.dumps(body).encode())
    assert (completion.parts, completion.finish) == (parts, finish)
    decoder = StreamDecoder()
    decoder.feed(stream(body))
    assert decoder.completion() == completion


def test_usage_is_read_in_classes_that_do_not_overlap() -> None:
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "toolUsePromptTokenCount": 5,
        "candidatesTokenCount": 10,
        "thoughtsTokenCount": 40,
        "totalTokenCount": 155,
    }
    completion = WIRE.decode_response(json.dumps(answer(usageMetadata=usage)).encode())
    assert completion.usage == Usage(
        input_tokens=45, cache_read_tokens=60, output_tokens=50, reasoning_tokens=40
    )
    assert completion.usage.total_tokens == 155
    assert WIRE.decode_response(json.dumps(answer()).encode()).usage.is_estimated


def test_an_image_that_is_no_base64_is_malformed() -> None:
    body = answer({"inlineData": {"mimeType": "image/png", "data": "%"}})
    with pytest.raises(MalformedResponseError, match="base64"):
        WIRE.decode_response(json.dumps(body).encode())


def stream(*chunks: dict[str, Any]) -> bytes:
    return "".join(f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks).encode()


def test_a_stream_gives_pieces_and_then_the_whole() -> None:
    decoder = StreamDecoder()
    early = {"promptTokenCount": 3}
    deltas = decoder.feed(
        stream(
            answer({"text": "Hm.", "thought": True}, reason=None, usageMetadata=early),
            answer({"text": "It is "}, reason=None),
            answer({"text": "42."}, CALL, reason=None),
            answer(CALL, usageMetadata=early | {"candidatesTokenCount": 4}),
        )
    )
    assert deltas[:3] == [Delta(reasoning="Hm."), Delta(text="It is "), Delta(text="42.")]
    assert [delta.tool_index for delta in deltas[3:]] == [0, 1]
    assert decoder.completion() == Completion(
        model="m",
        id="i",
        parts=(
            Reasoning("Hm."),
            Text("It is 42."),
            ToolCall("call_i_0", "f", {"a": 1}, "c2VhbA=="),
            ToolCall("call_i_1", "f", {"a": 1}, "c2VhbA=="),
        ),
        finish=FinishReason.TOOL_CALLS,
        usage=Usage(input_tokens=3, output_tokens=4),
    )


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [(429, "RESOURCE_EXHAUSTED", RateLimitError), (503, "UNAVAILABLE", ServerError)],
)
def test_an_error_in_a_stream_is_raised(code: int, status: str, kind: type[ProviderError]) -> None:
    error = {"error": {"code": code, "message": "It broke.", "status": status}}
    with pytest.raises(kind, match="It broke"):
        StreamDecoder().feed(stream(answer({"text": "a"}, reason=None), error))


def test_a_stream_sends_a_call_when_it_is_whole() -> None:
    encoder = StreamEncoder(Completion(model="m", parts=()))
    assert encoder.start() == b""
    first = Delta(tool_index=0, tool_id="c", tool_name="f", tool_arguments='{"a":')
    assert encoder.delta(first) == b""
    assert encoder.delta(Delta(tool_index=0, tool_arguments="1}")) == b""
    assert b'"args":{"a":1}' in encoder.delta(Delta(text="So."))
    assert b"functionCall" not in encoder.finish()

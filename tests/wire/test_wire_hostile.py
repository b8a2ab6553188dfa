"""Bytes that are no answer, no request and no stream: the documented error, and no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koderz.errors import MalformedResponseError, ProviderError
from koderz.types import Capabilities, Completion, Delta, Message, Request, Text, ToolCall, Usage
from koderz.wire import FormatError, WireError, get_wire
from koderz.wire.assembly import split_completion

FORMATS = ("anthropic", "gemini", "ollama", "openai")
COMPLETION = Completion(
    model="m",
    parts=(
        Text("A longer answer, so that there is something to cut."),
        ToolCall("c", "f", {"a": 1}),
    ),
    usage=Usage(input_tokens=3, output_tokens=4),
    id="i",
)
REQUEST = Request(model="m", messages=(Message.user("Hello."),), system="S", max_tokens=9)

# The words of all four formats, so that what is made up comes close to the real thing.
WORDS = """
    id type role model content text choices message messages delta index finish_reason usage error
    prompt_tokens input_tokens tool_calls function arguments name input candidates parts contents
    functionCall args usageMetadata done done_reason max_tokens generationConfig system tools
    content_block stop_reason data source image_url url images thinking code status
"""
KEYS = st.sampled_from(WORDS.split())
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["text", "user", "assistant", "tool", "tool_use", "message_start", "image"])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
BODIES = st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode())
NONSENSE: dict[str, bytes] = {
    "nothing": b"",
    "a web page": b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    "an error page in XML": b"<?xml version='1.0'?><Error/>",
    "plain words": b"upstream connect error",
    "a list": b"[]",
    "null": b"null",
    "no fields": b"{}",
    "deep": b"[" * 200_000,
    "no UTF-8": b'{"id": "\xff\xfe"}',
    "half a pair": b'{"id": "\\ud800"}',
    "an error": b'{"error": {"message": "No.", "code": 429}}',
    "wrong types": b'{"choices": 3, "content": 3, "candidates": 3, "message": 3, "model": 3}',
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_no_answer(name: str, body: bytes) -> None:
    with pytest.raises(MalformedResponseError) as caught:
        get_wire(name).decode_response(body)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_no_request(name: str, body: bytes) -> None:
    with pytest.raises(FormatError):
        get_wire(name).decode_request(body)


@pytest.mark.parametrize("name", FORMATS)
def test_a_web_page_is_told_as_such(name: str) -> None:
    with pytest.raises(MalformedResponseError, match="web page"):
        get_wire(name).decode_response(NONSENSE["a web page"])


@pytest.mark.parametrize("name", FORMATS)
@given(body=BODIES)
@settings(max_examples=100, deadline=None)
def test_decoding_anything_raises_the_documented_error_only(name: str, body: bytes) -> None:
    wire = get_wire(name)
    outcomes: list[Any] = []
    for decode, documented in (
        (wire.decode_response, MalformedResponseError),
        (wire.decode_request, FormatError),
    ):
        try:
            outcomes.append(decode(body))
        except documented as error:
            outcomes.append(error)
    assert isinstance(wire.decode_error(body), WireError)
    assert len(outcomes) == 2


@pytest.mark.parametrize("name", FORMATS)
@given(bodies=st.lists(BODIES, max_size=4), ends=st.sampled_from([b"\n", b"\n\n", b"\r\n", b""]))
@settings(max_examples=80, deadline=None)
def test_a_stream_of_anything_raises_provider_errors_only(
    name: str, bodies: list[bytes], ends: bytes
) -> None:
    decoder = get_wire(name).StreamDecoder()
    prefix = b"" if name == "ollama" else b"data: "
    outcomes: list[Completion | ProviderError] = []
    try:
        deltas = [delta for body in bodies for delta in decoder.feed(prefix + body + ends)]
        outcomes.append(decoder.completion())
    except ProviderError as error:
        outcomes.append(error)
    else:
        assert all(isinstance(delta, Delta) for delta in deltas)
    assert len(outcomes) == 1


@pytest.mark.parametrize("name", FORMATS)
def test_every_truncation_of_an_answer_is_malformed(name: str) -> None:
    wire = get_wire(name)
    body = wire.encode_response(COMPLETION)
    for end in range(len(body)):
        with pytest.raises(MalformedResponseError):
            wire.decode_response(body[:end])


@pytest.mark.parametrize("name", FORMATS)
def test_every_truncation_of_a_request_is_a_format_error(name: str) -> None:
    wire = get_wire(name)
    body = wire.encode_request(REQUEST, Capabilities())
    for end in range(len(body)):
        with pytest.raises(FormatError):
            wire.decode_request(body[:end])


@pytest.mark.parametrize("name", FORMATS)
def test_every_stream_that_ends_early_is_malformed(name: str) -> None:
    wire = get_wire(name)
    encoder = wire.StreamEncoder(COMPLETION)
    pieces = b"".join(map(encoder.delta, split_completion(COMPLETION)))
    whole = (encoder.start() + pieces + encoder.finish()).rstrip(b"\n")
    for end in range(len(whole)):
        decoder = wire.StreamDecoder()
        with pytest.raises(MalformedResponseError):  # noqa: PT012 - either may be the first to see it.
            decoder.feed(whole[:end])
            decoder.completion()
    decoder = wire.StreamDecoder()
    decoder.feed(whole)
    assert decoder.completion().text == COMPLETION.text


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "arguments", ["{", "[1]", '"words"', "null", '{"a": 1} {"b": 2}', "<html>"]
)
def test_tool_arguments_that_are_no_object_are_malformed(name: str, arguments: str) -> None:
    bodies = {
        "openai": {
            "choices": [
                {"message": {"tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}}
            ]
        },
        "anthropic": {
            "content": [{"type": "tool_use", "id": "a", "name": "f", "input": arguments}],
        },
        "gemini": {
            "candidates": [
                {"content": {"parts": [{"functionCall": {"name": "f", "args": arguments}}]}}
            ]
        },
        "ollama": {
            "done": True,
            "message": {
                "role": "assistant",
                "tool_calls": [{"function": {"name": "f", "arguments": arguments}}],
            },
        },
    }
    with pytest.raises(MalformedResponseError):
        get_wire(name).decode_response(json.dumps(bodies[name]).encode())

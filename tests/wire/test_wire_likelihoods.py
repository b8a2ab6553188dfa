"""Log-probabilities go through every format that has them, whole and in streams cut anywhere."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import msgspec
import ollama
import openai.types.chat as openai_types
import pytest
from google.genai import types as gemini_types
from hypothesis import given, settings
from hypothesis import strategies as st

from koderz.errors import MalformedResponseError
from koderz.types import (
    AnswerToken,
    Capabilities,
    Completion,
    Message,
    Request,
    Text,
    TokenChance,
)
from koderz.wire import get_wire
from koderz.wire.assembly import split_completion

FORMATS = ("gemini", "ollama", "openai")
TAKES = Capabilities(logprobs=True)
ASK = Request(model="m", messages=(Message.user("hello"),), top_logprobs=3)

logprobs = st.floats(-30, 0).map(lambda value: round(value, 6))
words = st.text(min_size=1, max_size=6)
chances = st.builds(TokenChance, words.map(str.encode), logprobs)
tokens = st.builds(
    AnswerToken, words.map(str.encode), logprobs, st.lists(chances, max_size=3).map(tuple)
)


def build_completion(parts: list[AnswerToken]) -> Completion:
    text = b"".join(token.raw for token in parts).decode()
    return Completion(model="m", parts=(Text(text),), tokens=tuple(parts))


@pytest.mark.parametrize("name", FORMATS)
@given(parts=st.lists(tokens, min_size=1, max_size=6))
@settings(max_examples=30)
def test_an_answers_tokens_come_back_as_they_went(name: str, parts: list[AnswerToken]) -> None:
    wire, completion = get_wire(name), build_completion(parts)
    assert wire.decode_response(wire.encode_response(completion)).tokens == completion.tokens


@pytest.mark.parametrize("name", FORMATS)
@given(
    parts=st.lists(tokens, min_size=1, max_size=6), source=st.data(), piece_chars=st.integers(1, 9)
)
@settings(max_examples=30)
def test_a_streams_tokens_come_back_in_order(
    name: str, parts: list[AnswerToken], source: st.DataObject, piece_chars: int
) -> None:
    wire, completion = get_wire(name), build_completion(parts)
    encoder, decoder = wire.StreamEncoder(completion), wire.StreamDecoder()
    pieces = [encoder.delta(delta) for delta in split_completion(completion, piece_chars)]
    sent = encoder.start() + b"".join(pieces) + encoder.finish()
    cuts = sorted(source.draw(st.lists(st.integers(0, len(sent)), max_size=10)))
    for start, end in pairwise([0, *cuts, len(sent)]):
        decoder.feed(sent[start:end])
    assert decoder.completion().tokens == completion.tokens
    assert decoder.completion().text == completion.text


@pytest.mark.parametrize("name", FORMATS)
def test_they_are_asked_for_only_where_the_model_gives_them(name: str) -> None:
    wire = get_wire(name)
    path = wire.request_path(ASK)
    assert wire.decode_request(wire.encode_request(ASK, TAKES), path).top_logprobs == 3
    assert b"logprobs" not in wire.encode_request(ASK, Capabilities()).lower()
    plain = msgspec.structs.replace(ASK, top_logprobs=0)
    assert b"logprobs" not in wire.encode_request(plain, TAKES).lower()


def test_anthropic_has_none() -> None:
    wire = get_wire("anthropic")
    assert b"logprobs" not in wire.encode_request(ASK, TAKES)
    completion = build_completion([AnswerToken(b"x", -0.1)])
    assert wire.decode_response(wire.encode_response(completion)).tokens == ()


def test_they_fit_the_clients_types() -> None:
    completion = build_completion(
        [AnswerToken(b"yes", -0.25, (TokenChance(b"yes", -0.25), TokenChance(b"no", -1.5)))]
    )
    openai = openai_types.ChatCompletion.model_validate_json(
        get_wire("openai").encode_response(completion)
    )
    assert openai.choices[0].logprobs is not None
    (token,) = openai.choices[0].logprobs.content or []
    assert (token.token, token.bytes, token.logprob) == ("yes", [121, 101, 115], -0.25)
    assert [each.token for each in token.top_logprobs] == ["yes", "no"]
    gemini = gemini_types.GenerateContentResponse.model_validate_json(
        get_wire("gemini").encode_response(completion)
    )
    (candidate,) = gemini.candidates or []
    assert candidate.avg_logprobs == -0.25
    assert candidate.logprobs_result is not None
    (chosen,) = candidate.logprobs_result.chosen_candidates or []
    assert (chosen.token, chosen.log_probability) == ("yes", -0.25)
    theirs = ollama.ChatResponse.model_validate_json(get_wire("ollama").encode_response(completion))
    assert theirs.logprobs is not None
    assert theirs.logprobs[0].token == "yes"


def test_the_request_is_theirs_too() -> None:
    body = json.loads(get_wire("gemini").encode_request(ASK, TAKES))["generationConfig"]
    config = gemini_types.GenerateContentConfig.model_validate(body)
    assert (config.response_logprobs, config.logprobs) == (True, 3)
    for name in ("openai", "ollama"):
        sent = json.loads(get_wire(name).encode_request(ASK, TAKES))
        assert (sent["logprobs"], sent["top_logprobs"]) == (True, 3)


def test_a_character_in_two_tokens_is_put_together_by_its_bytes() -> None:
    first, second = "é".encode()[:1], "é".encode()[1:]
    completion = Completion(
        model="m",
        parts=(Text("é"),),
        tokens=(AnswerToken(first, -0.1), AnswerToken(second, -0.2)),
    )
    wire = get_wire("openai")
    assert wire.decode_response(wire.encode_response(completion)).tokens == completion.tokens


@pytest.mark.parametrize(
    "content",
    [
        [{"token": "x", "logprob": -1, "bytes": [300]}],
        [{"token": "x"}],
        [{"token": 3, "logprob": -1}],
        "none",
    ],
)
def test_what_is_no_log_probability_is_a_malformed_answer(content: Any) -> None:
    choice = {
        "message": {"content": "x"},
        "finish_reason": "stop",
        "logprobs": {"content": content},
    }
    with pytest.raises(MalformedResponseError):
        get_wire("openai").decode_response(json.dumps({"choices": [choice]}).encode())


def test_an_answer_without_any_is_an_answer() -> None:
    for given_ in (None, {}, {"content": None}):
        choice = {"message": {"content": "x"}, "finish_reason": "stop", "logprobs": given_}
        body = json.dumps({"choices": [choice]}).encode()
        assert get_wire("openai").decode_response(body).tokens == ()

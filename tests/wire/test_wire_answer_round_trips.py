"""An answer that goes through a format comes back, whole or in a stream that is cut anywhere."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koderz.types import (
    Completion,
    FinishReason,
    Part,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from koderz.wire import get_wire
from koderz.wire.assembly import split_completion

replace = msgspec.structs.replace
FORMATS = ("anthropic", "gemini", "ollama", "openai")

words = st.text(min_size=1, max_size=40)
names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,11}", fullmatch=True)
seals = st.binary(max_size=6).map(lambda content: content.hex())
counts = st.integers(0, 10**7)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words
objects = st.dictionaries(words, scalars | st.lists(scalars, max_size=3), max_size=3)
thoughts = st.builds(Reasoning, words, seals) | st.builds(Reasoning, redacted=words)
usages = st.builds(
    lambda reasoning, rest, **classes: Usage(
        reasoning_tokens=reasoning, output_tokens=reasoning + rest, **classes
    ),
    counts,
    counts,
    input_tokens=counts,
    cache_read_tokens=counts,
    cache_write_tokens=counts,
)


@st.composite
def completions(draw: st.DrawFn, name: str) -> Completion:
    """Answers in the order that the format keeps: any, or thought, text, calls."""
    calls = [
        ToolCall(f"call_{place}", draw(names), draw(objects))
        for place in range(draw(st.integers(0, 2)))
    ]
    if name in {"openai", "ollama"}:
        thought = draw(st.lists(st.builds(Reasoning, words), max_size=1))
        parts: list[Part] = [*thought, *draw(st.lists(st.builds(Text, words), max_size=1)), *calls]
    else:
        sealed = thoughts if name == "anthropic" else st.builds(Reasoning, words, seals)
        prose = st.lists(sealed | st.builds(Text, words), max_size=3)
        parts = draw(st.permutations([*draw(prose), *calls]))
    return Completion(
        model=draw(names),
        parts=tuple(parts),
        finish=draw(st.sampled_from(FinishReason)),
        usage=draw(usages),
        id="" if name == "ollama" else draw(names),
    )


def answered(name: str, completion: Completion) -> Completion:
    """The answer as the format can give it."""
    finish, usage = completion.finish, completion.usage
    if name == "openai" and finish is FinishReason.OTHER:
        finish = FinishReason.STOP
    if name in {"gemini", "ollama"} and finish is FinishReason.TOOL_CALLS:
        finish = FinishReason.STOP
    if finish is FinishReason.STOP and completion.tool_calls:
        finish = FinishReason.TOOL_CALLS
    if name == "gemini":
        uncached = usage.input_tokens + usage.cache_write_tokens
        usage = replace(usage, input_tokens=uncached, cache_write_tokens=0)
    if name == "ollama":
        usage = Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.output_tokens)
    return replace(completion, finish=finish, usage=usage)


def merged(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Neighbouring texts, and thoughts without a seal between them, as one."""
    kept: list[Part] = []
    for part in parts:
        last = kept[-1] if kept else None
        if isinstance(part, Text) and isinstance(last, Text):
            kept[-1] = Text(last.text + part.text)
        elif (
            isinstance(part, Reasoning)
            and isinstance(last, Reasoning)
            and not (part.redacted or last.redacted or last.signature)
        ):
            kept[-1] = Reasoning(last.text + part.text, part.signature)
        else:
            kept.append(part)
    return tuple(kept)


@pytest.mark.parametrize("name", FORMATS)
@given(source=st.data())
@settings(max_examples=40, deadline=None)
def test_an_answer_comes_back_as_it_went(name: str, source: st.DataObject) -> None:
    wire = get_wire(name)
    completion = source.draw(completions(name))
    assert wire.decode_response(wire.encode_response(completion)) == answered(name, completion)


@pytest.mark.parametrize("name", FORMATS)
@given(source=st.data(), piece_chars=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_a_stream_cut_anywhere_gives_the_whole_answer(
    name: str, source: st.DataObject, piece_chars: int
) -> None:
    wire = get_wire(name)
    completion = source.draw(completions(name))
    encoder, decoder = wire.StreamEncoder(completion), wire.StreamDecoder()
    pieces = [encoder.delta(delta) for delta in split_completion(completion, piece_chars)]
    sent = encoder.start() + b"".join(pieces) + encoder.finish()
    cuts = sorted(source.draw(st.lists(st.integers(0, len(sent)), max_size=30)))
    deltas = [
        delta
        for start, end in pairwise([0, *cuts, len(sent)])
        for delta in decoder.feed(sent[start:end])
    ]
    assert decoder.completion() == answered(
        name, replace(completion, parts=merged(completion.parts))
    )
    assert "".join(delta.text for delta in deltas) == completion.text
    assert "".join(delta.reasoning for delta in deltas) == completion.reasoning

"""Answers depend on seed, model, question and skill alone, and end as the request says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from koderz.simulator.answers import Answer, build_answer
from koderz.simulator.faults import FaultKind
from koderz.simulator.prompts import build_digest
from koderz.simulator.streams import split_completion
from koderz.tokens import count_tokens
from koderz.types import (
    FinishReason,
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

SCHEMA = ResponseSchema(
    "quotes",
    {
        "type": "object",
        "properties": {"quote": {"type": "string"}, "score": {"type": "integer"}},
        "required": ["quote", "score"],
    },
)
SEARCH = Tool(
    "search",
    "Looks things up",
    {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]},
)
QUESTION = Request(messages=(Message.user("What is it?"),), model="gpt-4o-mini")


def ask(
    seed: int = 0, *, fault: FaultKind | None = None, ordinal: int = 0, **changes: Any
) -> Answer:
    request = msgspec.structs.replace(QUESTION, **changes)
    digest = build_digest(seed, request)
    return build_answer(request, digest=digest, skill=0.8, ordinal=ordinal, fault=fault)


def test_the_same_question_has_the_same_answer() -> None:
    assert ask() == ask()
    assert ask() == ask(is_stream=True)
    assert ask().completion.text == ask(temperature=0.2, max_tokens=100).completion.text


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"ordinal": 1},
        {"model": "gpt-4o"},
        {"system": "Be brief."},
        {"messages": (Message.user("What is that?"),)},
    ],
)
def test_what_differs_in_the_question_may_differ_in_the_answer(changes: dict[str, Any]) -> None:
    assert ask(**changes).completion.text != ask().completion.text
    assert ask(**changes).completion.id != ask().completion.id


def test_every_answer_says_that_it_is_simulated() -> None:
    completion = ask().completion
    assert "simulated" in completion.text
    assert completion.id.startswith("sim-")
    assert completion.usage.output_tokens == count_tokens(completion.text)


def test_a_schema_is_fitted() -> None:
    answer = ask(response_schema=SCHEMA)
    assert answer.task == "any_schema"
    value = msgspec.json.decode(answer.completion.text)
    assert isinstance(value["quote"], str)
    assert isinstance(value["score"], int)


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_a_limit_of_tokens_cuts_the_answer(limit: int) -> None:
    whole, cut = ask().completion, ask(max_tokens=limit).completion
    assert cut.finish is FinishReason.LENGTH
    assert whole.text.startswith(cut.text)
    assert cut.usage.output_tokens <= limit


def test_a_stop_sequence_ends_the_answer_before_it() -> None:
    whole = ask().completion.text
    cut = ask(stop=("simulated", " nowhere ")).completion
    assert cut.text == whole.partition("simulated")[0]
    assert cut.finish is FinishReason.STOP


@pytest.mark.parametrize("choice", ["required", "search"])
def test_a_demanded_tool_is_called(choice: str) -> None:
    answer = ask(tools=(SEARCH,), tool_choice=choice)
    (call,) = answer.completion.tool_calls
    assert call.name == "search"
    assert isinstance(call.arguments["words"], str)
    assert answer.completion.finish is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_tool_on_offer_is_not_called(choice: str) -> None:
    assert ask(tools=(SEARCH,), tool_choice=choice).completion.text


def test_a_reasoning_effort_brings_thoughts_that_are_counted() -> None:
    completion = ask(reasoning_effort="low").completion
    assert "Simulated" in completion.reasoning
    assert 0 < completion.usage.reasoning_tokens < completion.usage.output_tokens
    limited = ask(reasoning_effort="low", max_tokens=20).completion
    assert limited.finish is FinishReason.LENGTH
    assert limited.usage.output_tokens <= 20
    assert not ask(reasoning_effort="none").completion.reasoning


def test_faults_of_content_spoil_the_answer() -> None:
    assert ask(fault="empty").completion.parts == ()
    assert ask(fault="refusal").completion.finish is FinishReason.CONTENT_FILTER
    rambling = ask(fault="long", max_tokens=50, response_schema=SCHEMA).completion
    assert rambling.finish is FinishReason.LENGTH
    assert 45 <= rambling.usage.output_tokens <= 50
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(rambling.text)
    assert isinstance(msgspec.json.decode(ask(fault="invalid").completion.text), list)
    misquoting = ask(fault="misquote", response_schema=SCHEMA).completion
    assert "stand nowhere" in msgspec.json.decode(misquoting.text)["quote"]
    assert ask(fault="misquote").completion.text == ask().completion.text


def test_invalid_answers_fit_no_part_of_the_schema() -> None:
    listing = ResponseSchema("list", {"type": "array", "items": {}})
    assert msgspec.json.decode(ask(fault="invalid", response_schema=listing).completion.text) != []
    value = msgspec.json.decode(ask(fault="invalid", response_schema=listing).completion.text)
    assert isinstance(value, dict)


def test_every_kind_of_part_can_be_asked_about() -> None:
    parts = (
        Text("look"),
        Image(data=b"\x89PNG"),
        ToolResult("1", "found", "search"),
    )
    spoken = (Reasoning("hm"), ToolCall("1", "search", {"words": "a"}))
    messages = (Message("assistant", spoken), Message("user", parts))
    assert ask(messages=messages).completion.text


def test_pieces_of_a_stream_join_to_the_whole() -> None:
    text = "  Two  words\n\nand a line \n"
    call = ToolCall("c1", "search", {"words": "a b c"})
    whole = msgspec.structs.replace(
        ask().completion, parts=(Reasoning("I think so"), Text(text), call, call)
    )
    deltas = split_completion(whole)
    assert "".join(delta.text for delta in deltas) == text
    assert "".join(delta.reasoning for delta in deltas) == "I think so"
    for index in (0, 1):
        pieces = [delta for delta in deltas if delta.tool_index == index]
        assert (pieces[0].tool_id, pieces[0].tool_name) == ("c1", "search")
        arguments = "".join(piece.tool_arguments for piece in pieces)
        assert msgspec.json.decode(arguments) == call.arguments

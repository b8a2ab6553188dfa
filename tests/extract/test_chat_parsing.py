"""Conversations out of messages and transcripts, and one line for what is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_chats import make_openai, to_anthropic, write_events

from koderz.errors import JobError
from koderz.extract.chat import Conversation, load_conversation, parse_conversation, parse_messages
from koderz.extract.chat.turns import split_units


def parse(document: Any) -> Conversation:
    return parse_conversation(json.dumps(document).encode(), "chat.json")


def test_both_formats_are_the_same_turns() -> None:
    openai = parse(make_openai())
    anthropic = parse({"system": "x", "messages": to_anthropic(make_openai())})
    assert (openai.format, anthropic.format) == ("openai", "anthropic")
    assert [turn.text for turn in openai.turns[1:]] == [turn.text for turn in anthropic.turns]
    kinds = [[piece.kind for piece in turn.pieces] for turn in openai.turns[1:]]
    assert kinds == [[piece.kind for piece in turn.pieces] for turn in anthropic.turns]
    assert parse([{"role": "user", "content": "hi"}]).format == "plain"


def test_messages_stay_as_they_were_given() -> None:
    messages = make_openai()
    assert [turn.raw for turn in parse_messages(messages).turns] == messages


def test_events_of_an_agent_are_joined_to_messages() -> None:
    messages = to_anthropic(make_openai(3))
    found = parse_conversation(write_events(messages).encode(), "session.jsonl")
    assert [turn.raw for turn in found.turns] == messages
    assert found.notes == ("1 events of side conversations were passed over",)


def test_items_of_the_responses_format_become_messages() -> None:
    def item(**payload: Any) -> str:
        return json.dumps({"type": "response_item", "payload": payload})

    lines = [
        json.dumps({"type": "session_meta", "payload": {"id": "x", "role": "user"}}),
        item(type="message", role="user", content=[{"type": "input_text", "text": "Go."}]),
        item(type="reasoning", summary=[]),
        item(type="function_call", name="shell", call_id="a", arguments='{"command":["ls"]}'),
        item(type="function_call", name="shell", call_id="b", arguments="not json"),
        item(type="function_call_output", call_id="a", output="one"),
        item(type="function_call_output", call_id="b", output={"exit_code": 1}),
        item(type="message", role="assistant", content=[{"type": "output_text", "text": "Done."}]),
    ]
    found = parse_conversation("\n".join(lines).encode(), "rollout.jsonl")
    assert [turn.role for turn in found.turns] == ["user", "assistant", "tool", "tool", "assistant"]
    assert found.turns[1].call_ids == ("a", "b")
    assert found.turns[1].pieces[1].arguments == {"input": "not json"}
    assert found.turns[-1].text == "Done."


def test_calls_and_their_results_are_one_unit() -> None:
    for messages in (make_openai(3), to_anthropic(make_openai(3))):
        units = split_units(parse_messages(messages).turns)
        assert all(unit.is_whole for unit in units)
        assert {len(unit.turns) for unit in units} == {1, 2}
    torn = make_openai(1)
    del torn[3]
    assert [unit.is_whole for unit in split_units(parse_messages(torn).turns)].count(False) == 1
    del torn[2]
    lost = [*torn, {"role": "tool", "tool_call_id": "x", "content": ""}]
    assert not split_units(parse_messages(lost).turns)[-1].is_whole


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "chat is empty"),
        (" \n ", "chat is empty"),
        ("[]", "chat has no messages"),
        ("{", "chat: line 1 is not JSON"),
        ('[\n{"role": "user",\n"content": oh}]', "chat: line 3 is not JSON"),
        ('{"role":"user","content":"a"}\n{"role":"us', "chat: line 2 is not JSON: mend"),
        ('\n\n{"role":"user","content":"a"}\n \nno', "chat: line 5 is not JSON: mend"),
        ('\n[{"role":"user",\n"content": "caf\udce9"}]', "chat: line 3 is not UTF-8 text"),
        ("[" * 100_000, "chat: line 1 is not JSON"),
        ('{"role":"user","content":"a"}\n' + "[" * 100_000, "chat: line 2 is not JSON: mend"),
        ('{"role":"user","content":"a"}\n\n[1]', "chat: line 3 is not a JSON object"),
        ('{"role":"user","content":"a"}\n{"role":"user"}', "chat: line 2 has no content"),
        ("12", "chat is not a conversation"),
        ('{"a": 1}', "chat is not a conversation"),
        ('{"a": 1}\n{"b": 2}', "chat is not a conversation"),
        ("[1]", "chat: message 1 is not a message"),
        ('[{"role": "user", "content": "a"}, 2]', "chat: message 2 is not a message"),
        ('[{"role": "boss", "content": "a"}]', "chat: message 1 has no known role"),
        ('[{"role": ["user"], "content": "a"}]', "chat: message 1 has no known role"),
        ('[{"role": "user", "content": 5}]', "chat: message 1 has no content"),
        ('[{"role": "user", "content": ["a"]}]', "content block that is no object"),
        ('[{"role": "assistant", "tool_calls": 3}]', "tool_calls"),
    ],
)
def test_what_is_no_conversation_is_said_in_one_line(body: str, said: str) -> None:
    with pytest.raises(JobError) as caught:
        parse_conversation(body.encode(errors="surrogateescape"), "chat")
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    path.write_bytes(b'["\xff\xfe\x00"]')
    with pytest.raises(JobError, match="chat.json"):
        load_conversation(path)
    with pytest.raises(JobError, match="cannot read"):
        load_conversation(tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "message", "payload", "tool_calls", "text"]
            ),
            inner
            | st.sampled_from(["user", "assistant", "tool", "text", "tool_use", "tool_result"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(json_values, max_size=4))
def test_anything_else_is_a_conversation_or_a_clear_error(values: list[Any]) -> None:
    lines = "\n".join(json.dumps(value) for value in values)
    for body in (json.dumps(values), lines):
        try:
            found = parse_conversation(body.encode(), "chat")
        except JobError:
            continue
        assert found.turns

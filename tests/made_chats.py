"""Conversations that tests make: an agent's work in each format."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from anthropic.types import MessageParam
from openai.types.chat import ChatCompletionMessageParam
from pydantic import TypeAdapter

Message = Mapping[str, Any]

GOAL = "Fix the crash of parse_header in src/app/parser.py. Always keep Python 3.11."
LAST = "Now raise the timeout to 45 s in src/app/http.py."
NOISE = "collecting wheels and looking at each of them in turn\n" * 60


def make_openai(steps: int = 12, *, body: str = NOISE) -> list[dict[str, Any]]:
    """Steps of running tests that fail at first and pass later, an edit, and a last request."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are a coder."},
        {"role": "user", "content": GOAL},
    ]
    edit = call(
        "We decided to go with a guard clause instead of a try block.",
        "e1",
        "edit_file",
        {"path": "src/app/parser.py", "new": "if not line: return {}"},
        "ok",
    )
    for step in range(steps):
        messages += edit if step == steps // 2 else []
        failed = step < steps // 2
        report = "E   ValueError: bad header\n1 failed, 3 passed" if failed else "4 passed in 2 s"
        said = f"Step {step}: I look at chunk {step} of the reader."
        messages += call(said, f"c{step}", "bash", {"command": "pytest -q"}, f"{body}{report}")
    messages += [
        {"role": "assistant", "content": "Done. Next step: write docs/usage.md."},
        {"role": "user", "content": LAST},
    ]
    return messages


def call(
    said: str, call_id: str, name: str, arguments: Mapping[str, Any], result: str
) -> list[dict[str, Any]]:
    """An assistant's turn with a tool call, and the tool's."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    asked = {"id": call_id, "type": "function", "function": function}
    return [
        {"role": "assistant", "content": said, "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": call_id, "content": result},
    ]


def to_anthropic(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The same in Anthropic's format, without the system prompt."""
    turned: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "tool":
            block = {
                "type": "tool_result",
                "tool_use_id": message["tool_call_id"],
                "content": message["content"],
            }
            turned.append({"role": "user", "content": [block]})
        elif message["role"] == "assistant":
            uses = [
                {
                    "type": "tool_use",
                    "id": each["id"],
                    "name": each["function"]["name"],
                    "input": json.loads(each["function"]["arguments"]),
                }
                for each in message.get("tool_calls", [])
            ]
            turned.append(
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": message["content"]}, *uses],
                }
            )
        elif message["role"] == "user":
            turned.append({"role": "user", "content": message["content"]})
    return turned


def write_events(messages: Sequence[Message]) -> str:
    """Anthropic messages as an agent's transcript: an event a line, a block an event."""
    events: list[dict[str, Any]] = [{"type": "summary", "summary": "a title"}]
    for message in messages:
        content = message["content"]
        blocks = [content] if isinstance(content, str) else [[block] for block in content]
        for block in blocks:
            inner = {"role": message["role"], "content": block}
            events.append({"type": message["role"], "isSidechain": False, "message": inner})
    events.append(
        {"type": "user", "isSidechain": True, "message": {"role": "user", "content": "aside"}}
    )
    return "\n".join(json.dumps(event) for event in events) + "\n"


def check_openai(messages: Sequence[Message]) -> None:
    """As OpenAI wants it: of its own types, each call answered at once, no answer without one."""
    TypeAdapter(list[ChatCompletionMessageParam]).validate_python(messages)
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            assert message["tool_call_id"] in waiting
            waiting.remove(message["tool_call_id"])
            continue
        assert not waiting, "a tool call lacks its result"
        waiting = [each["id"] for each in message.get("tool_calls") or []]
    assert not waiting


def check_anthropic(messages: Sequence[Message]) -> None:
    """As Anthropic wants it: of its own types, the user first, each use answered by the next."""
    TypeAdapter(list[MessageParam]).validate_python(messages)
    roles = [message["role"] for message in messages]
    assert roles[0] == "user"
    assert all(before != after for before, after in pairwise(roles))
    waiting: set[str] = set()
    for message in messages:
        content = message["content"]
        blocks = [] if isinstance(content, str) else content
        given = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        assert given == waiting
        waiting = {block["id"] for block in blocks if block["type"] == "tool_use"}
    assert not waiting

"""Agents' transcripts: events, one JSON object a line, of which some are messages.

Three kinds of lines are known: plain messages; events that hold one under `message` (Anthropic's
format, a block a line); and items of OpenAI's Responses format, as they are or under `payload`.
Other events (settings, snapshots, counts) are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from koderz.extract.chat.messages import parse_arguments

Raw: TypeAlias = Mapping[str, Any]
Placed: TypeAlias = tuple[str, Raw]
"""A message and its place in words."""


# A type may be anything, also what a set could not hold.
_ITEM_TYPES = (None, "response_item")


def read_events(events: Iterable[Placed]) -> tuple[list[Placed], int]:
    """The messages among the events, and how many of a side conversation were passed over."""
    messages: list[Placed] = []
    aside = 0
    for place, event in events:
        if event.get("isSidechain") is True:
            aside += 1
            continue
        message = get_message(event)
        if message is None:
            continue
        if messages and can_join(messages[-1][1], message, event):
            messages[-1] = (messages[-1][0], join(messages[-1][1], message))
        else:
            messages.append((place, message))
    return messages, aside


def get_message(event: Raw) -> Raw | None:
    """The message that an event holds, None where it holds none."""
    if "role" in event and event.get("type", "message") == "message":
        return _clean(event) if event.get("type") else event
    inner = event.get("message")
    if isinstance(inner, Mapping) and "role" in inner:
        return {key: inner[key] for key in ("role", "content") if key in inner}
    payload = event.get("payload")
    item = payload if isinstance(payload, Mapping) else event
    if payload is not None and event.get("type") not in _ITEM_TYPES:
        return None
    build = _ITEMS.get(str(item.get("type")))
    return build(item) if build else None


def can_join(before: Raw, message: Raw, event: Raw) -> bool:
    """Whether two neighbours are one turn: events hold a block each, items a call each."""
    if before.get("role") != message.get("role") or message.get("role") == "tool":
        return False
    if message.get("role") == "assistant" and message.get("tool_calls"):
        return True
    return "message" in event


def join(before: Raw, message: Raw) -> Raw:
    """Two messages of one role as one."""
    if "tool_calls" in message:
        calls = [*(before.get("tool_calls") or []), *message["tool_calls"]]
        return {**before, "tool_calls": calls}
    return {**before, "content": [*_list_blocks(before), *_list_blocks(message)]}


def _list_blocks(message: Raw) -> list[Any]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(content) if isinstance(content, list) else []


def _clean(item: Raw) -> Raw:
    """A Responses message in the words of chat completions."""
    content = item.get("content")
    if isinstance(content, list):
        blocks = [each for each in content if isinstance(each, Mapping)]
        if all(isinstance(each.get("text"), str) for each in blocks):
            content = "\n".join(each["text"] for each in blocks)
    return {"role": item.get("role"), "content": content}


def _build_call(item: Raw) -> Raw:
    given = item.get("arguments") or item.get("input") or item.get("action") or ""
    text = msgspec.json.encode(parse_arguments(given)).decode()
    function = {"name": str(item.get("name") or "shell"), "arguments": text}
    call = {"id": str(item.get("call_id") or ""), "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _build_result(item: Raw) -> Raw:
    output = item.get("output")
    text = output if isinstance(output, str) else msgspec.json.encode(output).decode()
    return {"role": "tool", "tool_call_id": str(item.get("call_id") or ""), "content": text}


_ITEMS: Mapping[str, Callable[[Raw], Raw]] = {
    "message": _clean,
    "function_call": _build_call,
    "custom_tool_call": _build_call,
    "local_shell_call": _build_call,
    "function_call_output": _build_result,
    "custom_tool_call_output": _build_result,
}

"""Messages of a compressed conversation, in the format that they came in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from koderz.extract.chat.messages import parse_arguments, parse_message
from koderz.extract.chat.summary import Summary, find_summary
from koderz.extract.chat.turns import Format, Turn, count_turns
from koderz.prompts.texts import cut_middle

Raw: TypeAlias = Mapping[str, Any]


def drop_bodies(turn: Turn, max_chars: int, *, with_arguments: bool) -> Turn:
    """The turn with results of tools (and long arguments of calls) cut to so many characters."""
    raw = dict(turn.raw)
    content = raw.get("content")
    if turn.role == "tool":
        raw["content"] = cut_middle(turn.pieces[0].text, max_chars)
    elif isinstance(content, list):
        raw["content"] = [
            _cut_block(block, max_chars, with_arguments=with_arguments) for block in content
        ]
    if with_arguments and raw.get("tool_calls"):
        raw["tool_calls"] = [_cut_call(call, max_chars) for call in raw["tool_calls"]]
    return parse_message(raw, turn.number, "a cut message")


def _cut_block(block: Raw, max_chars: int, *, with_arguments: bool) -> Raw:
    if block.get("type") == "tool_result":
        content = block.get("content")
        if isinstance(content, str):
            return {**block, "content": cut_middle(content, max_chars)}
        if isinstance(content, list):
            return {**block, "content": [_cut_text(each, max_chars) for each in content]}
    if block.get("type") == "tool_use" and with_arguments:
        given = block.get("input")
        if isinstance(given, Mapping):
            return {**block, "input": _cut_values(given, max_chars)}
    return block


def _cut_text(block: Any, max_chars: int) -> Any:
    if isinstance(block, Mapping) and isinstance(block.get("text"), str):
        return {**block, "text": cut_middle(block["text"], max_chars)}
    return block


def _cut_call(call: Raw, max_chars: int) -> Raw:
    function = call.get("function")
    if not isinstance(function, Mapping):
        return call
    given = parse_arguments(function.get("arguments"))
    text = msgspec.json.encode(_cut_values(given, max_chars)).decode()
    return {**call, "function": {**function, "arguments": text}}


def _cut_values(arguments: Raw, max_chars: int) -> Raw:
    return {
        key: cut_middle(value, max_chars) if isinstance(value, str) else value
        for key, value in arguments.items()
    }


def put_first(text: str, turn: Turn | None, form: Format) -> list[Raw]:
    """The messages that begin with this text and go on with the user's turn, if there is one.

    Anthropic's roles take turns, so there both are one message; a part that is a list stays one.
    """
    if turn is None:
        return [{"role": "user", "content": text}]
    content = turn.raw.get("content")
    if form == "openai":
        return [{"role": "user", "content": text}, turn.raw]
    if isinstance(content, str):
        return [{**turn.raw, "content": f"{text}\n\n{content}"}]
    return [{**turn.raw, "content": [{"type": "text", "text": text}, *(content or [])]}]


def take_summary(turn: Turn) -> tuple[Summary | None, Turn | None]:
    """The summary that a user's turn begins with, and the turn without it (None: nothing left)."""
    if turn.role != "user" or not turn.pieces or turn.pieces[0].kind != "text":
        return None, turn
    summary, rest = find_summary(turn.pieces[0].text)
    if summary is None:
        return None, turn
    content = turn.raw.get("content")
    if isinstance(content, list):
        blocks = [{"type": "text", "text": rest}, *content[1:]] if rest else content[1:]
        left: Any = blocks
    else:
        left = rest
    if not left:
        return summary, None
    return summary, parse_message({**turn.raw, "content": left}, turn.number, "a message")


def keep_words(turn: Turn) -> Turn:
    """The user's turn without results of tools, whose calls stand elsewhere."""
    content = turn.raw.get("content")
    if not turn.result_ids or not isinstance(content, list):
        return turn
    words = [block for block in content if block.get("type") != "tool_result"]
    return parse_message({**turn.raw, "content": words}, turn.number, "a message")


def alternate(messages: list[Raw], form: Format) -> list[Raw]:
    """The messages with neighbours of one role joined, where the format is Anthropic's."""
    if form != "anthropic":
        return messages
    joined: list[Raw] = []
    for message in messages:
        if joined and joined[-1]["role"] == message["role"]:
            blocks = [*_list_blocks(joined[-1]), *_list_blocks(message)]
            joined[-1] = {**joined[-1], "content": blocks}
        else:
            joined.append(message)
    return joined


def _list_blocks(message: Raw) -> list[Any]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def count_messages(messages: list[Raw]) -> int:
    """Tokens of the messages' text, tool calls and results."""
    return count_turns([parse_message(raw, at, "a message") for at, raw in enumerate(messages, 1)])

"""One message in OpenAI's or Anthropic's format as a turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from koderz.errors import JobError
from koderz.extract.chat.turns import Format, Piece, Role, Turn

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_TEXT_TYPES = frozenset({"text", "input_text", "output_text", "refusal"})
_ANTHROPIC_TYPES = frozenset({"tool_use", "tool_result", "thinking", "redacted_thinking"})


def parse_message(raw: Any, number: int, place: str) -> Turn:
    """The turn that a message is. Raises JobError, which names the `place`."""
    if not isinstance(raw, Mapping):
        raise JobError(f"{place} is not a message: an object with `role` and `content` is wanted")
    role = _ROLES.get(raw["role"]) if isinstance(raw.get("role"), str) else None
    if role is None:
        raise JobError(f"{place} has no known role: system, user, assistant or tool is wanted")
    pieces = (*_parse_content(raw, role, place), *_parse_calls(raw, place))
    return Turn(number=number, role=role, pieces=pieces, raw=raw)


def get_format(turns: tuple[Turn, ...]) -> Format:
    """The format that the messages show themselves to be in."""
    for turn in turns:
        content = turn.raw.get("content")
        blocks = content if isinstance(content, list) else []
        if any(
            isinstance(each, Mapping) and each.get("type") in _ANTHROPIC_TYPES for each in blocks
        ):
            return "anthropic"
        if turn.role in {"system", "tool"} or turn.raw.get("tool_calls"):
            return "openai"
    return "plain"


def _parse_content(raw: Mapping[str, Any], role: Role, place: str) -> Iterator[Piece]:
    content = raw.get("content")
    if role == "tool":
        name = str(raw.get("name") or "")
        call_id = str(raw.get("tool_call_id") or name)
        yield Piece(kind="result", call_id=call_id, name=name, text=_flatten(content))
        return
    if content is None and (raw.get("tool_calls") or raw.get("function_call")):
        return
    if isinstance(content, str):
        yield Piece(kind="text", text=content)
        return
    if not isinstance(content, list):
        raise JobError(f"{place} has no content: a text or a list of blocks is wanted")
    for block in content:
        if not isinstance(block, Mapping):
            raise JobError(f"{place} has a content block that is no object")
        yield _parse_block(block)


def _parse_block(block: Mapping[str, Any]) -> Piece:
    kind = block.get("type")
    if kind in _TEXT_TYPES:
        return Piece(kind="text", text=str(block.get("text") or block.get("refusal") or ""))
    if kind == "tool_use":
        given = block.get("input")
        arguments = given if isinstance(given, Mapping) else {}
        return _build_call(str(block.get("id") or ""), str(block.get("name") or ""), arguments)
    if kind == "tool_result":
        return Piece(
            kind="result",
            call_id=str(block.get("tool_use_id") or ""),
            text=_flatten(block.get("content")),
            is_error=block.get("is_error") is True,
        )
    return Piece(kind="other", text=str(block.get("thinking") or ""), name=str(kind or ""))


def _parse_calls(raw: Mapping[str, Any], place: str) -> Iterator[Piece]:
    calls = raw.get("tool_calls") or []
    if not isinstance(calls, list) or not all(isinstance(call, Mapping) for call in calls):
        raise JobError(f"{place} has `tool_calls` that are no list of objects")
    for call in calls:
        function = call.get("function") or call.get("custom") or {}
        if not isinstance(function, Mapping):
            raise JobError(f"{place} has a tool call without its function")
        name = str(function.get("name") or "")
        given = function.get("arguments") or function.get("input")
        yield _build_call(str(call.get("id") or ""), name, parse_arguments(given))
    legacy = raw.get("function_call")
    if isinstance(legacy, Mapping):
        name = str(legacy.get("name") or "")
        yield _build_call(name, name, parse_arguments(legacy.get("arguments")))


def parse_arguments(given: Any) -> Mapping[str, Any]:
    """A call's arguments; text that is no JSON object stands under `input`."""
    if isinstance(given, Mapping):
        return given
    text = str(given or "")
    try:
        decoded = msgspec.json.decode(text)
    except msgspec.DecodeError:
        decoded = None
    if isinstance(decoded, dict):
        return decoded
    return {"input": text} if text else {}


def _build_call(call_id: str, name: str, arguments: Mapping[str, Any]) -> Piece:
    text = f"{name} {msgspec.json.encode(arguments).decode()}"
    return Piece(kind="call", call_id=call_id, name=name, arguments=arguments, text=text)


def _flatten(content: Any) -> str:
    """The text of a tool's result, pictures and the like left out."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        blocks = [each for each in content if isinstance(each, Mapping)]
        return "\n".join(str(each.get("text") or "") for each in blocks if each.get("text"))
    return "" if content is None else msgspec.json.encode(content).decode()

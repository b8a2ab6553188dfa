"""Tool calls and their results, matched: some formats go by id, some by name, some by order."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from koderz.types import Message, Part, ToolCall, ToolResult


def name_results(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The turns with every tool result named after the call that it answers."""
    names: dict[str, str] = {}
    return tuple(_name_message(message, names) for message in messages)


def _name_message(message: Message, names: dict[str, str]) -> Message:
    if message.role == "assistant":
        names.update((part.id, part.name) for part in message.parts if isinstance(part, ToolCall))
        return message
    if not any(isinstance(part, ToolResult) and not part.name for part in message.parts):
        return message
    return msgspec.structs.replace(
        message, parts=tuple(_name_part(part, names) for part in message.parts)
    )


def _name_part(part: Part, names: dict[str, str]) -> Part:
    if isinstance(part, ToolResult) and not part.name:
        return msgspec.structs.replace(part, name=names.get(part.call_id, ""))
    return part


def results_first(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """A user's parts in the order that providers ask for: a tool's results lead the turn."""
    return tuple(sorted(parts, key=lambda part: not isinstance(part, ToolResult)))


class OpenCalls:
    """Ids for the calls and results of a conversation whose format may leave them out."""

    def __init__(self) -> None:
        self._count = 0
        self._open: list[tuple[str, str]] = []

    def call(self, name: str, call_id: str | None) -> str:
        """The call's id, or one made from its place in the conversation."""
        given = call_id or make_call_id(self._count)
        self._count += 1
        self._open.append((name, given))
        return given

    def result(self, name: str, call_id: str | None) -> str:
        """The id of the call that a result answers: its own, or the first open one by name."""
        for place, (open_name, open_id) in enumerate(self._open):
            if (call_id or open_id) == open_id and open_name == name:
                del self._open[place]
                return open_id
        return call_id or name


def make_call_id(index: int, answer_id: str = "") -> str:
    """An id for the call at this place of an answer that gave it none."""
    return f"call_{answer_id}_{index}" if answer_id else f"call_{index}"

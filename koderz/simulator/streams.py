"""An answer in the pieces in which it streams."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from koderz.types import Completion, Delta, Part, Reasoning, Text, ToolCall

_PIECE = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


def split_completion(completion: Completion) -> tuple[Delta, ...]:
    """The completion's pieces, about a word each; joined they are its parts."""
    deltas: list[Delta] = []
    calls = 0
    for part in completion.parts:
        deltas += _split_part(part, calls)
        calls += isinstance(part, ToolCall)
    return tuple(deltas)


def _split_part(part: Part, index: int) -> Iterator[Delta]:
    match part:
        case Text():
            yield from (Delta(text=piece) for piece in _PIECE.findall(part.text))
        case Reasoning():
            yield from (Delta(reasoning=piece) for piece in _PIECE.findall(part.text))
        case ToolCall():
            yield Delta(tool_index=index, tool_id=part.id, tool_name=part.name)
            arguments = msgspec.json.encode(part.arguments).decode()
            pieces = _PIECE.findall(arguments)
            yield from (Delta(tool_index=index, tool_arguments=piece) for piece in pieces)
        case _:
            return

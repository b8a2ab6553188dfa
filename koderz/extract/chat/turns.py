"""A conversation's turns and their pieces, whichever provider's format they came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from koderz.tokens import count_tokens

Role = Literal["system", "user", "assistant", "tool"]
Format = Literal["openai", "anthropic", "plain"]
PieceKind = Literal["text", "call", "result", "other"]


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a turn: plain text, a tool call, a tool's result, or anything else.

    `call_id` ties a result to its call; `arguments` are the call's, `text` is what is counted.
    """

    kind: PieceKind
    text: str = ""
    name: str = ""
    call_id: str = ""
    arguments: Mapping[str, Any] = {}
    is_error: bool = False


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One message: `number` counts from 1, `raw` is the message as it was given."""

    number: int
    role: Role
    pieces: tuple[Piece, ...]
    raw: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The plain text, its other pieces left out."""
        return "\n".join(piece.text for piece in self.pieces if piece.kind == "text")

    @property
    def is_request(self) -> bool:
        """Whether a person says something here."""
        return self.role == "user" and bool(self.text.strip())

    @property
    def call_ids(self) -> tuple[str, ...]:
        """The tool calls made here."""
        return tuple(piece.call_id for piece in self.pieces if piece.kind == "call")

    @property
    def result_ids(self) -> tuple[str, ...]:
        """The tool calls answered here."""
        return tuple(piece.call_id for piece in self.pieces if piece.kind == "result")


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation's turns in order, and the format that its messages are in.

    `plain` is text alone, which every provider takes. `notes` say what was passed over.
    """

    format: Format
    turns: tuple[Turn, ...]
    notes: tuple[str, ...] = ()


class Unit(msgspec.Struct, frozen=True):
    """Turns that stand or fall together: a call with its results, else one turn.

    `is_whole` is False where a call lacks its result, or a result its call.
    """

    turns: tuple[Turn, ...]
    is_whole: bool


def split_units(turns: Sequence[Turn]) -> tuple[Unit, ...]:
    """The turns in groups that must not be torn apart, in order."""
    units: list[Unit] = []
    at = 0
    while at < len(turns):
        group, wanted = [turns[at]], set(turns[at].call_ids)
        is_whole = not turns[at].result_ids
        at += 1
        while at < len(turns) and wanted and set(turns[at].result_ids) & wanted:
            is_whole = is_whole and set(turns[at].result_ids) <= wanted
            wanted -= set(turns[at].result_ids)
            group.append(turns[at])
            at += 1
        units.append(Unit(tuple(group), is_whole and not wanted))
    return tuple(units)


def count_turn(turn: Turn) -> int:
    """Tokens of the turn's text, tool calls and results; framing that providers add is not."""
    return sum(count_tokens(piece.text) for piece in turn.pieces)


def count_turns(turns: Sequence[Turn]) -> int:
    """Tokens of these turns together."""
    return sum(map(count_turn, turns))

"""An answer's parts from its pieces, and its pieces from its parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from koderz.errors import MalformedResponseError
from koderz.types import Completion, Delta, FinishReason, Part, Reasoning, Text, ToolCall
from koderz.wire.calls import make_call_id
from koderz.wire.codec import OBJECT, decode_answer, dump_object

PIECE_CHARS = 16


class _Prose(msgspec.Struct):
    """Text or reasoning that is still coming in."""

    is_reasoning: bool
    pieces: list[str]
    signature: str = ""

    def part(self) -> Part:
        text = "".join(self.pieces)
        return Reasoning(text, self.signature) if self.is_reasoning else Text(text)


class _Redacted(msgspec.Struct):
    """Sealed reasoning, which comes whole."""

    content: str

    def part(self) -> Part:
        return Reasoning(redacted=self.content)


class _Call(msgspec.Struct):
    """A tool call that is still coming in."""

    id: str
    name: str
    pieces: list[str]
    signature: str = ""

    def part(self) -> Part:
        if not self.name:
            raise MalformedResponseError("a tool call names no function")
        arguments = parse_arguments("".join(self.pieces))
        return ToolCall(self.id, self.name, arguments, self.signature)


class Assembly:
    """Collects the pieces of one answer; neighbouring pieces of one kind become one part."""

    def __init__(self) -> None:
        self._open: list[_Prose | _Redacted | _Call] = []
        self._calls: dict[int, _Call] = {}

    def add(self, delta: Delta) -> None:
        """Take one more piece."""
        if delta.tool_index is not None:
            self._add_call(delta.tool_index, delta)
            return
        if delta.reasoning:
            self._prose(is_reasoning=True).pieces.append(delta.reasoning)
        if delta.signature:
            self._prose(is_reasoning=True).signature = delta.signature
        if delta.redacted:
            self._open.append(_Redacted(delta.redacted))
        if delta.text:
            self._prose(is_reasoning=False).pieces.append(delta.text)

    def parts(self) -> tuple[Part, ...]:
        """All parts so far; raises `MalformedResponseError` for a call without name or JSON."""
        return tuple(part.part() for part in self._open)

    def _add_call(self, index: int, delta: Delta) -> None:
        call = self._calls.get(index)
        if call is None:
            call = self._calls[index] = _Call(delta.tool_id or make_call_id(index), "", [])
            self._open.append(call)
        call.name = call.name or delta.tool_name
        call.signature = delta.signature or call.signature
        if delta.tool_arguments:
            call.pieces.append(delta.tool_arguments)

    def _prose(self, *, is_reasoning: bool) -> _Prose:
        last = self._open[-1] if self._open else None
        if isinstance(last, _Prose) and last.is_reasoning is is_reasoning and not last.signature:
            return last
        fresh = _Prose(is_reasoning, [])
        self._open.append(fresh)
        return fresh


def parse_arguments(text: str) -> dict[str, object]:
    """A call's arguments; nothing at all is no argument. Raises `MalformedResponseError`."""
    return decode_answer(OBJECT, text) if text.strip() else {}


def split_completion(completion: Completion, piece_chars: int = PIECE_CHARS) -> Iterator[Delta]:
    """The answer in pieces as a model gives them, of so many characters at most."""
    return split_parts(completion.parts, piece_chars)


def split_parts(
    parts: Iterable[Part], piece_chars: int | None = None, first_call: int = 0
) -> Iterator[Delta]:
    """The parts in pieces, whole ones where no size is given; calls count from `first_call`."""
    index = first_call
    for part in parts:
        if isinstance(part, Text):
            yield from (Delta(text=piece) for piece in _cut(part.text, piece_chars))
        elif isinstance(part, Reasoning):
            yield from _split_reasoning(part, piece_chars)
        elif isinstance(part, ToolCall):
            yield from _split_call(part, index, piece_chars)
            index += 1


def _split_reasoning(part: Reasoning, piece_chars: int | None) -> Iterator[Delta]:
    yield from (Delta(reasoning=piece) for piece in _cut(part.text, piece_chars))
    if part.signature:
        yield Delta(signature=part.signature)
    if part.redacted:
        yield Delta(redacted=part.redacted)


def _split_call(part: ToolCall, index: int, piece_chars: int | None) -> Iterator[Delta]:
    head = {"tool_id": part.id, "tool_name": part.name, "signature": part.signature}
    for piece in _cut(dump_object(part.arguments), piece_chars):
        yield Delta(tool_index=index, tool_arguments=piece, **head)
        head = {}


def _cut(text: str, piece_chars: int | None) -> Iterator[str]:
    size = piece_chars or max(len(text), 1)
    return (text[start : start + size] for start in range(0, len(text), size))


def settle_finish(finish: FinishReason, parts: Iterable[Part]) -> FinishReason:
    """The reason, said plainly where a host says "stop" after asking for a tool."""
    if finish is FinishReason.STOP and any(isinstance(part, ToolCall) for part in parts):
        return FinishReason.TOOL_CALLS
    return finish


def cut_short() -> MalformedResponseError:
    """The error for a stream that broke off."""
    return MalformedResponseError("the stream ended before the answer did")

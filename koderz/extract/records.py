"""Records: the lines of a block, with those that are too long cut into pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

LONG_BYTES = 2048
_PIECE_BYTES = 512
_OBJECT_ENDS = re.compile(rb"[}\]],\s*(?=[{\[])|(?:\\r)?\\n")
_BREAKS = re.compile(rb"[\s,;]")
_CONTINUATION = re.compile(rb"[\x80-\xbf]")  # A byte of UTF-8 that goes on with a character.


class Records(msgspec.Struct, frozen=True, kw_only=True):
    """What is ranked: lines, or pieces of long ones, as cleaned UTF-8.

    `numbers` are their line numbers. `pieces` hold, by index, the first character (from 1) of every
    piece, and whether it ends its line.
    """

    lines: Sequence[bytes]
    numbers: Sequence[int]
    pieces: dict[int, tuple[int, bool]]


def build_records(text: bytes, line: int, column: int = 1) -> Records:
    """The records of a cleaned block that begins at this line and character."""
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if column == 1 and max(map(len, lines), default=0) <= LONG_BYTES:
        return Records(lines=lines, numbers=range(line, line + len(lines)), pieces={})
    return _build_pieces(lines, line, column, is_ended=text.endswith(b"\n"))


def _build_pieces(lines: list[bytes], line: int, column: int, *, is_ended: bool) -> Records:
    cut: list[bytes] = []
    numbers: list[int] = []
    pieces: dict[int, tuple[int, bool]] = {}
    for number, content in enumerate(lines, line):
        at = column if number == line else 1
        ends_here = is_ended or number < line + len(lines) - 1
        parts = list(_split(content)) if len(content) > LONG_BYTES else [content]
        for index, part in enumerate(parts):
            if at > 1 or len(parts) > 1:
                pieces[len(cut)] = at, ends_here and index == len(parts) - 1
            cut.append(part)
            numbers.append(number)
            at += len(part.decode(errors="replace"))
    return Records(lines=cut, numbers=numbers, pieces=pieces)


def _split(line: bytes) -> Iterator[bytes]:
    """A long line in pieces: objects of a JSON list and written-out line ends keep together."""
    ends = [match.end() for match in _OBJECT_ENDS.finditer(line)]
    start = 0
    for end, after in zip([*ends, len(line)], [*ends[1:], len(line), len(line)], strict=False):
        while end - start > LONG_BYTES:
            at = _break(line, start + _PIECE_BYTES, start + LONG_BYTES)
            yield line[start:at]
            start = at
        if after - start > _PIECE_BYTES or end == len(line):
            yield line[start:end]
            start = end


def _break(line: bytes, start: int, end: int) -> int:
    """Where to cut between two places: behind a space or mark, else between two characters."""
    if found := _BREAKS.search(line, start, end):
        return found.end()
    while _CONTINUATION.match(line, end):
        end -= 1
    return end

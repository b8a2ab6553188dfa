"""Rows: records with their places, gathered from the blocks of a file."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import msgspec

from koderz.extract.blocks import Place, load_block
from koderz.extract.cleaning import clean_lines
from koderz.extract.encodings import Encoding
from koderz.extract.records import Records, build_records


class Row(msgspec.Struct, frozen=True, gc=False):
    """A record: its ordinal in the file, line number, first character, content.

    `is_piece` says that it is not its whole line, `ends_line` that nothing of the line follows.
    """

    position: int
    number: int
    column: int
    line: bytes
    is_piece: bool
    ends_line: bool


def gather_rows(blocks: Iterable[tuple[int, Records]], windows: Sequence[range]) -> Iterator[Row]:
    """The rows inside the windows (ascending ranges of ordinals) of some blocks."""
    for first, records in blocks:
        end = first + len(records.lines)
        for positions in _overlapping(first, end, windows):
            for position in positions:
                yield _row(records, position - first, position)


def get_places(places: Sequence[Place], windows: Sequence[range], total: int) -> list[Place]:
    """The blocks that have rows inside the windows; `total` is the count of all rows."""
    ends = [place.record for place in places[1:]] + [total]
    return [
        place
        for place, end in zip(places, ends, strict=True)
        if any(True for _ in _overlapping(place.record, end, windows))
    ]


def get_line_places(places: Sequence[Place], start: int, end: int) -> Sequence[Place]:
    """The blocks that hold lines `start` to `end` (from 1, inclusive)."""
    first = bisect_left(places, start, key=lambda place: place.line)
    while first > 0 and (first == len(places) or places[first].line >= start):
        first -= 1
        if places[first].line < start:
            break
    return places[first : bisect_right(places, end, key=lambda place: place.line)]


def iter_rows(blocks: Iterable[tuple[int, Records]]) -> Iterator[Row]:
    """All rows of some blocks."""
    for first, records in blocks:
        for index in range(len(records.lines)):
            yield _row(records, index, first + index)


def load_records(
    file: BinaryIO, codec: Encoding, places: Iterable[Place]
) -> Iterator[tuple[int, Records]]:
    """The records of some blocks, read again; a block that has changed by now is left out."""
    for place in places:
        block = load_block(file, place, codec)
        if block is not None:
            cleaned, _ = clean_lines(block.text)
            yield place.record, build_records(cleaned, place.line, place.column)


def _overlapping(start: int, end: int, windows: Sequence[range]) -> Iterator[range]:
    """The parts of the windows that lie between two ordinals."""
    at = bisect_left(windows, start + 1, key=lambda window: window.stop)
    while at < len(windows) and windows[at].start < end:
        yield range(max(start, windows[at].start), min(end, windows[at].stop))
        at += 1


def _row(records: Records, index: int, position: int) -> Row:
    column, ends_line = records.pieces.get(index, (1, True))
    is_piece = index in records.pieces
    line, number = records.lines[index], records.numbers[index]
    return Row(position, number, column, line, is_piece, ends_line)

"""What a line is worth: severity, rarity, the question, and closeness to what is worth most."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from koderz.extract.questions import TermIndex, score_question
from koderz.extract.rows import Row
from koderz.extract.shapes import Shape, ShapeTable

_RARITY_WEIGHT = 0.4
_QUESTION_WEIGHT = 0.9
_REPEAT_FACTOR = 0.35
_BEFORE, _AFTER, _CONTINUED, _FRAME = 0.72, 0.8, 0.9, 0.97
_END_WEIGHT, _END_RECORDS = 0.35, 25
_WINDOW_BEFORE, _WINDOW_AFTER = 12, 24
_HEAD_RECORDS, _TAIL_RECORDS = 200, 2000
_WORD_BYTES = 3

# A line that goes on with the one before it.
_INDENTED = re.compile(rb"[ \t]+\S|[}\])]")
_FRAMES = re.compile(
    rb'File "[^"]+", line \d|^\s*at [\w.$<>/]+ ?[(\[]'
    rb"|\.(?:go|rs|rb|py|js|ts|c|cc|cpp|h|java|kt):\d+"
    rb"|^\s*#\d+ |^\s*\d+: +[\w<>:]+::|^Caused by:|^goroutine \d|^\s+\.\.\. \d+ more"
)


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A line (or a piece of one) that a digest may choose, with what it is worth from 0 to about 2.

    `position` is its ordinal among all records of the file; lines alike have one `shape`.
    """

    position: int
    number: int
    column: int
    text: str
    heat: float
    shape: int
    is_piece: bool


class Ranking:
    """Weighs lines by what the whole file taught about its shapes and words."""

    def __init__(self, shapes: ShapeTable, terms: TermIndex, total: int) -> None:
        self._table = shapes
        self._terms = terms
        self._weights = terms.weights(total)
        self._total = total
        self._log_total = math.log(total + 2)
        self._words = _count_words(shapes.shapes())
        self._values: dict[Shape, float] = {}

    def choose_windows(self, most_records: int) -> list[range]:
        """Ranges of ordinals around the most telling lines of a file, ascending, apart."""
        seeds: dict[int, float] = {}
        for shape in self._table.shapes():
            value = self._value(shape)
            for position in (*shape.firsts, shape.last):
                is_edge = position in {shape.firsts[0], shape.last}
                worth = value if is_edge else value * _REPEAT_FACTOR
                seeds[position] = max(seeds.get(position, 0.0), worth)
        for position in self._terms.positions():
            seeds[position] = seeds.get(position, 0.0) + _QUESTION_WEIGHT
        head = range(min(_HEAD_RECORDS, self._total))
        tail = range(max(0, self._total - _TAIL_RECORDS), self._total)
        room = most_records // (_WINDOW_BEFORE + _WINDOW_AFTER)
        best = sorted(seeds, key=lambda position: (seeds[position], position), reverse=True)[:room]
        around = [
            range(max(0, at - _WINDOW_BEFORE), min(self._total, at + _WINDOW_AFTER)) for at in best
        ]
        return _merge([head, tail, *around])

    def rank(self, rows: Iterable[Row]) -> list[Candidate]:
        """The rows as candidates, in their order."""
        rows = list(rows)
        shapes = [self._table.get(row.line) for row in rows]
        base = [self._base(row, shape) for row, shape in zip(rows, shapes, strict=True)]
        own = [0.4 + 0.6 * self._rarity(shape.count) for shape in shapes]
        heats = _spread(rows, base, own)
        return [
            Candidate(
                row.position,
                row.number,
                row.column,
                row.line.decode(errors="replace"),
                heat,
                id(shape),
                row.is_piece,
            )
            for row, shape, heat in zip(rows, shapes, heats, strict=True)
        ]

    def _base(self, row: Row, shape: Shape) -> float:
        value = self._value(shape)
        if row.position != shape.last and row.position not in shape.firsts[:1]:
            value *= _REPEAT_FACTOR
        value += _END_WEIGHT * math.exp((row.position - self._total) / _END_RECORDS)
        if self._weights:
            value += _QUESTION_WEIGHT * score_question(row.line, self._weights)
        return value

    def _value(self, shape: Shape) -> float:
        value = self._values.get(shape)
        if value is None:
            rarity = self._rarity(shape.count)
            words = _words(shape)
            novelty = sum(self._rarity(self._words[word]) for word in words) / (len(words) + 2)
            value = shape.severity * (0.4 + 0.6 * rarity) + _RARITY_WEIGHT * rarity * novelty
            self._values[shape] = value
        return value

    def _rarity(self, count: int) -> float:
        return 1 - math.log(max(1, count)) / self._log_total


def _count_words(shapes: Iterable[Shape]) -> Counter[bytes]:
    """In how many lines each word stands."""
    counts: Counter[bytes] = Counter()
    for shape in shapes:
        for word in _words(shape):
            counts[word] += shape.count
    return counts


def _words(shape: Shape) -> set[bytes]:
    return {word for word in shape.template.lower().split() if len(word) >= _WORD_BYTES}


def _spread(rows: Sequence[Row], base: Sequence[float], own: Sequence[float]) -> list[float]:
    """Each line's worth, or what is left of a neighbour's where that is more.

    `own` says how much of a neighbour's worth a line takes on: less where lines like it are common.
    """
    below, above = list(base), list(base)
    holds = [get_hold(row.line) for row in rows]
    for at in range(1, len(rows)):
        if rows[at].position == rows[at - 1].position + 1:
            share = max(_AFTER, holds[at], _FRAME if holds[at - 1] == _FRAME else 0.0)
            below[at] = max(below[at], below[at - 1] * share)
    for at in range(len(rows) - 2, -1, -1):
        if rows[at].position == rows[at + 1].position - 1:
            share = _FRAME if _FRAME in (holds[at], holds[at - 1]) else _BEFORE
            above[at] = max(above[at], above[at + 1] * share)
    return [
        max(each, max(warmed) * part)
        for each, part, *warmed in zip(base, own, below, above, strict=True)
    ]


def get_hold(line: bytes) -> float:
    """How closely a line belongs to the one before it: 0 where it begins a record."""
    if _FRAMES.search(line):
        return _FRAME
    return _CONTINUED if _INDENTED.match(line) else 0.0


def _merge(windows: Iterable[range]) -> list[range]:
    merged: list[range] = []
    for window in sorted(windows, key=lambda window: window.start):
        if merged and window.start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, window.stop))
        elif window:
            merged.append(window)
    return merged

"""Chunks of a file for a model to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import msgspec

from koderz.errors import JobError
from koderz.extract.ranking import get_hold
from koderz.extract.rows import Row, gather_rows, get_places, load_records
from koderz.extract.spans import Span
from koderz.extract.survey import Survey
from koderz.tokens import count_tokens

_LEAD = 0.6  # Share of a chunk that stands before what made it telling: causes come first.
_SLACK = 1.3  # Lines are read for so much more than a chunk, as they differ in length.
_WHOLE_SHARE = 0.9  # A file with this share of what may be read is read whole.


def load_chunks(survey: Survey, *, chunk_tokens: int, max_chunks: int) -> tuple[Span, ...]:
    """The most telling chunks of a file, in file order, apart from each other; read from disk.

    Each has at most `chunk_tokens` tokens and begins where a record begins, if one does near
    there; the file's end is always among them. A file that fits is given whole. Of a line that is
    too long for a chunk a piece is given (`Span.is_cut`).

    Raises:
        JobError: a limit is below 1, or the file cannot be read again.
    """
    if chunk_tokens < 1 or max_chunks < 1:
        raise JobError(f"{max_chunks} chunks of {chunk_tokens} tokens hold nothing: give 1 or more")
    total = survey.record_count
    if survey.tokens_in <= chunk_tokens * max_chunks * _WHOLE_SHARE:
        rows = _load_rows(survey, [range(total)], total)
        runs = list(_cut(_build_units(rows, chunk_tokens), chunk_tokens))
        if len(runs) <= max_chunks:
            return tuple(map(_build_span, runs))
    regions = _choose_regions(survey, total, chunk_tokens, max_chunks)
    by_position = {
        row.position: row for row in _load_rows(survey, [region for region, _ in regions], total)
    }
    spans = []
    for region, seed in regions:
        rows = [by_position[position] for position in region if position in by_position]
        if rows:
            units = _build_units(rows, chunk_tokens)
            spans.append(_build_span(_fit(units, seed, chunk_tokens)))
    return tuple(spans)


def _choose_regions(
    survey: Survey, total: int, chunk_tokens: int, max_chunks: int
) -> list[tuple[range, int]]:
    """Ranges of ordinals around what is worth most, ascending, with the ordinal that made each."""
    size = max(1, int(_SLACK * chunk_tokens * total / max(1, survey.tokens_in)))
    regions = [(range(max(0, total - size), total), total - 1)]
    for candidate in sorted(survey.candidates, key=lambda each: each.heat, reverse=True):
        if len(regions) >= max_chunks:
            break
        seed = candidate.position
        if any(seed in region for region, _ in regions):
            continue
        start = max([0, seed - int(size * _LEAD), *(r.stop for r, _ in regions if r.stop <= seed)])
        stop = min([total, start + size, *(r.start for r, _ in regions if r.start > seed)])
        regions.append((range(start, stop), seed))
    return sorted(regions, key=lambda region: region[1])


def _load_rows(survey: Survey, windows: Sequence[range], total: int) -> list[Row]:
    places = get_places(survey.places, windows, total)
    try:
        with survey.path.open("rb") as file:
            return list(gather_rows(load_records(file, survey.codec, places), windows))
    except OSError as error:
        raise JobError(f"cannot read {survey.path} again: {error.strerror or error}") from None


class _Unit(msgspec.Struct, frozen=True):
    """Rows that stay together: a line's pieces, or as many of them as fit a chunk alone."""

    rows: Sequence[Row]
    tokens: int
    is_whole_line: bool

    @property
    def begins_record(self) -> bool:
        return self.is_whole_line and not get_hold(self.rows[0].line)


def _build_units(rows: Iterable[Row], limit_tokens: int) -> list[_Unit]:
    units = []
    for _, group in groupby(rows, key=lambda row: row.number):
        pieces = list(group)
        tokens = _count(pieces)
        if pieces[0].column == 1 and pieces[-1].ends_line and tokens <= limit_tokens:
            units.append(_Unit(pieces, tokens, is_whole_line=True))
        else:
            units += _split_line(pieces, limit_tokens)
    return units


def _split_line(pieces: Sequence[Row], limit_tokens: int) -> Iterator[_Unit]:
    """The pieces of a line that is too long, or not whole here, as units that fit."""
    start, tokens = 0, 0
    for at, piece in enumerate(pieces):
        cost = _count([piece])
        if at > start and tokens + cost > limit_tokens:
            yield _Unit(pieces[start:at], tokens, is_whole_line=False)
            start, tokens = at, 0
        tokens += cost
    yield _Unit(pieces[start:], tokens, is_whole_line=False)


def _cut(units: Iterable[_Unit], limit_tokens: int) -> Iterator[Sequence[_Unit]]:
    """All units in runs that fit, each begun at a record's beginning if one is near."""
    run: list[_Unit] = []
    for unit in units:
        if run and not (unit.is_whole_line and run[-1].is_whole_line):
            yield run
            run = []
        elif run and sum(each.tokens for each in run) + unit.tokens > limit_tokens:
            keep = _find_cut(run)
            yield run[:keep]
            run = run[keep:]
        run.append(unit)
    if run:
        yield run


def _find_cut(run: Sequence[_Unit]) -> int:
    """Before the last record in the second half of a run, else at its end."""
    places = range(len(run) - 1, len(run) // 2, -1)
    return next((at for at in places if run[at].begins_record), len(run))


def _fit(units: Sequence[_Unit], seed: int, limit_tokens: int) -> Sequence[_Unit]:
    """The units around the one with the seed that fit, begun where a record begins."""
    at = next((at for at, each in enumerate(units) if each.rows[-1].position >= seed), -1)
    at %= len(units)
    if not units[at].is_whole_line:
        return [units[at]]
    start, stop, room = at, at + 1, limit_tokens - units[at].tokens

    def fits(place: int, least_room: float = 0) -> bool:
        is_there = 0 <= place < len(units) and units[place].is_whole_line
        return is_there and room - units[place].tokens >= least_room

    while fits(start - 1, limit_tokens * (1 - _LEAD)):
        start -= 1
        room -= units[start].tokens
    while fits(stop):
        room -= units[stop].tokens
        stop += 1
    while fits(start - 1):
        start -= 1
        room -= units[start].tokens
    start = next((place for place in range(start, at) if units[place].begins_record), start)
    return units[start:stop]


def _count(rows: Iterable[Row]) -> int:
    """Tokens of one line's rows, its end included: lines together have no more."""
    return count_tokens(b"".join(row.line for row in rows).decode(errors="replace") + "\n")


def _build_span(run: Sequence[_Unit]) -> Span:
    lines = [b"".join(row.line for row in unit.rows).decode(errors="replace") for unit in run]
    first, last = run[0].rows[0], run[-1].rows[-1]
    return Span(
        start=first.number,
        end=last.number,
        text="\n".join(lines),
        column=first.column,
        is_cut=not run[0].is_whole_line,
    )

"""Any lines of a surveyed file, exactly."""

from __future__ import annotations

from collections.abc import Iterator

from koderz.errors import JobError
from koderz.extract.rows import Row, get_line_places, iter_rows, load_records
from koderz.extract.selection import Choice
from koderz.extract.spans import Span
from koderz.extract.survey import Survey

MAX_LINE_CHARS = 1_000_000


def load_lines(survey: Survey, start: int, end: int) -> Span:
    """Lines `start` to `end` (from 1, inclusive, clipped to the file), cleaned; read from disk.

    Of a line with more than `MAX_LINE_CHARS` characters only that many are given.

    Raises:
        JobError: there are no such lines, or the file has changed there since it was surveyed.
    """
    start, end = max(1, start), min(end, survey.line_count)
    texts: dict[int, str] = {}
    for row in _load_rows(survey, start, end):
        text = texts.get(row.number, "")
        if len(text) < MAX_LINE_CHARS:
            texts[row.number] = (text + row.line.decode(errors="replace"))[:MAX_LINE_CHARS]
    if start > end:
        raise JobError(f"{survey.path} has {survey.line_count} lines: there is no line {start}")
    if len(texts) != end - start + 1:
        raise JobError(f"{survey.path} has changed since it was read: read it again")
    return Span(start=start, end=end, text="\n".join(texts[number] for number in sorted(texts)))


def load_choices(survey: Survey, start: int, end: int) -> list[Choice]:
    """Lines `start` to `end` (clipped to the file) as choices for a digest.

    Where the file has changed since it was surveyed, its lines are not among them.
    """
    return [
        Choice(
            row.position, row.number, row.column, row.line.decode(errors="replace"), row.is_piece
        )
        for row in _load_rows(survey, max(1, start), min(end, survey.line_count))
    ]


def _load_rows(survey: Survey, start: int, end: int) -> Iterator[Row]:
    places = get_line_places(survey.places, start, end)
    try:
        with survey.path.open("rb") as file:
            for row in iter_rows(load_records(file, survey.codec, places)):
                if start <= row.number <= end:
                    yield row
    except OSError as error:
        raise JobError(f"cannot read {survey.path} again: {error.strerror or error}") from None

"""What a model found in one chunk, and the check that it has to pass.

An answer is rejected when it is cut off or not the JSON asked for, when it claims findings and no
quote of theirs stands in the chunk, when more than `MAX_DROPPED_SHARE` of its quotes do not stand,
and when it finds nothing although the chunk holds a line that must be kept. In an accepted answer
the findings whose quotes do not stand are dropped and counted. Reasons name lines, never text: they
go to the ledger, which keeps nothing of a file or an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from unicodedata import category

import msgspec

from koderz.extract.numbers import find_numbers
from koderz.extract.severity import score_severity
from koderz.extract.spans import Span
from koderz.extract.words import split_words
from koderz.jobs.json_answers import decode_answer
from koderz.jobs.quotes import Place, QuotedLines
from koderz.routing.checks import Accepted, Check, Rejected
from koderz.types import Completion

MAX_DROPPED_SHARE = Fraction(1, 3)
EXCERPT_CHARS = 600


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a model says, in its own words, of the original lines where its quote stands.

    `start` and `end` are line numbers (from 1, inclusive). `excerpt` is the text around the quote,
    which begins at its index `focus`, and `column` is its first character (from 1) of the line: of
    a line too long to be shown whole (`is_cut`), that is what there is to show.
    """

    start: int
    end: int
    text: str
    finding: str
    column: int
    excerpt: str
    focus: int = 0
    is_cut: bool = False


class ChunkReading(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted answer: its findings, most telling first, and its summary, a paraphrase.

    `quotes_dropped` counts the findings left out because their quotes do not stand.
    """

    findings: tuple[Finding, ...]
    summary: str
    quotes_dropped: int = 0


class _ClaimedFinding(msgspec.Struct):
    start_line: int
    end_line: int
    quote: str
    finding: str


class _ClaimedReading(msgspec.Struct):
    findings: list[_ClaimedFinding]
    summary: str


_DECODER = msgspec.json.Decoder(_ClaimedReading, strict=False)


def build_reading_check(chunk: Span, *, must_keep_line: int | None) -> Check[ChunkReading]:
    """The check of an answer about this chunk; `must_keep_line` is one that it may not pass over.

    None where the chunk holds no such line.
    """
    source = QuotedLines(chunk.start, chunk.lines)

    def check(completion: Completion) -> Accepted[ChunkReading] | Rejected:
        answer = decode_answer(completion, _DECODER)
        if isinstance(answer, Rejected):
            return answer
        return _check_quotes(answer, chunk, source, must_keep_line)

    return check


def _check_quotes(
    claimed: _ClaimedReading, chunk: Span, source: QuotedLines, must_keep_line: int | None
) -> Accepted[ChunkReading] | Rejected:
    standing, fallen = _sort_out(claimed.findings, chunk, source)
    if fallen and len(fallen) > MAX_DROPPED_SHARE * len(claimed.findings):
        first = fallen[0]
        return Rejected(
            f"{len(fallen)} of {len(claimed.findings)} quotes do not stand in the file, first the "
            f"one for lines {first.start_line}-{first.end_line}"
        )
    if not claimed.findings and must_keep_line is not None:
        return Rejected(f"nothing was found, but line {must_keep_line} must not be passed over")
    return Accepted(
        ChunkReading(
            findings=tuple(standing),
            summary=flatten_prose(claimed.summary),
            quotes_dropped=len(fallen),
        )
    )


def _sort_out(
    claimed: list[_ClaimedFinding], chunk: Span, source: QuotedLines
) -> tuple[list[Finding], list[_ClaimedFinding]]:
    """The findings whose quotes stand, and those whose do not."""
    standing: list[Finding] = []
    fallen: list[_ClaimedFinding] = []
    for item in claimed:
        place = source.locate(item.quote, item.start_line, item.end_line)
        if place is None:
            fallen.append(item)
        else:
            standing.append(_build_finding(item, chunk, place))
    return standing, fallen


def _build_finding(item: _ClaimedFinding, chunk: Span, place: Place) -> Finding:
    first = chunk.start
    text = "\n".join(chunk.lines[place.start - first : place.end - first + 1])
    line_start = chunk.text.rfind("\n", 0, place.first_char) + 1
    margin = max(EXCERPT_CHARS - (place.stop_char - place.first_char), 0) // 2
    begin = max(place.first_char - margin, line_start)
    excerpt = chunk.text[begin : begin + EXCERPT_CHARS].partition("\n")[0]
    return Finding(
        start=place.start,
        end=place.end,
        text=text,
        finding=flatten_prose(item.finding),
        column=begin - line_start + (chunk.column if line_start == 0 else 1),
        excerpt=excerpt,
        focus=place.first_char - begin,
        is_cut=chunk.is_cut,
    )


def score_lines(lines: Iterable[str]) -> float:
    """How grave the gravest of these lines is by its own words, from 0 to 1."""
    return max(_score(line.encode(errors="replace")) for line in lines)


def _score(line: bytes) -> float:
    words = split_words(line)
    numbers = "".join(number.classify(line) for number in find_numbers(line, words))
    return score_severity(line, words, numbers)


def flatten_prose(text: str) -> str:
    """A model's prose as one line without control characters, fit for a terminal."""
    visible = ("" if category(char) in {"Cc", "Cf", "Cs"} else char for char in _space_out(text))
    return "".join(visible)


def _space_out(text: str) -> str:
    return " ".join(text.split())

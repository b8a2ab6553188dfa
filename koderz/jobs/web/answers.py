"""A model's answer from a page, and the check that it has to pass.

An answer is rejected when it is cut off or not the JSON asked for, when it claims to answer and
says nothing or quotes nothing, and when more than a third of its quotes do not stand in the lines
that the model was shown. What it says is a paraphrase; what is shown beside it are the original
blocks in which its quotes stand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from typing import TypeAlias

import msgspec

from koderz.extract.web.pages import Page
from koderz.jobs.json_answers import decode_answer
from koderz.jobs.quotes import Place, QuotedLines
from koderz.jobs.read.findings import flatten_prose
from koderz.routing.checks import Accepted, Check, Rejected
from koderz.types import Completion

Shown: TypeAlias = tuple[int, ...]
"""The positions of the blocks that a model is shown."""

MAX_DROPPED_SHARE = Fraction(1, 3)


class PageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted answer: what it says, and the blocks that it quotes, most telling first.

    `is_answered` is False where the model says that the page does not answer the question;
    `quotes_dropped` counts quotes left out because they stand nowhere.
    """

    text: str
    blocks: tuple[int, ...]
    is_answered: bool
    quotes_dropped: int = 0


class _ClaimedQuote(msgspec.Struct):
    start_line: int
    end_line: int
    quote: str


class _ClaimedAnswer(msgspec.Struct):
    is_answered: bool
    answer: str
    quotes: list[_ClaimedQuote]


_DECODER = msgspec.json.Decoder(_ClaimedAnswer, strict=False)


def list_lines(page: Page, blocks: Iterable[int]) -> dict[int, str]:
    """The lines of these blocks by their number in the page."""
    return {
        number: line
        for at in sorted(blocks)
        for number, line in enumerate(page.blocks[at].markdown.split("\n"), page.starts[at])
    }


def build_answer_check(page: Page, shown: Collection[int]) -> Check[PageAnswer]:
    """The check of an answer from these blocks of the page: a quote of any other does not stand."""
    places = list_places(page, shown)
    return build_quotes_check(list_lines(page, shown), places)


def list_places(page: Page, shown: Iterable[int]) -> dict[int, int]:
    """The block of each line of these blocks, by the line's number in the page."""
    return {number: at for at in shown for number in _list_numbers(page, at)}


def build_quotes_check(lines: Mapping[int, str], places: Mapping[int, int]) -> Check[PageAnswer]:
    """The check of an answer from these numbered lines; `places` are their blocks."""
    last = max(lines, default=0)
    source = QuotedLines(1, [lines.get(number, "") for number in range(1, last + 1)])

    def check(completion: Completion) -> Accepted[PageAnswer] | Rejected:
        claimed = decode_answer(completion, _DECODER)
        if isinstance(claimed, Rejected):
            return claimed
        return _check_quotes(claimed, source, places)

    return check


def _check_quotes(
    claimed: _ClaimedAnswer, source: QuotedLines, places: Mapping[int, int]
) -> Accepted[PageAnswer] | Rejected:
    found = [source.locate(each.quote, each.start_line, each.end_line) for each in claimed.quotes]
    fallen = [each for each, place in zip(claimed.quotes, found, strict=True) if place is None]
    if fallen and len(fallen) > MAX_DROPPED_SHARE * len(found):
        first = fallen[0]
        return Rejected(
            f"{len(fallen)} of {len(found)} quotes do not stand in the page, first the one for "
            f"lines {first.start_line}-{first.end_line}"
        )
    text = flatten_prose(claimed.answer)
    if claimed.is_answered and not (text and found):
        return Rejected(f"it claims to answer and {'quotes' if text else 'says'} nothing")
    return Accepted(
        PageAnswer(
            text=text,
            blocks=tuple(dict.fromkeys(_list_blocks(found, places))),
            is_answered=claimed.is_answered,
            quotes_dropped=len(fallen),
        )
    )


def _list_blocks(found: Iterable[Place | None], places: Mapping[int, int]) -> Iterable[int]:
    for place in found:
        if place is not None:
            numbers = range(place.start, place.end + 1)
            yield from (places[number] for number in numbers if number in places)


def _list_numbers(page: Page, at: int) -> range:
    return range(page.starts[at], page.get_end(at) + 1)

"""A growing choice of lines whose rendering is counted exactly at every step."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from koderz.extract.render import render_digest, render_gap, render_line
from koderz.extract.spans import Digest, Gap, Span
from koderz.tokens import count_tokens


class Choice(msgspec.Struct, frozen=True, gc=False):
    """A line, or a piece of one, that may go into a digest; `position` orders them."""

    position: int
    number: int
    column: int
    text: str
    is_cut: bool


class Selection:
    """The lines chosen so far, in file order, and the tokens that they take with their gaps.

    A rendered line begins with a digit and a gap with a bracket, before which the vocabulary's
    pattern always cuts, so the tokens of single lines add up to those of the whole text.
    """

    def __init__(self, line_count: int) -> None:
        self._line_count = line_count
        self._positions: list[int] = []
        self._choices: list[Choice] = []
        self.tokens = _gap_cost(0, line_count + 1)

    def __contains__(self, position: int) -> bool:
        at = bisect_left(self._positions, position)
        return at < len(self._positions) and self._positions[at] == position

    def cost(self, choice: Choice) -> int:
        """Tokens that the choice would add; below 0 where it closes a gap cheaply."""
        at = bisect_left(self._positions, choice.position)
        before, after = self._number(at - 1), self._number(at)
        gaps = _gap_cost(before, choice.number) + _gap_cost(choice.number, after)
        return line_cost(choice) + gaps - _gap_cost(before, after)

    def add(self, choice: Choice) -> None:
        """Takes the choice in."""
        self.tokens += self.cost(choice)
        at = bisect_left(self._positions, choice.position)
        self._positions.insert(at, choice.position)
        self._choices.insert(at, choice)

    def remove(self, position: int) -> None:
        """Lets a choice go again."""
        at = bisect_left(self._positions, position)
        choice = self._choices.pop(at)
        self._positions.pop(at)
        self.tokens -= self.cost(choice)

    def holes(self) -> list[range]:
        """The ordinals that lie between those chosen, a range each."""
        holes = (range(before + 1, after) for before, after in pairwise(self._positions))
        return [hole for hole in holes if hole]

    def build(self) -> Digest:
        """The digest of what was chosen."""
        spans = tuple(_build_spans(self._choices))
        gaps, last = [], 0
        for span in spans:
            if span.start > last + 1:
                gaps.append(Gap(start=last + 1, end=span.start - 1))
            last = max(last, span.end)
        if last < self._line_count:
            gaps.append(Gap(start=last + 1, end=self._line_count))
        digest = Digest(spans=spans, gaps=tuple(gaps), tokens_out=0)
        tokens_out = count_tokens(render_digest(digest))  # Without the last line's end.
        return msgspec.structs.replace(digest, tokens_out=tokens_out)

    def _number(self, at: int) -> int:
        if at < 0:
            return 0
        return self._choices[at].number if at < len(self._choices) else self._line_count + 1


def line_cost(choice: Choice) -> int:
    """Tokens of the rendered line with its end."""
    line = render_line(choice.number, choice.text, choice.column, is_cut=choice.is_cut)
    return count_tokens(line + "\n")


def _gap_cost(before: int, after: int) -> int:
    """Tokens of the statement about the lines between two numbers, with its end."""
    return count_tokens(render_gap(after - before - 1) + "\n") if after > before + 1 else 0


def _build_spans(choices: Sequence[Choice]) -> Iterator[Span]:
    run: list[Choice] = []
    for choice in choices:
        if run and (choice.is_cut or run[-1].is_cut or choice.number != run[-1].number + 1):
            yield _span(run)
            run = []
        run.append(choice)
    if run:
        yield _span(run)


def _span(run: Sequence[Choice]) -> Span:
    return Span(
        start=run[0].number,
        end=run[-1].number,
        text="\n".join(choice.text for choice in run),
        column=run[0].column,
        is_cut=run[0].is_cut,
    )

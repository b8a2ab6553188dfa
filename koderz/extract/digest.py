"""The digest: the most telling lines under an exact token budget."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence

from koderz.errors import JobError
from koderz.extract.cutting import cut_line
from koderz.extract.lines import load_choices
from koderz.extract.ranking import Candidate
from koderz.extract.selection import Choice, Selection, line_cost
from koderz.extract.shapes import build_template
from koderz.extract.spans import Digest
from koderz.extract.survey import Survey

LEAST_TOKENS = 20
_TAIL_SHARE = 0.2
_LINE_SHARE = 0.4
_LEAST_LINE_TOKENS = 12
_AGAIN_FACTOR = 0.65
_KIN_SHARE = 0.7
_COST_POWER = 0.35
_LENGTH_BASE = 20
_MOST_MISSES = 200
_GROW_HEAT, _GROW_SHARE = 0.9, 0.25
_MOST_FILLED = 3


def build_digest(
    survey: Survey, budget_tokens: int, *, must_keep: Sequence[tuple[int, int]] = ()
) -> Digest:
    """The most telling lines whose rendering has at most `budget_tokens` tokens.

    `must_keep` are line ranges (from 1, inclusive) that go in first, in the order given, as far
    as the budget allows. Of what is left, the file's last lines always have a share.

    Raises:
        JobError: the budget is below `LEAST_TOKENS`.
    """
    if budget_tokens < LEAST_TOKENS:
        raise JobError(
            f"a budget of {budget_tokens} tokens holds no line: give at least {LEAST_TOKENS}"
        )
    filling = _Filling(survey, budget_tokens)
    filling.add_ranges(must_keep)
    filling.add_tail()
    filling.add_telling()
    filling.close_holes()
    return filling.selection.build()


class _Chosen:
    """The lines that were chosen as telling, by their shapes."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._words: dict[int, frozenset[bytes]] = {}

    def add(self, candidate: Candidate) -> None:
        """Counts one more."""
        self._get_words(candidate)
        self._counts[candidate.shape] += 1

    def count_like(self, candidate: Candidate) -> int:
        """How many say the same: of this shape, or of one that shares most of its words.

        Names of users, hosts and programs are words, and make shapes of what is one message.
        """
        own = self._get_words(candidate)
        return sum(
            count
            for shape, count in self._counts.items()
            if shape == candidate.shape or are_kin(own, self._words[shape])
        )

    def _get_words(self, candidate: Candidate) -> frozenset[bytes]:
        words = self._words.get(candidate.shape)
        if words is None:
            words = frozenset(build_template(candidate.text.encode()).split())
            self._words[candidate.shape] = words
        return words


def are_kin(words: frozenset[bytes], others: frozenset[bytes]) -> bool:
    """Whether two templates share most of their words."""
    return len(words & others) >= _KIN_SHARE * len(words | others) > 0


class _Filling:
    """A selection on its way to the budget."""

    def __init__(self, survey: Survey, budget_tokens: int) -> None:
        self._survey = survey
        self._budget = budget_tokens
        self._line_limit = max(_LEAST_LINE_TOKENS, int(budget_tokens * _LINE_SHARE))
        self._at = {each.position: at for at, each in enumerate(survey.candidates)}
        self.selection = Selection(survey.line_count)

    def add_ranges(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Takes line ranges in, one after the other, while they fit."""
        for start, end in ranges:
            for choice in load_choices(self._survey, start, end):
                self._add(cut_line(choice, self._line_limit))

    def add_tail(self) -> None:
        """Takes the last lines in, up to their share of the budget; one at least."""
        room, taken = self._budget * _TAIL_SHARE, 0
        for candidate in reversed(self._survey.candidates):
            if not candidate.text.strip():
                continue
            choice = self._choice(candidate)
            cost = line_cost(choice)
            if taken and taken + cost > room:
                break
            taken += cost
            self._add(choice)

    def add_telling(self) -> None:
        """Takes the lines in that are worth most for their length, until nothing fits."""
        chosen = _Chosen()
        queue = [
            (-_density(candidate), -candidate.position)
            for candidate in self._survey.candidates
            if candidate.text.strip()
        ]
        heapq.heapify(queue)
        misses = 0
        while queue and misses < _MOST_MISSES:
            value, position = heapq.heappop(queue)
            candidate = self._survey.candidates[self._at[-position]]
            worth = self._worth(candidate, chosen)
            if -value > worth * 1.0001:
                heapq.heappush(queue, (-worth, position))
                continue
            if self._add(self._choice(candidate)):
                chosen.add(candidate)
                self._grow(candidate, chosen)
            else:
                misses += 1

    def close_holes(self) -> None:
        """Takes the lines in that a gap's statement would cost more than."""
        for positions in self.selection.holes():
            if len(positions) > _MOST_FILLED or not all(map(self._at.__contains__, positions)):
                continue
            inner = [self._survey.candidates[self._at[position]] for position in positions]
            was = self.selection.tokens
            for candidate in inner:
                self.selection.add(self._choice(candidate))
            if self.selection.tokens > min(self._budget, was):
                for candidate in inner:
                    self.selection.remove(candidate.position)

    def _grow(self, seed: Candidate, chosen: _Chosen) -> None:
        """Takes the lines in that belong to the seed, as those of a stack trace do."""
        room = self._budget * _GROW_SHARE
        for step in (1, -1):
            position = seed.position + step
            while (at := self._at.get(position)) is not None and room > 0:
                candidate = self._survey.candidates[at]
                if candidate.heat < seed.heat * _GROW_HEAT:
                    break
                was = self.selection.tokens
                if not self._add(self._choice(candidate)):
                    break
                chosen.add(candidate)
                room -= self.selection.tokens - was
                position += step

    def _worth(self, candidate: Candidate, chosen: _Chosen) -> float:
        again: float = _AGAIN_FACTOR ** chosen.count_like(candidate)
        return _density(candidate) * again

    def _choice(self, candidate: Candidate) -> Choice:
        choice = Choice(
            candidate.position,
            candidate.number,
            candidate.column,
            candidate.text,
            candidate.is_piece,
        )
        return cut_line(choice, self._line_limit)

    def _add(self, choice: Choice) -> bool:
        if choice.position in self.selection:
            return True
        if self.selection.tokens + self.selection.cost(choice) > self._budget:
            return False
        self.selection.add(choice)
        return True


def _density(candidate: Candidate) -> float:
    """What a line is worth for its length; a long one has to be worth more."""
    length: float = (len(candidate.text) + _LENGTH_BASE) ** _COST_POWER
    return candidate.heat / length

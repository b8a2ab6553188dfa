"""What a question asks for: its telling words, and where they stand."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Sequence

_WORD = re.compile(r"[\w./:@#$-]*\w")
_PLURAL = re.compile(r"^(\w{3,}[^s])s$")
_MIN_CHARS = 3
_KEPT_HITS = 200

# Words of questions, and words of trouble, which severity weighs already.
_COMMON_WORDS = """
a about after all an and any are as at be because been before being but by can cause caused causes
could did do does during each error errors every exactly exception fail failed failing fails
failure failures file find first for from get give gives go goes got had has have here happen
happened happens how i if in into is issue it its just know last line lines list log logs main
many me more most my name no not of on one only or our out over please problem problems reason
root run runs say says see show shows so some summarise summarize tell than that the their them
then there these they thing things this those to up us use used was we went were what when where
whether which while who whom whose why will with would wrong you your
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def parse_question(question: str) -> tuple[bytes, ...]:
    """The telling words of a question, lower case, each once; a plural without its s."""
    words = (match[0].strip("./:-").lower() for match in _WORD.finditer(question))
    telling = (word for word in words if len(word) >= _MIN_CHARS and word not in _COMMON)
    return tuple(dict.fromkeys(_PLURAL.sub(r"\1", word).encode() for word in telling))


class TermIndex:
    """Where each term of a question stands: its count, and its first and last positions."""

    def __init__(self, terms: Sequence[bytes]) -> None:
        self._counts = dict.fromkeys(terms, 0)
        self._firsts: dict[bytes, list[int]] = {term: [] for term in terms}
        self._lasts: dict[bytes, deque[int]] = {term: deque(maxlen=_KEPT_HITS) for term in terms}

    def add_lines(self, text: bytes, lines: Sequence[bytes], position: int) -> None:
        """Looks through a block, given whole and as lines, the first of which is at `position`."""
        lowered = text.lower() if self._counts else b""
        for term in self._counts:
            if term in lowered:
                self._add_hits(term, lines, position)

    def weights(self, total: int) -> dict[bytes, float]:
        """What a line gains by each term: 1 in all for one that has every term, rare ones more."""
        idf = {
            term: math.log(1 + (total + 1) / (count + 0.5)) if count else 0.0
            for term, count in self._counts.items()
        }
        whole = sum(idf.values())
        return {term: value / whole for term, value in idf.items() if value}

    def positions(self) -> list[int]:
        """The places of terms that are not too common to tell anything."""
        return [hit for term in self._counts for hit in (*self._firsts[term], *self._lasts[term])]

    def _add_hits(self, term: bytes, lines: Sequence[bytes], position: int) -> None:
        hits = [place for place, line in enumerate(lines, position) if term in line.lower()]
        self._counts[term] += len(hits)
        firsts = self._firsts[term]
        room = _KEPT_HITS - len(firsts)
        firsts.extend(hits[:room])
        self._lasts[term].extend(hits[room:])


def score_question(line: bytes, weights: dict[bytes, float]) -> float:
    """How much of the question a line answers to, from 0 to 1."""
    lowered = line.lower()
    return sum(weight for term, weight in weights.items() if term in lowered)

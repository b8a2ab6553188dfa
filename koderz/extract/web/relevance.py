"""How much each block of a page has to do with a question: BM25 over blocks and their headings.

The formula is that of Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with
its usual constants.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from koderz.extract.web.pages import Page

_K1 = 1.2
_B = 0.75
_HEADING_SHARE = 0.5
_NEIGHBOUR_SHARE = 0.3

_WORD = re.compile(r"[^\W_]+(?:[.'-][^\W_]+)*")
# Scripts that set no spaces between words: two characters at a time stand for one.
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_ENDINGS = ("ing", "ies", "ed", "es", "s")
_LEAST_STEM = 4

_COMMON_WORDS = """
    a about after all also an and any are as at be been before but by can could did do does
    explain find for from give had has have how i if in into is it its list many may me more
    most much my no not of on one or our out over page say says section show so some such tell
    than that the their them then there these they this those to under up us use was we were
    what when where which while who whom whose why will with would you your
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def split_terms(text: str) -> list[str]:
    """The words of a text, lower case and without the commonest endings."""
    terms: list[str] = []
    for word in _WORD.findall(text.lower()):
        if _UNSPACED.search(word):
            terms.extend(word[at : at + 2] for at in range(max(1, len(word) - 1)))
        else:
            terms.append(_stem(word))
    return terms


def parse_terms(question: str) -> frozenset[str]:
    """The telling words of a question; all of them where none is."""
    words = [word for word in _WORD.findall(question.lower()) if word not in _COMMON]
    return frozenset(split_terms(" ".join(words))) or frozenset(split_terms(question))


def score_blocks(page: Page, positions: Sequence[int], question: str) -> dict[int, float]:
    """What each of these blocks is worth to the question: 0 where no word of it is near.

    A block gains by its own words, by those of the headings above it, and by its neighbours.
    """
    wanted = parse_terms(question)
    terms = {at: split_terms(page.blocks[at].text) for at in positions}
    own = _score_terms(terms, wanted)
    headings = {up for at in positions for up in page.paths[at]}
    titles = _score_terms({up: split_terms(page.blocks[up].text) for up in headings}, wanted)
    scores = {
        at: own[at] + _HEADING_SHARE * sum(titles[up] for up in page.paths[at] if up != at)
        for at in positions
    }
    return _spread(page, positions, scores, own)


def _score_terms(texts: dict[int, list[str]], wanted: frozenset[str]) -> dict[int, float]:
    total = len(texts)
    mean = sum(map(len, texts.values())) / total if total else 1
    counts = {at: Counter(term for term in terms if term in wanted) for at, terms in texts.items()}
    spread = Counter(term for found in counts.values() for term in found)
    rarity = {term: math.log(1 + (total - n + 0.5) / (n + 0.5)) for term, n in spread.items()}
    scores = {}
    for at, found in counts.items():
        damping = _K1 * (1 - _B + _B * len(texts[at]) / (mean or 1))
        scores[at] = sum(rarity[term] * n * (_K1 + 1) / (n + damping) for term, n in found.items())
    return scores


def _spread(
    page: Page, positions: Sequence[int], scores: dict[int, float], own: dict[int, float]
) -> dict[int, float]:
    """What stands beside an answer in the same section belongs to it."""
    spread = dict(scores)
    for one, other in pairwise(positions):
        if page.paths[one] == page.paths[other]:
            spread[one] += _NEIGHBOUR_SHARE * own[other]
            spread[other] += _NEIGHBOUR_SHARE * own[one]
    return spread


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
            return word[: -len(ending)]
    return word

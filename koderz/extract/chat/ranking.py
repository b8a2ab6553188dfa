"""Which turns tell most: by the words of the last request, by rarity, and by how recent they are.

Relevance is BM25 over the turns' words, blurred over neighbours because a conversation stays with
a subject for some turns: an answer rarely repeats the words of its question. What has hardly a
word of its own ("Mm, right.") tells little, whatever stands around it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from koderz.extract.chat.names import find_names
from koderz.extract.questions import parse_question

_K1, _B = 1.2, 0.6
_BLUR = 0.93
_OWN, _AROUND, _NAMES, _RECENT = 0.5, 1.0, 0.1, 0.05
_TELLING_WORDS = 6
_WORD = re.compile(r"\w{3,}")
_PLURAL = re.compile(r"^(\w{3,}[^s])s$")


def rank_turns(texts: Sequence[str], question: str) -> tuple[float, ...]:
    """What each text is worth, 0 to about 2, given what was asked last."""
    words = [Counter(split_words(text)) for text in texts]
    own = _scale(score_bm25(words, [term.decode() for term in parse_question(question)]))
    around = _scale(blur(own))
    names = _scale([math.log1p(len(find_names(text))) for text in texts])
    total = max(1, len(texts) - 1)
    telling = [min(1.0, len(each) / _TELLING_WORDS) for each in words]
    return tuple(
        telling[at]
        * (_OWN * own[at] + _AROUND * around[at] + _NAMES * names[at] + _RECENT * at / total)
        for at in range(len(texts))
    )


def split_words(text: str) -> list[str]:
    """The words of three letters and more, lower case, a plural without its s."""
    return [_PLURAL.sub(r"\1", word) for word in _WORD.findall(text.lower())]


def score_bm25(words: Sequence[Counter[str]], terms: Sequence[str]) -> list[float]:
    """BM25 of each text for these terms (Robertson and Zaragoza, 2009)."""
    lengths = [each.total() for each in words]
    mean = sum(lengths) / max(1, len(lengths)) or 1.0
    scores = [0.0] * len(words)
    for term in terms:
        hits = sum(term in each for each in words)
        idf = math.log(1 + (len(words) - hits + 0.5) / (hits + 0.5))
        for at, each in enumerate(words):
            if count := each[term]:
                room = _K1 * (1 - _B + _B * lengths[at] / mean)
                scores[at] += idf * count * (_K1 + 1) / (count + room)
    return scores


def blur(scores: Sequence[float]) -> list[float]:
    """Each score with a falling share of all before and behind it."""
    forth, back = list(scores), list(scores)
    for at in range(1, len(scores)):
        forth[at] += _BLUR * forth[at - 1]
        back[-at - 1] += _BLUR * back[-at]
    return [before + after - own for before, after, own in zip(forth, back, scores, strict=True)]


def _scale(scores: Sequence[float]) -> list[float]:
    most = max(scores, default=0.0)
    return [score / most for score in scores] if most > 0 else [0.0] * len(scores)

"""How sure a model was of each label of a packed answer, by its tokens' log-probabilities.

Each label is found in the answer by its place, and with it the tokens that it is made of. Of these
the least sure one counts: by how much it leads the likeliest other token in its place, as
(p - q) / (p + q), which is 1 where nothing else was likely and 0 where another was as likely.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from math import exp, log1p, tanh

import msgspec

from koderz.types import AnswerToken, Completion

TOP_LOGPROBS = 3
"""How many tokens a place are asked for: the chosen one, and two that could have stood there."""

_MOST_CERTAIN = -1e-9
_FIELD = re.compile(r'"(id|label)"\s*:\s*("(?:[^"\\]|\\.)*")')


class Place(msgspec.Struct, frozen=True):
    """Where the label of an id stands in an answer: the characters between its quotes."""

    id: str
    start: int
    stop: int


def find_certainties(completion: Completion, labels: Mapping[str, str]) -> dict[str, float]:
    """How sure the model was of these labels (by id), from 0 to 1; only of those it can be told.

    None of them where the answer brings no log-probabilities, or they are not those of its text.
    """
    text, tokens = completion.text, completion.tokens
    starts = list(accumulate((len(token.raw) for token in tokens), initial=0))
    offset = b"".join(token.raw for token in tokens).find(text.encode(errors="replace"))
    if not tokens or offset < 0:
        return {}
    return {
        place.id: min(map(_measure, _pick(tokens, starts, text, place, offset)))
        for place in find_places(text)
        if place.id in labels and place.stop > place.start
    }


def find_places(text: str) -> Iterator[Place]:
    """Where labels stand in an answer, whichever of id and label comes first."""
    found: dict[str, re.Match[str]] = {}
    for match in _FIELD.finditer(text):
        if match[1] in found:
            found = {}
        found[match[1]] = match
        if len(found) == len(("id", "label")):
            start, stop = found["label"].span(2)
            if code := _decode(found["id"][2]):
                yield Place(code, start + 1, stop - 1)
            found = {}


def _pick(
    tokens: Sequence[AnswerToken], starts: Sequence[int], text: str, place: Place, offset: int
) -> Sequence[AnswerToken]:
    """The tokens that the label is made of."""
    first_byte = offset + len(text[: place.start].encode(errors="replace"))
    last_byte = offset + len(text[: place.stop].encode(errors="replace")) - 1
    return tokens[bisect_right(starts, first_byte) - 1 : bisect_right(starts, last_byte)]


def _measure(token: AnswerToken) -> float:
    """The token's lead over the likeliest other one; over all others where none is named."""
    chosen = min(token.logprob, _MOST_CERTAIN)
    others = [each.logprob for each in token.alternatives if each.raw != token.raw]
    rival = max(others) if others else log1p(-exp(chosen))
    return max(0.0, tanh((token.logprob - rival) / 2))


def _decode(literal: str) -> str:
    try:
        return msgspec.json.decode(literal, type=str)
    except msgspec.DecodeError:
        return ""

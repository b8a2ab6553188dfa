"""How sure a simulated model says it is: log-probabilities that tell the truth about its skill.

Where a task chooses between things of which one is right, the chance that goes with a choice is
drawn so that it is calibrated by construction: of all choices made with a chance of 0.7, seven in
ten are right, and the mean chance is the model's skill. (Skill s is read as a Beta distribution
with mean s over the chances; a right choice draws from its posterior after one success, a wrong one
after one failure.) All other tokens of such an answer are all but certain; every token of an answer
without choices has the model's skill for its chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import log
from random import Random

import msgspec

from koderz.tokens import get_tokenizer
from koderz.types import AnswerToken, TokenChance

SPREAD = 1.5
"""How much chances of one skill differ: the smaller, the more."""

CERTAIN = 0.9999
LEAST = 0.0001


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A choice in an answer: the character where it begins, and what could have stood there."""

    start: int
    is_right: bool
    others: tuple[str, ...]


def build_tokens(
    text: str, choices: Iterable[Choice] | None, *, skill: float, digest: bytes, most: int
) -> tuple[AnswerToken, ...]:
    """The text's tokens, each with up to `most` of the likeliest in its place.

    `choices` None is an answer of a task that makes none. The same for the same arguments.
    """
    raws = [get_tokenizer().decode_bytes([each]) for each in get_tokenizer().encode_ordinary(text)]
    rng = Random(digest + b"likelihoods")  # noqa: S311 - a seeded choice, not a secret
    chances: dict[int, tuple[float, tuple[str, ...]]] = {}
    starts = list(accumulate(map(len, raws), initial=0))
    for choice in choices or ():
        place = _find_token(starts, len(text[: choice.start].encode()))
        chances[place] = (draw_chance(skill, rng, is_right=choice.is_right), choice.others)
    usual = CERTAIN if choices is not None else min(max(skill, LEAST), CERTAIN)
    return tuple(
        _build_token(raw, *chances.get(place, (usual, ())), most) for place, raw in enumerate(raws)
    )


def draw_chance(skill: float, rng: Random, *, is_right: bool) -> float:
    """The chance that a model of this skill gives a choice that turned out right or wrong."""
    skill = min(max(skill, LEAST), CERTAIN)
    chance = rng.betavariate(skill * SPREAD + is_right, (1 - skill) * SPREAD + (not is_right))
    return min(max(chance, LEAST), CERTAIN)


def _find_token(starts: Sequence[int], at_byte: int) -> int:
    """The token that holds this byte."""
    return next(place for place, stop in enumerate(starts[1:]) if stop > at_byte)


def _build_token(raw: bytes, chance: float, others: tuple[str, ...], most: int) -> AnswerToken:
    """The rest of the chance goes to the others, half of it to the first, and so on."""
    places = [TokenChance(raw, log(chance))]
    rest = 1 - chance
    for place, other in enumerate(others[:most], start=1):
        share = rest if place == len(others) else rest / 2
        rest -= share
        first = get_tokenizer().encode_ordinary(other)[:1]
        places.append(TokenChance(get_tokenizer().decode_bytes(first), log(max(share, LEAST))))
    likeliest = sorted(places, key=lambda each: -each.logprob)[:most]
    return AnswerToken(raw, log(chance), tuple(likeliest))

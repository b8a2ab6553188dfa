"""A linear model over hashed n-grams: an averaged passive-aggressive classifier, in plain Python.

Each example that is not scored right by a margin moves the weights of its label up and those of
the strongest other label down, by as much as the margin wants and no more than `MOST_STEP`
(Crammer et al., "Online Passive-Aggressive Algorithms", 2006); the weights used are the average
over all steps, which one odd example changes little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log, sqrt
from random import Random

import msgspec

EPOCHS = 3
MOST_STEP = 0.5
LEAST_WEIGHT = 0.02

Row = tuple[tuple[int, float], ...]


class Scores(msgspec.Struct, frozen=True):
    """The label that fits best, by its place, and by how much it leads the next one."""

    best: int
    margin: float


class LinearModel(msgspec.Struct, frozen=True):
    """Weights by n-gram and label; `rows` hold those that matter, the rarity of the n-gram in."""

    label_count: int
    rarities: Mapping[int, float]
    rows: Mapping[int, Row]

    def score(self, ngrams: frozenset[int]) -> Scores | None:
        """The best label and its lead, None where no n-gram is known."""
        scores = [0.0] * self.label_count
        rows, rarities = self.rows, self.rarities
        square, known = 0.0, False
        for gram in ngrams:
            rarity = rarities.get(gram)
            if rarity is None:
                continue
            square += rarity * rarity
            for place, weight in rows.get(gram, ()):
                known = True
                scores[place] += weight
        if not known:
            return None
        best = max(range(self.label_count), key=scores.__getitem__)
        top = scores[best]
        scores[best] = float("-inf")
        rest = max(scores) if self.label_count > 1 else 0.0
        return Scores(best, (top - rest) / sqrt(square))


def train(
    texts: Sequence[frozenset[int]], places: Sequence[int], label_count: int, *, seed: int = 0
) -> LinearModel:
    """The model that these texts' n-grams and labels, by place, teach: the same for the same."""
    rarities = weigh_rarity(texts)
    vectors = [_build_vector(ngrams, rarities) for ngrams in texts]
    trainer = _Trainer(label_count)
    order, rng = list(range(len(vectors))), Random(seed)  # noqa: S311 # an order, no secret
    for _ in range(EPOCHS):
        rng.shuffle(order)
        for at in order:
            trainer.learn(vectors[at], places[at])
    return LinearModel(label_count, rarities, trainer.build_rows(rarities))


def weigh_rarity(texts: Sequence[frozenset[int]]) -> dict[int, float]:
    """What an n-gram counts: the rarer it is among the texts, the more."""
    counts: Counter[int] = Counter()
    for ngrams in texts:
        counts.update(ngrams)
    return {gram: log((len(texts) + 1) / count) for gram, count in counts.items()}


Vector = list[tuple[int, float]]


def _build_vector(ngrams: frozenset[int], rarities: Mapping[int, float]) -> Vector:
    """The text as a vector of length 1."""
    length = sqrt(sum(rarities[gram] ** 2 for gram in ngrams)) or 1.0
    return [(gram, rarities[gram] / length) for gram in ngrams]


class _Trainer:
    def __init__(self, label_count: int) -> None:
        self._label_count, self._steps = label_count, 1
        self._weights: dict[int, dict[int, float]] = {}
        # Weights times the step at which they came: what the average lacks of each.
        self._late: dict[int, dict[int, float]] = {}

    def learn(self, vector: Vector, right: int) -> None:
        """Move the weights as far as this example wants."""
        self._steps += 1
        scores = self._score(vector)
        lead, scores[right] = scores[right], float("-inf")
        rival = max(range(self._label_count), key=scores.__getitem__)
        loss = 1 - (lead - scores[rival]) if rival != right else 0.0
        if loss > 0:
            step = min(MOST_STEP, loss / 2)
            self._move(vector, right, step)
            self._move(vector, rival, -step)

    def _score(self, vector: Vector) -> list[float]:
        scores = [0.0] * self._label_count
        for gram, value in vector:
            for place, weight in self._weights.get(gram, {}).items():
                scores[place] += weight * value
        return scores

    def _move(self, vector: Vector, place: int, step: float) -> None:
        for gram, value in vector:
            weights = self._weights.setdefault(gram, {})
            weights[place] = weights.get(place, 0.0) + step * value
            late = self._late.setdefault(gram, {})
            late[place] = late.get(place, 0.0) + step * value * self._steps

    def build_rows(self, rarities: Mapping[int, float]) -> dict[int, Row]:
        """The averaged weights, without those too small to change a score."""
        rows = {}
        for gram, weights in self._weights.items():
            late, rarity = self._late[gram], rarities[gram]
            averages = (
                (place, weight - late[place] / self._steps) for place, weight in weights.items()
            )
            row = tuple((p, w * rarity) for p, w in averages if abs(w) >= LEAST_WEIGHT)
            if row:
                rows[gram] = row
        return rows

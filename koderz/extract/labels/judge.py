"""What examples teach about labels: a label for a text and how sure it is, or none."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec

from koderz.extract.labels.confidence import Curve, fit_curve
from koderz.extract.labels.duplicates import build_key
from koderz.extract.labels.items import Example
from koderz.extract.labels.linear import LinearModel, train
from koderz.extract.labels.ngrams import build_ngrams

FOLDS = 5
MOST_CROSSED = 1000
LEAST_EXAMPLES = 2


class Guess(msgspec.Struct, frozen=True):
    """A label and how likely it is right; `is_known` where an example has just this text."""

    label: str
    confidence: float
    is_known: bool = False


class Judge(msgspec.Struct, frozen=True):
    """The examples' linear model with its measured confidence, and the examples themselves."""

    labels: tuple[str, ...]
    known: dict[str, str]
    model: LinearModel | None
    curve: Curve

    def guess(self, text: str) -> Guess | None:
        """The label of a text, None where the examples say nothing of it."""
        if label := self.known.get(build_key(text)):
            return Guess(label, 1.0, is_known=True)
        scores = self.model.score(build_ngrams(text)) if self.model else None
        if scores is None or scores.margin <= 0:
            return None
        return Guess(self.labels[scores.best], self.curve.get_confidence(scores.margin))


def build_judge(examples: Sequence[Example]) -> Judge:
    """What these examples teach; without two labels among them there is no model.

    Confidence is measured on examples that were held out: every fifth of many, each in its turn
    of up to a thousand. Texts that stand there with two labels are no known answers.
    """
    labels = tuple(sorted({example.label for example in examples}))
    places = {label: place for place, label in enumerate(labels)}
    texts = [build_ngrams(example.text) for example in examples]
    wanted = [places[example.label] for example in examples]
    known = _list_known(examples)
    if len(labels) < LEAST_EXAMPLES:
        return Judge(labels, known, None, Curve(0.0, 0.0, 0, 0))
    curve = _measure(texts, wanted, len(labels))
    return Judge(labels, known, train(texts, wanted, len(labels)), curve)


def _list_known(examples: Sequence[Example]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for example in examples:
        found.setdefault(build_key(example.text), set()).add(example.label)
    return {key: labels.pop() for key, labels in found.items() if len(labels) == 1}


def _measure(texts: Sequence[frozenset[int]], places: Sequence[int], label_count: int) -> Curve:
    """The curve of leads over examples that the model in question had not seen."""
    order = list(range(len(texts)))
    Random(0).shuffle(order)  # noqa: S311 # an order, no secret
    margins: list[float] = []
    is_right: list[bool] = []
    for fold in range(FOLDS if len(texts) <= MOST_CROSSED else 1):
        seen = [at for place, at in enumerate(order) if place % FOLDS != fold]
        model = train([texts[at] for at in seen], [places[at] for at in seen], label_count)
        for at in order[fold::FOLDS]:
            if scores := model.score(texts[at]):
                margins.append(scores.margin)
                is_right.append(scores.best == places[at])
    return fit_curve(margins, is_right)

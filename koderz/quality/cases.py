"""Labelled examples as the cheap path would meet them: who decides each, and what it would lose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

import msgspec

from koderz.extract.labels.duplicates import build_key
from koderz.extract.labels.items import Example
from koderz.extract.labels.judge import Guess, Judge, build_judge
from koderz.jobs.classify.doubts import SURE_HELD_OUT, get_confidence, is_doubtful

FOLDS = 5


class Opinion(msgspec.Struct, frozen=True):
    """What the examples' linear model says of a text, and the examples that taught it."""

    guess: Guess | None
    judge: Judge


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """An example under any threshold.

    `linear` is the confidence with which the linear model could decide alone (None: it could not),
    `small` that of the small model's label (None: it was not asked). A label is lost where keeping
    it is worse than having asked the main model.
    """

    linear: float | None
    is_linear_lost: bool
    small: float | None
    is_small_lost: bool
    sure_above: float

    def is_alone(self, threshold: float) -> bool:
        """Whether the linear model decides, and no model is asked."""
        return self.linear is not None and self.linear >= max(self.sure_above, threshold)

    def is_kept(self, threshold: float) -> bool:
        """Whether it stays with the linear or the small model."""
        if self.is_alone(threshold):
            return True
        return self.small is not None and not is_doubtful(self.small, threshold)

    def is_lost(self, threshold: float) -> bool:
        """Whether it stays there and is worse for it."""
        if self.is_alone(threshold):
            return self.is_linear_lost
        return self.is_small_lost and self.is_kept(threshold)


def choose_distinct(
    examples: Sequence[Example], known: Sequence[Example] = ()
) -> tuple[Example, ...]:
    """The examples without near duplicates of one another, and of those `known` already.

    They are answered once, or without asking: they say nothing of new texts.
    """
    seen = {build_key(example.text) for example in known}
    distinct: dict[str, Example] = {}
    for example in examples:
        key = build_key(example.text)
        if key not in seen:
            distinct.setdefault(key, example)
    return tuple(distinct.values())


def form_opinions(
    examples: Sequence[Example],
    taught_by: Sequence[Example],
    on_progress: Callable[[int, int], None],
) -> tuple[Opinion, ...]:
    """What linear models that had not seen an example say of it.

    With `taught_by` that is one model, taught by those. Without, the examples teach one another:
    each fifth is judged by a model that the other four taught (cross-validation).
    """
    if taught_by:
        judge = build_judge(taught_by)
        return tuple(Opinion(judge.guess(example.text), judge) for example in examples)
    order = list(range(len(examples)))
    Random(0).shuffle(order)  # noqa: S311 # an order, no secret
    opinions: dict[int, Opinion] = {}
    for fold in range(FOLDS):
        on_progress(fold, FOLDS)
        judge = build_judge(
            [examples[at] for place, at in enumerate(order) if place % FOLDS != fold]
        )
        for at in order[fold::FOLDS]:
            opinions[at] = Opinion(judge.guess(examples[at].text), judge)
    return tuple(opinions[at] for at in range(len(examples)))


def build_case(
    truth: str,
    opinion: Opinion | None,
    *,
    small: str | None,
    certainty: float | None,
    main: str | None,
    is_small_asked: bool,
    sure_above: float,
) -> Case:
    """The case that these labels make; `main` None takes the main model to be always right."""
    is_main_right = main is None or main == truth
    guess = opinion.guess if opinion else None
    can_decide = opinion is not None and opinion.judge.curve.held_out >= SURE_HELD_OUT
    sureness = None
    if small is not None and opinion is not None:
        sureness = get_confidence(guess, small, opinion.judge, certainty)
    elif small is not None:
        sureness = certainty
    return Case(
        linear=guess.confidence if guess and can_decide else None,
        is_linear_lost=is_main_right and guess is not None and guess.label != truth,
        small=(sureness or 0.0) if is_small_asked else None,
        is_small_lost=is_main_right and small != truth,
        sure_above=sure_above,
    )


def count_agreement(
    cases: Sequence[Case],
    texts: Sequence[str],
    small: Mapping[str, str],
    main: Mapping[str, str],
    threshold: float,
) -> tuple[int, int]:
    """Of what the small model would be asked, how often it and the main model agree, out of all."""
    pairs = [
        (small[text], main[text])
        for case, text in zip(cases, texts, strict=True)
        if text in small and text in main and not case.is_alone(threshold)
    ]
    return sum(mine == theirs for mine, theirs in pairs), len(pairs)

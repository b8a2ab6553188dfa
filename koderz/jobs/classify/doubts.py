"""When the examples' linear model is enough, and how sure a model's label is.

A label is as sure as the least sure of what measures it:

- the examples' linear model: where it gives the same label, its confidence in it; where it gives
  another, less than `LOW_CONFIDENCE`, and the less the surer it is of that other one;
- the model's own log-probabilities (`koderz.jobs.classify.likelihoods`), where its provider gives
  them.

A label less sure than `[koderz.classify] escalate_below` goes to the main model. Unset, that is
`LOW_CONFIDENCE`, and a label that nothing measures stays; once set, such a label goes there too,
because `koderz calibrate` promises nothing for it.
"""

from __future__ import annotations

from koderz.extract.labels.judge import Guess, Judge

# Fewer held-out examples than these say too little for their model to decide, or to doubt, alone.
SURE_HELD_OUT = 50
DOUBT_HELD_OUT = 20

# A linear model that is wrong more often than right has no say about others.
DOUBT_ACCURACY = 0.5
LOW_CONFIDENCE = 0.3


def is_sure(guess: Guess, judge: Judge, sure_above: float) -> bool:
    """Whether a guess needs no model: an example of this text, or a lead that is hardly wrong."""
    if guess.is_known:
        return True
    return judge.curve.held_out >= SURE_HELD_OUT and guess.confidence >= sure_above


def get_confidence(
    guess: Guess | None, label: str, judge: Judge, certainty: float | None
) -> float | None:
    """How sure a model's label is, from 0 to 1; None where nothing measures it.

    `guess` is the linear model's, None where it knows nothing of the text; `certainty` comes of
    the model's log-probabilities, None without any.
    """
    measured = [] if certainty is None else [certainty]
    curve = judge.curve
    if guess and curve.held_out >= DOUBT_HELD_OUT and curve.accuracy >= DOUBT_ACCURACY:
        is_same = guess.label == label
        measured.append(guess.confidence if is_same else LOW_CONFIDENCE * (1 - guess.confidence))
    return min(measured, default=None)


def is_doubtful(confidence: float | None, escalate_below: float | None) -> bool:
    """Whether a label this sure wants the main model's word, under the setting of that name."""
    if escalate_below is None:
        return confidence is not None and confidence < LOW_CONFIDENCE
    return escalate_below >= 1 or (confidence or 0.0) < escalate_below

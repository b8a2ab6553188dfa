"""When the examples' linear model is enough, and when its word makes a model's label doubtful."""

from __future__ import annotations

from koderz.extract.labels.judge import Guess, Judge

# Fewer held-out examples than these say too little for their model to decide, or to doubt, alone.
SURE_HELD_OUT = 50
DOUBT_HELD_OUT = 20

SURE_CONFIDENCE = 0.95
# A linear model that is wrong more often than right has no say about others.
DOUBT_ACCURACY = 0.5
LOW_CONFIDENCE = 0.3


def is_sure(guess: Guess, judge: Judge) -> bool:
    """Whether a guess needs no model: an example of this text, or a lead that is hardly wrong."""
    if guess.is_known:
        return True
    return judge.curve.held_out >= SURE_HELD_OUT and guess.confidence >= SURE_CONFIDENCE


def is_doubtful(guess: Guess | None, label: str, judge: Judge) -> bool:
    """Whether a model's label wants a second opinion: the guess differs, or its lead is low.

    Only a linear model that its held-out examples show to be of use has a say, and only about
    texts of which it knows something.
    """
    curve = judge.curve
    if guess is None or curve.held_out < DOUBT_HELD_OUT or curve.accuracy < DOUBT_ACCURACY:
        return False
    return guess.label != label or guess.confidence < LOW_CONFIDENCE

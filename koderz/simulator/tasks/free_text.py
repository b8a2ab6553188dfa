"""Any other question: a short text that says that it is simulated."""

from __future__ import annotations

from random import Random

from koderz.types import Request

_OPENINGS = (
    "This is a simulated answer.",
    "No model wrote this answer: it is simulated.",
    "A simulated model answers here.",
)
_BODIES = (
    "It was given {words}",
    "The question has {words}",
    "It read {words}",
)
_ENDINGS = (
    "and knows nothing about it.",
    "and a real model would now answer.",
    "and leaves it at that.",
)


def is_asked(request: Request) -> bool:
    """Whether this is a request at all: what no other task takes is answered here."""
    return bool(request.messages)


def answer(request: Request, _skill: float, rng: Random) -> str:
    """Two sentences, chosen by the seed; the skill changes nothing."""
    number = sum(len(message.text.split()) for message in request.messages)
    body = rng.choice(_BODIES).format(words="1 word" if number == 1 else f"{number} words")
    return f"{rng.choice(_OPENINGS)} {body} {rng.choice(_ENDINGS)} ({rng.randrange(10**6):06d})"

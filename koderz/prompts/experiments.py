"""What experiments ask: a specification of a problem, and a review of attempts at it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from koderz.prompts.texts import cut_middle, fence, load_prompt
from koderz.types import Message, Request

SPEC_MAX_TOKENS = 2000
REVIEW_MAX_TOKENS = 2000
CODE_CHARS = 20_000
OUTPUT_CHARS = 4_000


APPROACH = "Approach and pitfalls"
CRITERIA = "Test criteria"
DISCLOSED = {
    APPROACH: "How a correct solution goes about it, in words, and what is easily got wrong.",
    CRITERIA: "What a test of a correct solution checks, each as a sentence with an example.",
}
"""What reviews add to a specification that said no more than it had to, and what each part is."""

PLATEAU = (
    "The number of tests passed has not moved for three attempts: the same fix is being tried "
    "again, or the cause is another one. Propose a different approach."
)


class IterationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at a problem: its code, and what running it against the tests gave.

    `call`, `expected` and `actual` are the first test that failed.
    """

    number: int
    code: str
    call: str = ""
    expected: str = ""
    actual: str = ""
    error: str = ""
    stderr: str = ""
    tests_passed: int = 0
    tests_total: int = 0


def build_spec_request(problem: str, *, model: str = "") -> Request:
    """The question for a specification of `problem`: what a solution does, not how."""
    return Request(
        model=model,
        system=load_prompt("spec"),
        messages=(Message.user(fence("problem", problem)),),
        max_tokens=SPEC_MAX_TOKENS,
    )


def build_review_request(
    iterations: Sequence[IterationRecord],
    *,
    model: str = "",
    problem: str = "",
    is_plateau: bool = False,
    disclosed: Sequence[str] = (),
) -> Request:
    """The question for a review of attempts, in four parts: failing test to edge cases.

    `disclosed` names further parts (of `DISCLOSED`) that the answer is to have. Raises ValueError
    where there is nothing to review.
    """
    if not iterations:
        raise ValueError("a review needs at least one iteration")
    parts = [fence("problem", problem)] if problem else []
    parts += map(_describe, iterations)
    parts += [PLATEAU] if is_plateau else []
    parts += [f"Add a part `## {name}`: {DISCLOSED[name]}" for name in disclosed]
    return Request(
        model=model,
        system=load_prompt("checkpoint"),
        messages=(Message.user("\n\n".join(parts)),),
        max_tokens=REVIEW_MAX_TOKENS,
    )


def _describe(iteration: IterationRecord) -> str:
    passed = f"{iteration.tests_passed} of {iteration.tests_total} tests passed"
    fenced = [
        fence(label, cut_middle(text, limit))
        for label, text, limit in (
            ("code", iteration.code, CODE_CHARS),
            ("input", iteration.call, OUTPUT_CHARS),
            ("expected", iteration.expected, OUTPUT_CHARS),
            ("actual", iteration.actual, OUTPUT_CHARS),
            ("error", iteration.error, OUTPUT_CHARS),
            ("stderr", iteration.stderr, OUTPUT_CHARS),
        )
        if text
    ]
    return "\n".join([f"Attempt {iteration.number}: {passed}.", *fenced])

"""What an experiment asks at every iteration: code that solves the problem."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from koderz.prompts.experiments import CODE_CHARS, OUTPUT_CHARS, IterationRecord
from koderz.prompts.texts import cut_middle, fence, load_prompt
from koderz.types import Message, Request

ANSWER_TOKENS = 4000
SPEC_CHARS = 20_000

THINK_FIRST = (
    "First say in a few sentences what the problem asks and, if an attempt failed, why. "
    "Then give the whole module in one block that starts with ```python and ends with ```."
)
CODE_ONLY = (
    "Give the whole module in one block that starts with ```python and ends with ```, "
    "and nothing else."
)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when an iteration begins; everything but the problem may be empty.

    `notes` were added to the specification by reviews, `guidance` is the latest review's,
    `previous` the attempt before, with the test that it failed.
    """

    problem: str
    entry_point: str
    spec: str = ""
    notes: str = ""
    guidance: str = ""
    previous: IterationRecord | None = None


def build_iteration_request(task: Task, *, use_reasoning: bool = True, model: str = "") -> Request:
    """The question for the next attempt; without `use_reasoning` for its code alone."""
    how = THINK_FIRST if use_reasoning else CODE_ONLY
    what = f"Write the module that defines `{task.entry_point}`. {how}"
    return Request(
        model=model,
        system=load_prompt("iteration"),
        system_is_stable=True,
        messages=(Message.user("\n\n".join([*_list_parts(task), what])),),
        max_tokens=ANSWER_TOKENS,
    )


def _list_parts(task: Task) -> Iterator[str]:
    yield fence("problem", task.problem)
    if task.spec:
        yield fence("spec", cut_middle(task.spec, SPEC_CHARS))
    if task.notes:
        yield fence("notes", cut_middle(task.notes, SPEC_CHARS))
    if task.previous:
        yield from _describe_attempt(task.previous)
    if task.guidance:
        yield fence("guidance", cut_middle(task.guidance, SPEC_CHARS))


def _describe_attempt(previous: IterationRecord) -> Iterator[str]:
    if not previous.code:
        yield f"Your last answer (attempt {previous.number}) held no code."
        return
    yield (
        f"Your last attempt, number {previous.number}, passed {previous.tests_passed} of "
        f"{previous.tests_total} tests:"
    )
    yield fence("code", cut_middle(previous.code, CODE_CHARS))
    for label, text in (
        ("input", previous.call),
        ("expected", previous.expected),
        ("actual", previous.actual),
        ("error", previous.error),
    ):
        if text:
            yield fence(label, cut_middle(text, OUTPUT_CHARS))

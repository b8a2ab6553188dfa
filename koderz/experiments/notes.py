"""What an experiment leaves in the memory, and what it takes from there."""

from __future__ import annotations

from datetime import UTC, datetime

from koderz.benchmarks import Problem
from koderz.experiments.plans import Key
from koderz.experiments.results import ExperimentResult
from koderz.experiments.steps import (
    AllowanceStep,
    Asked,
    CheckpointStep,
    FeedbackStep,
    IterationStep,
    SpecStep,
    Step,
    VerdictStep,
    get_kind,
)
from koderz.memory.notes import Memory, Note, build_note
from koderz.sandbox import Verdict

SIMULATED = "simulated"
MOST_SPECS = 50


async def find_spec(memory: Memory, problem: Problem) -> SpecStep | None:
    """The latest specification of a problem that is remembered, at no cost; None without one.

    One that a simulated model wrote is taken only where there is no other.
    """
    wanted = (tag("kind", "spec"), tag("problem", problem.task_id))
    notes = await memory.recall(tags=wanted, limit=MOST_SPECS)
    latest = sorted(notes, key=lambda note: (SIMULATED not in note.tags, note.at), reverse=True)
    if not latest:
        return None
    note = latest[0]
    return SpecStep(
        at=datetime.now(UTC),
        model=read_tag(note, "model"),
        text=note.content,
        reused_from=read_tag(note, "experiment"),
        is_simulated=SIMULATED in note.tags,
    )


def build_step_note(key: Key, step: Step) -> Note | None:
    """The note that a step leaves, found again by experiment, problem, run, kind and model.

    None for what leaves none: a specification that came from the memory, an empty answer.
    """
    title, content = _tell(key, step)
    if not content:
        return None
    is_simulated = isinstance(step, Asked) and any(each.is_simulated for each in step.attempts)
    tags = _list_tags(key, get_kind(step), is_simulated=is_simulated)
    return build_note(title, content, [*tags, *_list_models(step)])


def build_result_note(result: ExperimentResult) -> Note:
    """The note that a whole experiment leaves."""
    cost = result.cost.total
    at_least = "at least " if cost.unknown_calls else ""
    content = (
        f"{result.ending} after {result.iterations} iterations and {result.checkpoints} reviews, "
        f"{result.verdict_passed} of {result.verdict_total} tests passed, "
        f"{at_least}${cost.cost_usd:.4f}\n\n{result.code}"
    )
    tags = _list_tags(result.key, "result", is_simulated=result.is_simulated)
    return build_note(f"result of {result.key.problem} in {result.id}", content, tags)


def tag(name: str, value: str) -> str:
    """A tag: "problem:HumanEval/0"."""
    return f"{name}:{value}"


def read_tag(note: Note, name: str) -> str:
    """The value of a note's tag of that name, "" where it has none."""
    found = (each.removeprefix(f"{name}:") for each in note.tags if each.startswith(f"{name}:"))
    return next(found, "")


def _tell(key: Key, step: Step) -> tuple[str, str]:
    match step:
        case AllowanceStep():
            return "", ""
        case SpecStep():
            text = "" if step.reused_from else step.text
            return f"specification of {key.problem} in {key.id}", text
        case IterationStep():
            return f"iteration {step.number} of {key.problem} in {key.id}", step.code
        case FeedbackStep():
            title = f"feedback on iteration {step.number} of {key.problem} in {key.id}"
            return title, _describe(step.verdict)
        case CheckpointStep():
            return f"review {step.number} of {key.problem} in {key.id}", step.answer
        case VerdictStep():
            return f"verdict on {key.problem} in {key.id}", _describe(step.verdict)


def _describe(verdict: Verdict) -> str:
    passed = f"{verdict.status}: {verdict.tests_passed} of {verdict.tests_total} tests passed"
    return "\n".join(filter(None, (passed, verdict.error, verdict.stderr)))


def _list_tags(key: Key, kind: str, *, is_simulated: bool) -> list[str]:
    tags = [
        tag("kind", kind),
        tag("experiment", key.id),
        tag("problem", key.problem),
        tag("run", key.run),
    ]
    return [*tags, SIMULATED] if is_simulated else tags


def _list_models(step: Step) -> list[str]:
    return [tag("model", step.model)] if isinstance(step, Asked) else []

"""An experiment's result, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from koderz.commands import console

if TYPE_CHECKING:
    from koderz.experiments.results import ExperimentResult


def build_document(result: ExperimentResult) -> dict[str, Any]:
    """The JSON object of a result; money is a number of USD, null where it is unknown."""
    fields = {name: getattr(result, name) for name in result.__struct_fields__}
    return {
        **fields,
        "problem": result.key.problem,
        "is_solved": result.is_solved,
        "cost_usd": result.cost_usd,
    }


def print_result(result: ExperimentResult, *, show_code: bool = False) -> None:
    """Print a result and what it cost."""
    from koderz.analysis.cost_report import format_cost_report

    output = console.get_output()
    output.print()
    for name, text in list_facts(result):
        output.print(f"{name:<10}{text}", markup=False, soft_wrap=True)
    output.print()
    output.print(format_cost_report(result.cost), markup=False, soft_wrap=True)
    if show_code:
        output.print()
        output.print(result.code or "(no code)", markup=False, soft_wrap=True)


def list_facts(result: ExperimentResult) -> Iterator[tuple[str, str]]:
    """What came of it, by name."""
    stamp = " (simulated)" if result.is_simulated else ""
    reason = f": {result.reason}" if result.reason else ""
    yield "result", f"{result.ending.value} {result.key.problem}{stamp}{reason}"
    iterations = f"{result.iterations} iteration{'' if result.iterations == 1 else 's'}"
    reviews = f"{result.checkpoints} review{'' if result.checkpoints == 1 else 's'}"
    yield "took", f"{iterations}, {reviews}"
    yield "feedback", f"{result.feedback_passed} of {result.feedback_total} tests passed"
    if result.status is not None:
        passed = f"{result.verdict_passed} of {result.verdict_total} tests passed"
        held = "held back from the models" if result.is_held_back else "the feedback's own tests"
        yield "verdict", f"{result.status.value}, {passed} ({held})"
    yield from _list_origins(result)
    yield "id", result.id


def _list_origins(result: ExperimentResult) -> Iterator[tuple[str, str]]:
    if result.spec_reused_from:
        yield "spec", f"{result.spec_model} wrote it in {result.spec_reused_from}: reused, free"
    elif result.spec_model:
        yield "spec", f"by {result.spec_model}"
    if result.isolation is not None:
        alone = ": nothing kept the programs apart from this machine"
        yield "sandbox", result.isolation.value + (alone if result.isolation == "none" else "")

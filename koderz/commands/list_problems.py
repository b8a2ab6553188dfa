"""`koderz list-problems`: the problems of a dataset."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koderz.commands import console
from koderz.commands.options import JsonOption, ProblemsOption
from koderz.errors import ConfigError

if TYPE_CHECKING:
    from koderz.benchmarks.problems import Problem, Tests


def list_problems(
    *,
    dataset: Annotated[str, typer.Option(help="Whose problems.")] = "starter",
    problems: ProblemsOption = None,
    limit: Annotated[int | None, typer.Option(help="At most so many.")] = None,
    problem_id: Annotated[
        str | None, typer.Option("--problem-id", help="Only the problem of this task_id.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="With prompt, reference and tests.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List a dataset's problems: starter, humaneval, humaneval+, humaneval+mini, mbpp+ and others.

    Examples:
        koderz list-problems --limit 5

        koderz list-problems --dataset humaneval --problem-id HumanEval/32 --full
    """
    from koderz.benchmarks.registry import get_benchmark

    if limit is not None and limit < 1:
        raise ConfigError("must be at least 1", key="--limit")
    found = get_benchmark(dataset).load_problems(problems)
    rows = list(_choose(found, problem_id, limit))
    if problem_id is not None and not rows:
        raise ConfigError(f"{dataset} has no problem {problem_id!r}", key="--problem-id")
    if as_json:
        listed = [build_row(row, is_full=full) for row in rows]
        console.print_json({"dataset": dataset, "problems": listed})
    elif full:
        _print_full(rows)
    else:
        _print_table(rows)


def build_row(problem: Problem, *, is_full: bool) -> dict[str, Any]:
    """A problem for `--json`: what is known of it, with its texts where all is asked for."""
    row: dict[str, Any] = {"task_id": problem.task_id, "entry_point": problem.entry_point}
    if problem.difficulty:
        row["difficulty"] = problem.difficulty
    if problem.requirements:
        row["requirements"] = list(problem.requirements)
    if is_full:
        row |= {
            "prompt": problem.prompt,
            "reference": problem.reference,
            "tests": _describe_tests(problem.tests),
            "feedback": _describe_tests(problem.feedback) if problem.feedback else "",
        }
    return row


def _choose(
    problems: Iterator[Problem], problem_id: str | None, limit: int | None
) -> Iterator[Problem]:
    if problem_id is not None:
        problems = (each for each in problems if each.task_id == problem_id)
    return itertools.islice(problems, limit)


def _describe_tests(tests: Tests) -> str:
    from koderz.benchmarks.problems import InputTests

    if isinstance(tests, InputTests):
        return f"{len(tests.inputs)} inputs, on which the reference's outputs are expected"
    return tests.source


def _print_table(rows: list[Problem]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("task_id", "entry point", "difficulty", "needs"):
        table.add_column(name, overflow="fold")
    for row in rows:
        needs = " ".join(row.requirements)
        table.add_row(escape(row.task_id), escape(row.entry_point), row.difficulty, needs)
    console.get_output().print(table)


def _print_full(rows: list[Problem]) -> None:
    for row in rows:
        parts = [f"# {row.task_id}", row.prompt.rstrip(), "", "# reference", row.reference.rstrip()]
        parts += ["", "# tests", _describe_tests(row.tests).strip()]
        if row.feedback:
            parts += ["", "# feedback", _describe_tests(row.feedback).strip()]
        typer.echo("\n".join([*parts, ""]))

"""`koderz evaluate`: samples against a benchmark's tests, in the sandbox."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from koderz.commands import console
from koderz.commands.options import JsonOption, ProblemsOption, SandboxKind
from koderz.commands.progress import ProgressLine
from koderz.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from koderz.evaluation.running import Evaluation, Progress
    from koderz.evaluation.summary import Summary

MOST_SHOWN: Final = 10
"""How many failing references, or problems that were not run, a person is shown."""


def evaluate(
    samples: Annotated[
        Path,
        typer.Argument(
            help="One JSON object a line, with task_id and solution, completion or raw.",
            show_default=False,
        ),
    ],
    *,
    dataset: Annotated[str, typer.Option(help="Whose tests: see `koderz list-problems`.")],
    problems: ProblemsOption = None,
    out: Annotated[
        Path | None, typer.Option(help="The results file (without: SAMPLES_results.jsonl).")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="How many run at once (without: one a processor).")
    ] = None,
    timeout: Annotated[float, typer.Option(help="CPU seconds that one sample may take.")] = 10.0,
    sandbox: Annotated[
        SandboxKind, typer.Option(help="What isolates the code (none: nothing does).")
    ] = SandboxKind.AUTO,
    check_references: Annotated[
        bool, typer.Option("--check-references", help="Judge the dataset's own solutions first.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Judge samples by a dataset's tests and print pass@k.

    `solution` is a whole module, `completion` what follows the prompt, `raw` a model's answer, in
    which the code is found. Verdicts go to a file beside the samples, in their order; a run that
    was stopped goes on where it ended.

    Examples:
        koderz evaluate samples.jsonl --dataset humaneval

        koderz evaluate answers.jsonl --dataset mbpp+ --workers 8 --json
    """
    from koderz.evaluation.running import Evaluation

    if workers is not None and workers < 1:
        raise ConfigError("must be at least 1", key="--workers")
    if not 0 < timeout <= 3600:  # noqa: PLR2004 - an hour.
        raise ConfigError("must be more than 0 and at most 3600 seconds", key="--timeout")
    evaluation = Evaluation(
        samples=samples,
        dataset=dataset,
        problems=problems,
        results=out,
        workers=workers,
        timeout_s=timeout,
        sandbox=sandbox.value,
        check_references=check_references,
    )
    with _interruptible(evaluation), ProgressLine() as progress:
        summary = console.run(_judge(evaluation, progress.update))
    if as_json:
        console.print_json(summary)
    else:
        _print_summary(summary)


@contextlib.contextmanager
def _interruptible(evaluation: Evaluation) -> Iterator[None]:
    """Say how to go on, where a person stops the run."""
    import asyncio

    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        where = evaluation.results_path
        typer.echo(
            f"koderz: interrupted; what is judged is kept in {where}: "
            "run the same command again to go on",
            err=True,
        )
        raise typer.Exit(130) from None


async def _judge(evaluation: Evaluation, progress: Progress) -> Summary:
    """The summary of a run; what shows it is loaded while the sandbox's servers start."""
    import asyncio
    from importlib import import_module

    from koderz.evaluation.running import run_evaluation

    summary, _ = await asyncio.gather(
        run_evaluation(evaluation, progress), asyncio.to_thread(import_module, "rich.table")
    )
    return summary


def _print_summary(summary: Summary) -> None:
    from rich.markup import escape

    output = console.get_output()
    _print_references(summary)
    for each in summary.pass_at_k:
        output.print(
            f"[bold]pass@{each.k:<4} {each.value:>6.1%}[/]  "
            f"{each.low:.1%} to {each.high:.1%} over {_count(each.problems, 'problem')}"
        )
    if summary.pass_at_k:
        output.print(f"[dim]{summary.interval}[/]")
    output.print()
    output.print(_build_statuses(summary))
    if summary.slowest:
        output.print("\nslowest, CPU time of one sample")
    for slow in summary.slowest:
        output.print(f"{slow.cpu_s:8.3f} s  {escape(slow.task_id)}")
    _print_notes(summary)
    output.print(f"Verdicts: {escape(summary.results)}")


def _print_references(summary: Summary) -> None:
    from rich.markup import escape

    output = console.get_output()
    if summary.references is None:
        return
    if not summary.references:
        output.print("Every reference passes.")
        return
    output.print(f"{_count(len(summary.references), 'reference')} without a pass:")
    for each in summary.references[:MOST_SHOWN]:
        output.print(f"  {escape(each.task_id)}: {each.status}, {escape(each.reason)}")
    if more := len(summary.references) - MOST_SHOWN:
        output.print(f"  and {more} more (--json has all)" if more > 0 else "")


def _build_statuses(summary: Summary) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("status")
    table.add_column("samples", justify="right")
    table.add_column("share", justify="right")
    for status, count in summary.statuses.items():
        table.add_row(status, f"{count:,}", f"{count / summary.samples:.1%}")
    return table


def _print_notes(summary: Summary) -> None:
    from rich.markup import escape

    notes = console.get_notes()
    if summary.resumed:
        notes.print(f"{_count(summary.resumed, 'verdict')} were there from an earlier run.")
    if summary.isolation.get("none"):
        count = _count(summary.isolation["none"], "sample")
        notes.print(f"[yellow]{count} ran without isolation (--sandbox none).[/]")
    missing = summary.dataset_problems - summary.problems - len(summary.not_run)
    if missing > 0:
        notes.print(f"{_count(missing, 'problem')} of {summary.dataset} without a sample.")
    for task_id, reason in list(summary.not_run.items())[:MOST_SHOWN]:
        notes.print(f"not run: {escape(task_id)} {escape(reason)}")
    if len(summary.not_run) > MOST_SHOWN:
        notes.print(f"not run: {len(summary.not_run) - MOST_SHOWN} more (--json has all)")


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"

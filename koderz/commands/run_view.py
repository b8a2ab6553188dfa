"""How a person sees an experiment while it runs: a table that grows, or a line a step."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from koderz.commands import console
from koderz.experiments.guidance import get_fix
from koderz.experiments.steps import (
    AllowanceStep,
    Bound,
    CheckpointStep,
    FeedbackStep,
    IterationStep,
    SpecStep,
    Step,
    VerdictStep,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.table import Table

    from koderz.experiments.history import History
    from koderz.sandbox import Verdict

MOST_ROWS = 20
DETAIL_LENGTH = 60


class View(Protocol):
    """Is shown the steps so far after each one."""

    def show(self, history: History) -> None:
        """Show them."""


def open_view(output: Console | None) -> AbstractContextManager[View]:
    """A view on an output: a live table at a terminal, else lines; None shows nothing."""
    if output is None:
        return _open_nothing()
    return _open_table(output) if output.is_terminal else _open_lines(output)


def choose_output(*, as_json: bool) -> Console | None:
    """Where an experiment is shown: nowhere where standard output is for a program alone."""
    if not as_json:
        return console.get_output()
    return console.get_notes() if sys.stderr.isatty() else None


class Lines:
    """A line a step."""

    def __init__(self, output: Console) -> None:
        self._output = output

    def show(self, history: History) -> None:
        """Print the latest step."""
        step = history.steps[-1]
        if not isinstance(step, IterationStep):
            name, model, detail, cost_usd = build_row(step)
            cost = f", {console.format_usd(cost_usd)}" if model else ""
            by = f" by {model}" if model else ""
            self._output.print(f"{name}{by}: {detail}{cost}", markup=False, soft_wrap=True)


class LiveTable:
    """A table that grows."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, history: History) -> None:
        """Draw it anew."""
        self._live.update(_build_screen(history))


class Nothing:
    """Shows nothing."""

    def show(self, history: History) -> None:
        """Do nothing."""


@contextmanager
def _open_nothing() -> Iterator[View]:
    yield Nothing()


@contextmanager
def _open_lines(output: Console) -> Iterator[View]:
    yield Lines(output)


@contextmanager
def _open_table(output: Console) -> Iterator[View]:
    from rich.live import Live

    with Live(_build_screen(None), console=output, refresh_per_second=8) as live:
        yield LiveTable(live)


def _build_screen(history: History | None) -> RenderableType:
    """The table, and until the verdict is there a sign that something is being done."""
    from rich.console import Group
    from rich.spinner import Spinner

    table = build_table(history) if history else ""
    if history and history.verdict:
        return table
    return Group(table, Spinner("dots", text="asking, or running tests"))


def build_table(history: History, *, most_rows: int | None = MOST_ROWS) -> Table:
    """The latest steps as a table (None: all); an iteration and its feedback are one row."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("step", "model", "what came of it", "cost"):
        table.add_column(name, justify="right" if name == "cost" else "left", overflow="fold")
    judged = {step.number for step in history.steps if isinstance(step, FeedbackStep)}
    feedback = {step.number: step for step in history.steps if isinstance(step, FeedbackStep)}
    rows = []
    for step in history.steps:
        if isinstance(step, FeedbackStep):
            continue
        name, model, detail, cost_usd = build_row(step)
        if isinstance(step, IterationStep) and step.number in judged:
            detail = describe_verdict(feedback[step.number].verdict)
        rows.append((name, model, detail, console.format_usd(cost_usd) if model else ""))
    left_out = max(len(rows) - most_rows, 0) if most_rows else 0
    if left_out:
        table.add_row("...", "", f"{left_out} steps before", "")
    for row in rows[left_out:]:
        table.add_row(*map(escape, row))
    return table


def build_row(step: Step) -> tuple[str, str, str, Decimal | None]:
    """A step's name, its model ("" without one), what came of it, and its cost (None: unknown)."""
    match step:
        case AllowanceStep():
            return "allowance", "", describe_allowance(step), Decimal(0)
        case SpecStep():
            detail = f"reused from {step.reused_from}" if step.reused_from else step.failure
            return "spec", step.model, detail or "written", sum_costs(step)
        case IterationStep():
            return f"iteration {step.number}", step.model, step.failure or "asked", sum_costs(step)
        case FeedbackStep():
            return f"iteration {step.number}", "", describe_verdict(step.verdict), Decimal(0)
        case CheckpointStep():
            plateau = "plateau: " if step.is_plateau else ""
            said = step.failure or shorten(get_fix(step.guidance), 2 * DETAIL_LENGTH)
            return f"checkpoint {step.number}", step.model, plateau + said, sum_costs(step)
        case VerdictStep():
            tests = "held-back tests" if step.is_held_back else "the same tests"
            said = f"iteration {step.number}, {tests}: {describe_verdict(step.verdict)}"
            return "verdict", "", said, Decimal(0)


def describe_verdict(verdict: Verdict) -> str:
    """A verdict in a few words: "failed, 2 of 3 tests, add(1, 2) gave 4, not 3"."""
    words = f"{verdict.status}, {verdict.tests_passed} of {verdict.tests_total} tests"
    failure = verdict.failure
    if failure and failure.call:
        gave = failure.actual if failure.actual.startswith("raised ") else f"gave {failure.actual}"
        words += f": {failure.call} {gave}, not {failure.expected}"
    elif verdict.error:
        words += f": {verdict.error.strip().splitlines()[-1]}"
    return shorten(words, 2 * DETAIL_LENGTH)


def describe_allowance(step: AllowanceStep) -> str:
    """An allowance in words: "up to $0.0123, what supervised cost"."""
    if step.bound is Bound.COST:
        return f"up to {console.format_usd(step.cost_usd)}, what {step.cost_of} cost"
    return f"up to {step.calls} calls, as many as {step.cost_of} made ({step.reason})"


def shorten(text: str, length: int = DETAIL_LENGTH) -> str:
    """The text on one line, cut where it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 3] + "..."


def sum_costs(step: SpecStep | IterationStep | CheckpointStep) -> Decimal | None:
    """What a step's calls cost; None where a price is unknown."""
    costs = [attempt.cost_usd for attempt in step.attempts]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None

"""How a person sees a run: a line a strategy that changes, or a line an experiment."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from koderz.commands import console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    from koderz.runs.tallies import Tally
    from koderz.runs.values import Turn

COLUMNS = ("strategy", "judged", "solved", "broken off", "steps", "cost", "time left")
SECONDS_PER_MINUTE = 60
DRAWN_EVERY_S = 0.2


class View(Protocol):
    """Is shown how far a run is."""

    def begin(self, tallies: Mapping[str, Tally]) -> None:
        """Show where it begins."""

    def show(self, turn: Turn) -> None:
        """Show what has just happened."""


def open_view(output: Console | None) -> AbstractContextManager[View]:
    """A view on an output: a live table at a terminal, else lines; None shows nothing."""
    if output is None:
        return _open_nothing()
    return _open_table(output) if output.is_terminal else _open_lines(output)


class Nothing:
    """Shows nothing."""

    def begin(self, tallies: Mapping[str, Tally]) -> None:
        """Do nothing."""

    def show(self, turn: Turn) -> None:
        """Do nothing."""


class Lines:
    """A line for each experiment that is judged or broken off."""

    def __init__(self, output: Console) -> None:
        self._output = output

    def begin(self, tallies: Mapping[str, Tally]) -> None:
        """Say what is done already, where something is."""
        earlier = sum(tally.earlier for tally in tallies.values())
        if earlier:
            self._print(f"{earlier} experiments were judged before")

    def show(self, turn: Turn) -> None:
        """Print the experiment, once it has ended."""
        if turn.reason or turn.history.verdict:
            self._print(describe_turn(turn))

    def _print(self, line: str) -> None:
        self._output.print(line, markup=False, soft_wrap=True)


class LiveTable:
    """A table that changes; it is drawn a few times a second at the most."""

    def __init__(self, live: Live) -> None:
        self._live, self._started, self._drawn = live, time.monotonic(), 0.0

    def begin(self, tallies: Mapping[str, Tally]) -> None:
        """Draw it for the first time."""
        self._started = time.monotonic()
        self._draw(tallies)

    def show(self, turn: Turn) -> None:
        """Draw it anew."""
        is_over = all(each.judged + each.failed >= each.total for each in turn.tallies.values())
        if is_over or time.monotonic() - self._drawn >= DRAWN_EVERY_S:
            self._draw(turn.tallies)

    def _draw(self, tallies: Mapping[str, Tally]) -> None:
        self._drawn = time.monotonic()
        self._live.update(build_table(tallies, self._drawn - self._started))


def build_table(tallies: Mapping[str, Tally], elapsed_s: float) -> Table:
    """How far each strategy is, a row each, as a table."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "strategy" else "right")
    for tally in tallies.values():
        table.add_row(*map(escape, build_row(tally, elapsed_s)))
    return table


def build_row(tally: Tally, elapsed_s: float) -> tuple[str, ...]:
    """A strategy's name and figures in words."""
    at_least = "at least " if tally.has_unknown else ""
    left_s = estimate_left_s(tally, elapsed_s)
    return (
        tally.strategy,
        f"{tally.judged} of {tally.total}",
        str(tally.solved),
        str(tally.failed or ""),
        str(tally.steps),
        at_least + console.format_usd(tally.cost_usd),
        "" if left_s is None else format_time(left_s),
    )


def estimate_left_s(tally: Tally, elapsed_s: float) -> float | None:
    """How long the rest takes at the pace so far; None where nothing is left, or known of it."""
    done = tally.judged - tally.earlier
    left = tally.total - tally.judged - tally.failed
    return elapsed_s / done * left if done and left else None


def format_time(time_s: float) -> str:
    """A time for a person: "45 s", "12 min", "3 h 20 min"."""
    if time_s < 2 * SECONDS_PER_MINUTE:
        return f"{time_s:.0f} s"
    minutes = round(time_s / SECONDS_PER_MINUTE)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"


def describe_turn(turn: Turn) -> str:
    """An experiment that has ended: "supervised HumanEval/3: solved after 4, $0.0031"."""
    key, tally = turn.key, turn.tallies[turn.key.strategy]
    sample = f" sample {key.sample}" if key.sample else ""
    counts = f"({tally.judged} of {tally.total})"
    verdict = turn.history.verdict
    if turn.reason or verdict is None:
        again = "broken off" if turn.put_off_s is None else f"again in {turn.put_off_s:.0f} s"
        return f"{key.strategy} {key.problem}{sample}: {again}: {turn.reason} {counts}"
    came = "solved" if verdict.verdict.is_passed else f"unsolved ({verdict.verdict.status})"
    return f"{key.strategy} {key.problem}{sample}: {came} after {_describe_effort(turn)} {counts}"


def _describe_effort(turn: Turn) -> str:
    from koderz.routing.router import sum_costs

    done = len(turn.history.trials)
    cost_usd = sum_costs(turn.history.attempts)
    return f"{done} iteration{'' if done == 1 else 's'}, {console.format_usd(cost_usd)}"


@contextmanager
def _open_nothing() -> Iterator[View]:
    yield Nothing()


@contextmanager
def _open_lines(output: Console) -> Iterator[View]:
    yield Lines(output)


@contextmanager
def _open_table(output: Console) -> Iterator[View]:
    from rich.live import Live

    with Live(console=output, refresh_per_second=4) as live:
        yield LiveTable(live)

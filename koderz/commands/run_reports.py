"""A run's report to whoever asked: at the terminal, as JSON, and into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from koderz.commands import console
from koderz.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Grid

    from koderz.reports.tables import Table
    from koderz.reports.values import RunReport

FORMS = (".html", ".csv", ".json", ".md")
WIDEST = 1000


def check_out(out: Path | None) -> None:
    """Raise ConfigError where no report can be written under that name: before work is paid for."""
    if out is None:
        return
    if out.suffix.lower() not in FORMS:
        raise ConfigError(f"{out} says no form: end it in {', '.join(FORMS)}", key="--out")
    if out.exists() and not out.is_file():
        kind = "a folder" if out.is_dir() else "a device"
        raise ConfigError(f"{out} is {kind}: name a file", key="--out")
    if not out.parent.is_dir():
        raise ConfigError(f"there is no folder {out.parent}: make it first", key="--out")


def publish_report(report: RunReport, *, out: Path | None, as_json: bool) -> None:
    """Print a report, and write it to `out` in the form that its ending says.

    Raises ConfigError for another ending, StoreError where it cannot be written.
    """
    check_out(out)
    if as_json:
        from koderz.reports.exports import render_json

        typer.echo(render_json(report), nl=False)
    else:
        print_report(report)
    if out is not None:
        write_report(report, out)


def write_report(report: RunReport, out: Path) -> None:
    """Write a report in the form that the file's ending says; raises as `publish_report` does."""
    check_out(out)
    _write(out, render(report, out.suffix.lower()))
    console.get_notes().print(f"report written to {out}", markup=False, soft_wrap=True)


def render(report: RunReport, suffix: str) -> str:
    """The report in the form of a file's ending."""
    from koderz.reports.exports import render_csv, render_json, render_markdown

    if suffix == ".html":
        from koderz.reports.html import render_html

        return render_html(report)
    forms = {".csv": render_csv, ".json": render_json, ".md": render_markdown}
    return forms[suffix](report)


def print_report(report: RunReport) -> None:
    """Print a report as tables, its stamps first and last."""
    from rich.text import Text

    from koderz.reports.contents import get_title, list_facts, list_tables

    output = console.get_output()
    for stamp in report.stamps:
        output.print(Text(stamp, style="bold yellow"))
    output.print(Text(get_title(report), style="bold"))
    for fact in list_facts(report):
        output.print(fact, markup=False)
    for table in list_tables(report):
        print_table(table, output)
    if report.stamps:
        output.print()
        output.print(Text(report.stamps[0], style="bold yellow"))


def print_table(table: Table, output: Console) -> None:
    """Print a table under its title, its notes below it."""
    from rich.text import Text

    output.print()
    output.print(Text(table.title, style="bold"))
    grid = _build_grid(table, " [")
    wanted = output.measure(grid, options=output.options.update(width=WIDEST)).maximum
    if wanted > output.width:
        grid = _build_grid(table, "\n[")
    output.print(grid)
    for note in table.notes:
        output.print(Text(note, style="dim"))


def _build_grid(table: Table, bracket: str) -> Grid:
    """The table as rich draws it; an interval follows its figure behind this `bracket`."""
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    is_named = all(" " not in row[0] for row in table.rows)
    for index, column in enumerate(table.columns):
        grid.add_column(
            Text(column),
            justify="right" if index else "left",
            overflow="fold" if index else "ellipsis",
            no_wrap=is_named and not index,
        )
    for row in table.rows:
        grid.add_row(*(Text(cell.replace(" [", bracket)) for cell in row))
    return grid


def _write(out: Path, text: str) -> None:
    """Have the whole report in the file, or the file as it was."""
    target = out.resolve()
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_text(text, encoding="utf-8", errors="replace", newline="")
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        reason = (error.strerror or str(error)).lower()
        raise StoreError(f"cannot write {out}: {reason}: name another --out") from error

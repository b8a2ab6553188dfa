"""`koderz git`: a repository's history by type and scope, and its receipt."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from koderz.commands import console
from koderz.commands.job_options import (
    LedgerOption,
    MaxCostOption,
    ModelOption,
    check_model_options,
    load_settings,
    parse_max_cost,
    perform,
)
from koderz.commands.options import ConfigOption
from koderz.commands.progress import ProgressLine
from koderz.commands.receipts import build_job_receipt, print_receipt_lines
from koderz.types import TaskKind

if TYPE_CHECKING:
    from rich.text import Text

    from koderz.jobs.git.history import GitResult

_ROW = re.compile(r"^[0-9a-f]{7,64}(?: BREAKING)?(?= )")


class By(StrEnum):
    """What commits are grouped by."""

    TYPE = "type"
    SCOPE = "scope"


class Format(StrEnum):
    """What is printed."""

    TABLE = "table"
    MARKDOWN = "markdown"
    JSON = "json"


def git(
    range_: Annotated[
        str, typer.Argument(metavar="RANGE", help="What git takes: v1.2..HEAD, a branch, a tag.")
    ] = "",
    *,
    repo: Annotated[Path, typer.Option(help="The repository, or a folder inside of it.")] = Path(),
    count: Annotated[
        int | None,
        typer.Option("-n", help="Most commits, newest first (without: [koderz.git] count, 50)."),
    ] = None,
    since: Annotated[str, typer.Option(help="Only commits since then: 2 weeks ago.")] = "",
    until: Annotated[str, typer.Option(help="Only commits until then: 2026-01-31.")] = "",
    by: Annotated[By, typer.Option(help="What commits are grouped by.")] = By.TYPE,
    style: Annotated[
        Format, typer.Option("--format", help="A table, a changelog, or one JSON object.")
    ] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    stat: Annotated[bool, typer.Option("--stat", help="Add changed files and lines.")] = False,
    model: ModelOption = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no model: leave open what is open.")
    ] = False,
    max_cost: MaxCostOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> None:
    """Print a repository's commits by type and scope, with their hashes.

    What a commit's message or its paths state decides; only what they leave open goes to a model,
    many commits a prompt, and is marked ~. The list goes to standard output, the receipt to
    standard error.

    Examples:

        koderz git

        koderz git v1.2..HEAD -n 500 --format markdown --no-model

        koderz git --repo ../other --since "2 weeks ago" --by scope --json
    """
    from koderz.jobs.git.history import GitHistory

    check_model_options(model, no_model=no_model)
    loaded = load_settings(TaskKind.GIT_HISTORY, config=config, model=model, ledger=ledger)
    with ProgressLine() as line:
        job = GitHistory(
            repo,
            range_,
            count=loaded.settings.koderz.git.count if count is None else count,
            since=since,
            until=until,
            by=by.value,
            style="markdown" if style is Format.MARKDOWN else "table",
            with_stats=stat,
            max_usd=parse_max_cost(max_cost),
            use_model=not no_model,
            on_progress=line.update,
        )
        result = perform(job, loaded, line.update)
    if as_json or style is Format.JSON:
        console.print_json(result)
    else:
        print_history(result)
        print_receipt_lines(build_job_receipt(result, whole="of the plain log"))


def print_history(result: GitResult) -> None:
    """Print the list: at a terminal in colour, elsewhere exactly the text that was counted."""
    text = result.render()
    if result.style == "markdown" or not sys.stdout.isatty():
        typer.echo(text)
        return
    output = console.get_output()
    for line in text.split("\n"):
        output.print(_paint(line), soft_wrap=True)


def _paint(line: str) -> Text:
    from rich.text import Text

    if row := _ROW.match(line):
        return Text.assemble((row[0], "dim"), line[row.end() :])
    return Text(line, style="bold")

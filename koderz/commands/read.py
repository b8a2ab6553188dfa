"""`koderz read`: the digest of a large file, and its receipt."""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated

import msgspec
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
from koderz.commands.options import ConfigOption, JsonOption
from koderz.commands.progress import ProgressLine
from koderz.commands.receipts import build_account, limit_remarks, print_receipt_lines
from koderz.errors import JobError
from koderz.types import TaskKind

if TYPE_CHECKING:
    from rich.text import Text

    from koderz.jobs.read.read_file import ReadResult

STDIN = "-"

_ORIGINAL = re.compile(r"^\d+(?:@\d+)?:")


def read(
    file: Annotated[str, typer.Argument(help="The file to read; - is standard input.")],
    question: Annotated[str, typer.Argument(help="What you want to know of it.")] = "",
    *,
    budget: Annotated[
        int | None,
        typer.Option(metavar="TOKENS", help="Most tokens of the digest, for files of any size."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Make a digest of a small file too.")
    ] = False,
    model: ModelOption = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no model: extract, free and offline.")
    ] = False,
    max_cost: MaxCostOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what matters in a large file: original lines with their numbers, under a token budget.

    The digest goes to standard output, the receipt to standard error. Lines without a number in
    front are not the file's: gaps stand in brackets, findings of a model behind ^.

    Examples:

        koderz read build.log "why did it fail?"

        koderz read server.log --budget 2000 --json

        make 2>&1 | koderz read - "which test failed first?" --no-model
    """
    from koderz.jobs.read.read_file import ReadFile

    check_model_options(model, no_model=no_model)
    loaded = load_settings(TaskKind.LARGE_READ, config=config, model=model, ledger=ledger)
    with ProgressLine() as line, _open_input(file) as path:
        job = ReadFile(
            path,
            question,
            budget_tokens=budget,
            is_forced=force,
            max_usd=parse_max_cost(max_cost),
            use_model=not no_model,
            on_progress=line.update,
        )
        result = perform(job, loaded, line.update)
    result = msgspec.structs.replace(result, path=file) if file == STDIN else result
    if as_json:
        console.print_json(result)
    else:
        print_digest(result)
        print_receipt_lines(build_receipt(result))


@contextmanager
def _open_input(file: str) -> Iterator[Path]:
    """The file's path; standard input is kept in a file for as long as it is read."""
    if file != STDIN:
        yield Path(file)
        return
    with NamedTemporaryFile(prefix="koderz-", suffix=".txt") as spool:
        try:
            shutil.copyfileobj(sys.stdin.buffer, spool)
            spool.flush()
        except OSError as error:
            reason = f"cannot keep standard input in {spool.name}: {error.strerror}"
            raise JobError(f"{reason}: save it to a file and read that") from None
        try:
            yield Path(spool.name)
        except JobError as error:
            raise JobError(str(error).replace(spool.name, "standard input")) from None


def print_digest(result: ReadResult) -> None:
    """Print the digest: at a terminal in colour, elsewhere exactly the text that was counted."""
    text = result.render()
    if result.engine == "passthrough" or not sys.stdout.isatty():
        typer.echo(text)
        return
    output = console.get_output()
    for line in text.split("\n"):
        output.print(_paint(line), soft_wrap=True)


def _paint(line: str) -> Text:
    from rich.text import Text

    if number := _ORIGINAL.match(line):
        return Text.assemble((number[0], "dim"), line[number.end() :])
    return Text(line, style="cyan" if line.startswith("^") else "dim italic")


def build_receipt(result: ReadResult) -> Iterator[tuple[str, str]]:
    """The lines of a receipt: what they are about, and what they say."""
    yield from build_account(result, whole="of the file", who=_say_who(result))
    yield from limit_remarks(_list_remarks(result))


def _say_who(result: ReadResult) -> str:
    if result.engine == "passthrough":
        return "nobody, the file as it is"
    if result.model is None:
        return "no model, extracted on this machine"
    also = ", the rest extracted without a model" if result.engine == "mixed" else ""
    return f"{result.model} ({result.tier} tier, {result.route_source}){also}"


def _list_remarks(result: ReadResult) -> list[tuple[str, str]]:
    unused = Counter(
        (attempt.outcome.value, f"{attempt.model}: {attempt.reason}")
        for attempt in result.attempts
        if attempt.outcome != "accepted"
    )
    remarks = [
        (outcome, said + (f" ({count} times)" if count > 1 else ""))
        for (outcome, said), count in unused.items()
    ]
    if result.quotes_dropped:
        remarks.append(("dropped", f"{result.quotes_dropped} findings: their quotes stand nowhere"))
    return [*remarks, *(("note", note) for note in result.notes)]

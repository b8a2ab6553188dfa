"""`koderz read`: the digest of a large file, and its receipt."""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from koderz.commands import console
from koderz.commands.progress import ProgressLine
from koderz.errors import ConfigError, JobError

if TYPE_CHECKING:
    from rich.text import Text

    from koderz.config.loading import LoadedSettings
    from koderz.jobs.reads import ReadFile, ReadResult

STDIN = "-"
MOST_REMARKS = 8

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
    model: Annotated[str | None, typer.Option(help="The model to ask first.")] = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no model: extract, free and offline.")
    ] = False,
    max_cost: Annotated[
        float | None, typer.Option(metavar="USD", help="Most that all calls may cost.")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="A ledger file (without: that of the settings).")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A settings file to use.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print what matters in a large file: original lines with their numbers, under a token budget.

    The digest goes to standard output, the receipt to standard error. Lines without a number in
    front are not the file's: gaps stand in brackets, findings of a model behind ^.

    Examples:

        koderz read build.log "why did it fail?"

        koderz read server.log --budget 2000 --json

        make 2>&1 | koderz read - "which test failed first?" --no-model
    """
    from koderz import compose
    from koderz.jobs.reads import ReadFile

    if model and no_model:
        raise ConfigError("choose one of --model and --no-model")
    loaded = compose.load(config, overrides=build_overrides(model, ledger))
    for warning in loaded.warnings:
        console.get_notes().print(f"koderz: {warning}", markup=False, soft_wrap=True)
    with ProgressLine() as line, _open_input(file) as path:
        job = ReadFile(
            path,
            question,
            budget_tokens=budget,
            is_forced=force,
            max_usd=None if max_cost is None else Decimal(str(max_cost)),
            use_model=not no_model,
            on_progress=line.update,
        )
        result = console.run(_perform(job, loaded, line))
    result = msgspec.structs.replace(result, path=file) if file == STDIN else result
    if as_json:
        console.print_json(result)
    else:
        print_digest(result)
        print_receipt(result)


def build_overrides(model: str | None, ledger: Path | None) -> Mapping[str, Any]:
    """The settings that these options stand for, by dotted name."""
    overrides: dict[str, Any] = {}
    if model:
        overrides["agent.small_model.enabled"] = True
        overrides["agent.small_model.use_for_large_reads"] = True
        overrides["agent.small_model.tasks.large_read.model"] = model
    if ledger:
        overrides["koderz.ledger.path"] = str(ledger)
    return overrides


async def _perform(job: ReadFile, loaded: LoadedSettings, line: ProgressLine) -> ReadResult:
    from koderz.compose import open_router

    async with open_router(loaded, on_fetch=line.update) as router:
        return await router.perform(job)


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


def print_receipt(result: ReadResult) -> None:
    """Print on stderr what went in and out, who did it and why, and what it cost and saved."""
    notes = console.get_notes()
    notes.print()
    for name, text in build_receipt(result):
        notes.print(f"{name:<10}{text}", markup=False, soft_wrap=True)


def build_receipt(result: ReadResult) -> Iterator[tuple[str, str]]:
    """The lines of a receipt: what they are about, and what they say."""
    stamp = " (simulated)" if result.simulated else ""
    if result.simulated:
        yield "SIMULATED", "models of the simulator answered: nothing was paid or saved"
    share = result.tokens_out / result.tokens_in if result.tokens_in else 1
    yield (
        "tokens",
        (
            f"{result.tokens_in:,} in, {result.tokens_out:,} out ({result.vocabulary}): "
            f"{share:.1%} of the file"
        ),
    )
    yield "by", f"{_say_who(result)}: {result.reason}{stamp}"
    yield "cost", f"{console.format_usd(result.cost_usd)} for {_count_calls(result)}{stamp}"
    yield "baseline", f"{console.format_usd(result.baseline_usd)}: {result.baseline}"
    yield "digest", f"{console.format_usd(result.digest_usd)} for reading the digest at that price"
    yield (
        "saved",
        f"{console.format_usd(result.saved_usd)} net of all attempts and the digest{stamp}",
    )
    yield from _list_remarks(result)


def _say_who(result: ReadResult) -> str:
    if result.engine == "passthrough":
        return "nobody, the file as it is"
    if result.model is None:
        return "no model, extracted on this machine"
    also = ", the rest extracted without a model" if result.engine == "mixed" else ""
    return f"{result.model} ({result.tier} tier, {result.route_source}){also}"


def _count_calls(result: ReadResult) -> str:
    outcomes = Counter(attempt.outcome.value for attempt in result.attempts)
    total = len(result.attempts)
    said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    return f"{total} call{'' if total == 1 else 's'}{f' ({said})' if said else ''}"


def _list_remarks(result: ReadResult) -> Iterator[tuple[str, str]]:
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
    remarks += [("note", note) for note in result.notes]
    yield from remarks[:MOST_REMARKS]
    if len(remarks) > MOST_REMARKS:
        yield "note", f"{len(remarks) - MOST_REMARKS} more: see --json"

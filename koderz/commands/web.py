"""`koderz web`: what matters in a web page, and its receipt."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koderz.commands import console
from koderz.commands.progress import ProgressLine
from koderz.commands.receipts import build_job_receipt, print_receipt_lines
from koderz.errors import ConfigError

if TYPE_CHECKING:
    from rich.text import Text

    from koderz.config.loading import LoadedSettings
    from koderz.jobs.web_summary import WebResult, WebSummary


def web(
    source: Annotated[str, typer.Argument(metavar="URL|FILE", help="The page to read.")],
    question: Annotated[str, typer.Argument(help="What you want to know of it.")] = "",
    *,
    budget: Annotated[
        int | None, typer.Option(metavar="TOKENS", help="Most tokens that are kept of the page.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Print all of it as plain Markdown, links included.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="The model to ask first.")] = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no model: extract, free.")
    ] = False,
    max_cost: Annotated[
        float | None, typer.Option(metavar="USD", help="Most that all calls may cost.")
    ] = None,
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Fetch from this machine and private networks too."),
    ] = False,
    ledger: Annotated[
        Path | None, typer.Option(help="A ledger file (without: that of the settings).")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A settings file to use.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print what matters in a web page as Markdown: its subject, or what answers a question.

    Code, tables and headings of the page's subject are kept; navigation, teasers and notices are
    not. A file may be HTML, Markdown, plain text or a PDF. The text goes to standard output, the
    receipt to standard error.

    Examples:

        koderz web https://example.com/guide

        koderz web https://example.com/guide "how is a proxy set?" --budget 800

        koderz web saved.html --no-model --json
    """
    from koderz import compose
    from koderz.jobs.web_summary import WebSummary

    if model and no_model:
        raise ConfigError("choose one of --model and --no-model")
    loaded = compose.load(config, overrides=build_overrides(model, ledger))
    for warning in loaded.warnings:
        console.get_notes().print(f"koderz: {warning}", markup=False, soft_wrap=True)
    with ProgressLine() as line:
        job = WebSummary(
            source,
            question,
            budget_tokens=budget,
            is_whole=whole,
            max_usd=None if max_cost is None else Decimal(str(max_cost)),
            use_model=not no_model,
            allow_private=True if allow_private else None,
            on_progress=line.update,
        )
        result = console.run(_perform(job, loaded))
    if as_json:
        console.print_json(result)
    else:
        print_page(result)
        print_receipt_lines(build_receipt(result))


def build_overrides(model: str | None, ledger: Path | None) -> Mapping[str, Any]:
    """The settings that these options stand for, by dotted name."""
    overrides: dict[str, Any] = {}
    if model:
        overrides["agent.small_model.enabled"] = True
        overrides["agent.small_model.use_for_web_summary"] = True
        overrides["agent.small_model.tasks.web_summary.model"] = model
    if ledger:
        overrides["koderz.ledger.path"] = str(ledger)
    return overrides


async def _perform(job: WebSummary, loaded: LoadedSettings) -> WebResult:
    from koderz.compose import open_router

    async with open_router(loaded) as router:
        return await router.perform(job)


def print_page(result: WebResult) -> None:
    """Print the text: at a terminal in colour, elsewhere exactly what was counted."""
    if result.engine == "passthrough" or not sys.stdout.isatty():
        typer.echo(result.text)
        return
    output = console.get_output()
    for line in result.text.split("\n"):
        output.print(_paint(line), soft_wrap=True)


def _paint(line: str) -> Text:
    from rich.text import Text

    if line.startswith("#"):
        return Text(line, style="bold")
    return Text(line, style="dim italic" if line.endswith(" left out]") else "")


def build_receipt(result: WebResult) -> Iterator[tuple[str, str]]:
    """The lines of a receipt: a job's, and what the page weighed as it came."""
    for name, text in build_job_receipt(result, whole="of the page as plain Markdown"):
        yield name, text
        if name == "tokens":
            share = result.tokens_out / result.tokens_raw_html if result.tokens_raw_html else 1
            yield "", f"{share:.1%} of the {result.tokens_raw_html:,} tokens that the page came in"
    beyond = [each for each in result.dropped if each.reason == "beyond the budget"]
    around = len(result.dropped) - len(beyond)
    if result.dropped:
        yield "left out", f"{len(beyond)} parts of the subject, {around} around it: see --json"

"""`koderz web`: what matters in a web page, and its receipt."""

from __future__ import annotations

import sys
from collections.abc import Iterator
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
from koderz.commands.options import ConfigOption, JsonOption
from koderz.commands.progress import ProgressLine
from koderz.commands.receipts import build_job_receipt, print_receipt_lines
from koderz.types import TaskKind

if TYPE_CHECKING:
    from rich.text import Text

    from koderz.jobs.web.summary import WebResult


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
    model: ModelOption = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no model: extract, free.")
    ] = False,
    max_cost: MaxCostOption = None,
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Fetch from this machine and private networks too."),
    ] = False,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
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
    from koderz.jobs.web.summary import WebSummary

    check_model_options(model, no_model=no_model)
    loaded = load_settings(TaskKind.WEB_SUMMARY, config=config, model=model, ledger=ledger)
    with ProgressLine() as line:
        job = WebSummary(
            source,
            question,
            budget_tokens=budget,
            is_whole=whole,
            max_usd=parse_max_cost(max_cost),
            use_model=not no_model,
            allow_private=True if allow_private else None,
            on_progress=line.update,
        )
        result = perform(job, loaded, line.update)
    if as_json:
        console.print_json(result)
    else:
        print_page(result)
        print_receipt_lines(build_receipt(result))


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

"""`koderz compress`: a conversation within a budget of tokens, and its receipt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from koderz.commands import console
from koderz.commands.job_options import (
    STDIN,
    STDIN_NAME,
    LedgerOption,
    MaxCostOption,
    ModelOption,
    check_model_options,
    load_settings,
    parse_max_cost,
    perform,
)
from koderz.commands.options import ConfigOption
from koderz.commands.receipts import build_job_receipt, print_receipt_lines
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.jobs.compress.context import Source


def compress(
    conversation: Annotated[
        Path,
        typer.Argument(
            metavar="CONVERSATION",
            help="Messages as JSON, or an agent's transcript as JSON lines; - is standard input.",
        ),
    ],
    *,
    budget: Annotated[
        int | None,
        typer.Option(metavar="TOKENS", help="Most tokens of the result (without: a tenth)."),
    ] = None,
    model: ModelOption = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no model: sum up by rules, free and offline.")
    ] = False,
    max_cost: MaxCostOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with ledger and receipt.")
    ] = False,
) -> None:
    """Print a conversation as messages that a model can go on from, within a budget.

    The user's last request and the recent tail stay as they are; a summary stands for the rest:
    what was decided, touched, run, broken and left open. The messages go to standard output as a
    JSON list in the format that they came in, the receipt to standard error.

    Examples:

        koderz compress conversation.json > smaller.json

        koderz compress session.jsonl --budget 4000 --json

        koderz compress - --no-model < conversation.json
    """
    from koderz.jobs.compress.context import CompressContext

    check_model_options(model, no_model=no_model)
    loaded = load_settings(TaskKind.COMPRESSION, config=config, model=model, ledger=ledger)
    job = CompressContext(
        load_input(conversation),
        budget_tokens=budget,
        max_usd=parse_max_cost(max_cost),
        use_model=not no_model,
    )
    result = perform(job, loaded)
    if as_json:
        console.print_json(result)
    else:
        typer.echo(result.render())
        print_receipt_lines(build_job_receipt(result, whole="of the conversation"))


def load_input(file: Path) -> Source:
    """The file's path, or the conversation that standard input holds."""
    if file != STDIN:
        return file
    from koderz.extract.chat import parse_conversation

    return parse_conversation(console.read_stdin("a conversation"), STDIN_NAME)

"""`koderz compress`: a conversation within a budget of tokens, and its receipt."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koderz.commands import console
from koderz.commands.receipts import build_job_receipt, print_receipt_lines
from koderz.errors import ConfigError

if TYPE_CHECKING:
    from koderz.config.loading import LoadedSettings
    from koderz.jobs.compress_context import CompressContext, CompressResult, Source

STDIN = "-"


def compress(
    conversation: Annotated[
        str,
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
    model: Annotated[str | None, typer.Option(help="The model to ask first.")] = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no model: sum up by rules, free and offline.")
    ] = False,
    max_cost: Annotated[
        float | None, typer.Option(metavar="USD", help="Most that all calls may cost.")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="A ledger file (without: that of the settings).")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A settings file to use.")] = None,
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
    from koderz import compose
    from koderz.jobs.compress_context import CompressContext

    if model and no_model:
        raise ConfigError("choose one of --model and --no-model")
    loaded = compose.load(config, overrides=build_overrides(model, ledger))
    for warning in loaded.warnings:
        console.get_notes().print(f"koderz: {warning}", markup=False, soft_wrap=True)
    job = CompressContext(
        load_input(conversation),
        budget_tokens=budget,
        max_usd=None if max_cost is None else Decimal(str(max_cost)),
        use_model=not no_model,
    )
    result = console.run(_perform(job, loaded))
    if as_json:
        console.print_json(result)
    else:
        typer.echo(result.render())
        print_receipt_lines(build_job_receipt(result, whole="of the conversation"))


def build_overrides(model: str | None, ledger: Path | None) -> Mapping[str, Any]:
    """The settings that these options stand for, by dotted name."""
    overrides: dict[str, Any] = {}
    if model:
        overrides["agent.small_model.enabled"] = True
        overrides["agent.small_model.use_for_compression"] = True
        overrides["agent.small_model.tasks.compression.model"] = model
    if ledger:
        overrides["koderz.ledger.path"] = str(ledger)
    return overrides


def load_input(name: str) -> Source:
    """The file's path, or the messages that standard input holds."""
    if name != STDIN:
        return Path(name)
    from koderz.extract.chat import parse_conversation

    turns = parse_conversation(sys.stdin.buffer.read(), "standard input").turns
    return [turn.raw for turn in turns]


async def _perform(job: CompressContext, loaded: LoadedSettings) -> CompressResult:
    from koderz.compose import open_router

    async with open_router(loaded) as router:
        return await router.perform(job)

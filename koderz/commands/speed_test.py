"""`koderz speed-test`: how fast models answer here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from koderz.commands import console
from koderz.commands.options import ConfigOption, JsonOption
from koderz.commands.progress import ProgressLine
from koderz.errors import KoderzError

if TYPE_CHECKING:
    from koderz.config.loading import LoadedSettings
    from koderz.jobs.speed import Speed


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A model that did not answer, and why."""

    model: str
    reason: str


def speed_test(
    models: Annotated[list[str], typer.Argument(help="The models to measure.")],
    *,
    runs: Annotated[int, typer.Option(min=1, max=100, help="Calls that count, a model.")] = 3,
    max_tokens: Annotated[int, typer.Option(min=2, help="Most tokens of an answer.")] = 128,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure tokens a second and the time to the first token, after a call to warm up.

    The calls go the way of all others: they are paid for, kept to the budget and recorded. Leaves
    with 1 where a model did not answer.

    Examples:

        koderz speed-test llamacpp/qwen2.5-coder-1.5b

        koderz speed-test qwen2.5-coder:7b gpt-4o-mini --runs 5 --json
    """
    from koderz import compose

    loaded = compose.load(config)
    with ProgressLine() as line:
        rows = console.run(_measure(models, runs, max_tokens, loaded, line))
    if as_json:
        console.print_json({"models": [build_row(row) for row in rows]})
    else:
        print_rows(rows)
    if any(isinstance(row, Failure) for row in rows):
        raise typer.Exit(1)


async def _measure(
    models: list[str], runs: int, max_tokens: int, loaded: LoadedSettings, line: ProgressLine
) -> list[Speed | Failure]:
    """Each model's speed, one after the other, so that none slows another down."""
    from koderz.compose import open_router
    from koderz.jobs.speed import MeasureSpeed

    rows: list[Speed | Failure] = []
    async with open_router(loaded, on_fetch=line.update) as router:
        for model in models:
            job = MeasureSpeed(model, runs=runs, max_tokens=max_tokens, on_progress=line.update)
            try:
                rows.append(await router.perform(job))
            except KoderzError as error:
                rows.append(Failure(model=model, reason=str(error)))
    return rows


def build_row(row: Speed | Failure) -> dict[str, Any]:
    """The JSON object of a model: its speed, or `reason` why there is none."""
    document = msgspec.structs.asdict(row)
    document.setdefault("reason", None)
    return document


def print_rows(rows: list[Speed | Failure]) -> None:
    """Print the speeds as a table, and what failed below it on stderr."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("model", "tier"):
        table.add_column(heading, overflow="fold")
    for heading in ("tokens/s", "first token s", "warm-up s", "tokens", "cost"):
        table.add_column(heading, justify="right")
    failures = [row for row in rows if isinstance(row, Failure)]
    for row in rows:
        if isinstance(row, Failure):
            continue
        table.add_row(
            f"{row.model} (simulated)" if row.simulated else row.model,
            row.tier,
            _format(row.tokens_per_s, 1),
            _format(row.first_token_s, 3),
            _format(row.warm_up_s, 2),
            str(sum(run.output_tokens for run in row.runs)),
            console.format_usd(row.cost_usd),
        )
    if table.rows:
        console.get_output().print(table)
    for failure in failures:
        console.get_notes().print(
            f"{failure.model}: {failure.reason}", markup=False, soft_wrap=True
        )


def _format(value: float | None, digits: int) -> str:
    return "unknown" if value is None else f"{value:,.{digits}f}"

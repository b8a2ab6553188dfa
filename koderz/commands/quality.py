"""`koderz quality`: have the main model do again what small models did, and compare."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from koderz.commands import console
from koderz.commands.job_options import LedgerOption, perform
from koderz.commands.options import ConfigOption, JsonOption
from koderz.commands.progress import ProgressLine
from koderz.errors import ConfigError
from koderz.types import CHORES, TaskKind

if TYPE_CHECKING:
    from koderz.config.loading import LoadedSettings
    from koderz.quality.results import MeasurePlan, MeasureResult
    from koderz.quality.samples import SampleStore


def quality(
    *,
    task: Annotated[TaskKind | None, typer.Option(help="Only answers of this task.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only answers from then on: 7d, 12h, 30m, a date (UTC).")
    ] = None,
    max_usd: Annotated[
        str | None,
        typer.Option(metavar="USD", help="Most that it may cost (without: as the settings say)."),
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="The simulator's answers instead of real ones.")
    ] = False,
    as_json: JsonOption = False,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> None:
    """Measure the small models: their kept answers against the main model's to the same requests.

    A share of small models' answers (2%) is kept on this machine as jobs run. Here the main model
    is asked the same, and the two are compared by the job's own measure. The price is said first;
    what is measured is let go of. The score is agreement with the main model, not truth.

    Examples:

        koderz quality

        koderz quality --task classification --max-usd 0.20
    """
    from koderz import compose
    from koderz.quality.samples import SampleStore, get_samples_path

    if task is not None and task not in CHORES:
        allowed = ", ".join(sorted(CHORES))
        raise ConfigError(f"{task} is none of the small models': choose of {allowed}", key="--task")
    overrides = {"koderz.ledger.path": str(ledger)} if ledger else {}
    loaded = compose.load(config, overrides=overrides)
    limits = loaded.settings.koderz.quality
    start, limit_usd = _parse_since(since), parse_usd(max_usd)
    with SampleStore(get_samples_path(loaded.settings), limits) as store:
        wanted = store.load(task=task, since=start)
        if any(each.kept.is_simulated == simulated for each in wanted):
            options = {"task": task, "since": start, "is_simulated": simulated}
            result = _measure(store, loaded, {**options, "max_usd": limit_usd})
        else:
            result = None
        _print_all(loaded, result, store, simulated=simulated, as_json=as_json)


def parse_usd(text: str | None) -> Decimal | None:
    """An option as money; ConfigError where it is none."""
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except ArithmeticError:
        raise ConfigError(f"{text!r} is no amount of USD: give 0.50", key="--max-usd") from None
    if not (amount.is_finite() and amount >= 0):
        raise ConfigError(f"a limit of ${text} is none: give 0 or more", key="--max-usd")
    return amount


def _parse_since(since: str | None) -> datetime | None:
    from koderz.ledger.periods import parse_moment

    return None if since is None else parse_moment(since, now=datetime.now(UTC), key="--since")


def _measure(store: SampleStore, loaded: LoadedSettings, options: dict[str, Any]) -> MeasureResult:
    from koderz.quality.measuring import MeasureAnswers

    with ProgressLine() as line:
        job = MeasureAnswers(store, **options, on_plan=print_plan, on_progress=line.update)
        return perform(job, loaded, line.update)


def print_plan(plan: MeasurePlan) -> None:
    """Say on stderr what is about to be asked and what it costs."""
    answers = f"{plan.asked:,} of {plan.kept:,} kept answers"
    console.get_notes().print(
        f"asking {plan.main} again about {answers}, {plan.calls:,} calls: "
        f"about {console.format_usd(plan.cost_usd)}, at most {console.format_usd(plan.limit_usd)}",
        markup=False,
        soft_wrap=True,
    )


def _print_all(
    loaded: LoadedSettings,
    result: MeasureResult | None,
    store: SampleStore,
    *,
    simulated: bool,
    as_json: bool,
) -> None:
    from koderz.commands.scores_view import print_scores
    from koderz.ledger.report import Window
    from koderz.ledger.store import get_ledger_path
    from koderz.quality.scores import load_quality

    report = load_quality(get_ledger_path(loaded.settings), Window(is_simulated=simulated))
    kept, size_bytes = store.count()
    if as_json:
        console.print_json(
            {
                "run": result,
                **msgspec.structs.asdict(report),
                "kept": {"answers": kept, "size_bytes": size_bytes, "path": str(store.path)},
            }
        )
        return
    notes = console.get_notes()
    others = kept if result is None else 0
    for line in _say_run(result, loaded, others, simulated=simulated):
        notes.print(line, markup=False, soft_wrap=True)
    if simulated:
        console.get_output().print("[yellow]Simulated: models of the simulator answered.[/]")
    print_scores(report)
    if kept:
        notes.print(
            f"{kept:,} answers are kept in {store.path} ({size_bytes / 1024:,.0f} KB)",
            markup=False,
            soft_wrap=True,
        )


def _say_run(
    result: MeasureResult | None, loaded: LoadedSettings, others: int, *, simulated: bool
) -> list[str]:
    if result is None:
        share = loaded.settings.koderz.quality.share
        wanted = "simulated" if simulated else "real"
        lines = [f"no {wanted} answer is kept that is still to be measured"]
        if others:
            lines.append(f"{others:,} others are kept: see --task, --since and --simulated")
        if not share:
            lines.append("[koderz.quality] share is 0: none is kept as jobs run")
        return lines
    measured = ", ".join(f"{count:,} {task}" for task, count in result.measured.items()) or "none"
    stamp = " (simulated)" if result.simulated else ""
    cost = console.format_usd(result.cost_usd)
    lines = [f"measured {measured}; {result.calls:,} calls for {cost}{stamp}, {result.left:,} left"]
    if result.unreadable:
        lines.append(f"{result.unreadable:,} kept by another version cannot be measured")
    return [*lines, *result.notes]

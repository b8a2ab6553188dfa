"""`koderz usage`: what was called, what it cost, what it saved and how good it was."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from msgspec.structs import asdict, replace

from koderz.commands import console
from koderz.commands.options import ConfigOption, JsonOption
from koderz.commands.scores_view import print_scores
from koderz.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from rich.table import Table

    from koderz.ledger.report import Group, Savings, UsageReport, Window

MOST_BASELINES: Final = 2
"""How many baselines a person is shown."""


class By(StrEnum):
    """What the table goes by."""

    TIER = "tier"
    TASK = "task"
    MODEL = "model"


def usage(
    *,
    since: Annotated[
        str | None, typer.Option(help="From then on: 7d, 12h, 30m, a date or an ISO time (UTC).")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to then, written alike.")] = None,
    by: Annotated[
        By | None, typer.Option(help="One table by this (without: by tier and by task).")
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="The simulated calls instead of the real ones.")
    ] = False,
    ledger: Annotated[
        Path | None, typer.Option(help="A ledger file (without: that of the settings).")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")] = False,
) -> None:
    """Show calls, tokens, cost, savings, latency and quality, from the ledger.

    Real and simulated calls are never added up: where there are only simulated ones, they are
    shown and the first line says so. The JSON object has all three tables.

    Examples:

        koderz usage --since 7d

        koderz usage --since 2026-01-01 --by model --csv
    """
    from koderz.ledger.totals import load_usage
    from koderz.quality.scores import load_quality

    if as_json and as_csv:
        raise ConfigError("choose one of --json and --csv")
    path = _find_ledger(ledger, config)
    window = _parse_window(since, until, simulated=simulated)
    report = load_usage(path, window)
    measured = load_quality(path, replace(window, is_simulated=report.is_simulated))
    if as_json:
        scores = {"scores": measured.scores, "drifts": measured.drifts}
        console.print_json(asdict(report) | scores)
    elif as_csv:
        typer.echo(build_csv(report, by or By.TIER), nl=False)
    else:
        _print_report(report, by, path)
        if measured.scores:
            console.get_output().print()
        print_scores(measured)


def build_csv(report: UsageReport, by: By) -> str:
    """The table by tier, task or model as CSV; a cell is empty where its value is unknown."""
    from koderz.ledger.report import Group

    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    _, *names = Group.__struct_fields__
    writer.writerow([by.value, *names])
    for group in get_groups(report, by):
        figures = [getattr(group, name) for name in names]
        cells = [f"{cell:f}" if isinstance(cell, Decimal) else cell for cell in figures]
        writer.writerow([group.name, *cells])
    return lines.getvalue()


def get_groups(report: UsageReport, by: By) -> tuple[Group, ...]:
    """The report's rows by tier, task or model."""
    return {By.TIER: report.tiers, By.TASK: report.tasks, By.MODEL: report.models}[by]


def _find_ledger(ledger: Path | None, config: Path | None) -> Path:
    if ledger is None:
        from koderz.config.loading import load_settings
        from koderz.ledger.store import get_ledger_path

        return get_ledger_path(load_settings(file=config).settings)
    if not ledger.exists():
        raise StoreError(f"there is no ledger {ledger}: check --ledger, or leave it out")
    return ledger


def _parse_window(since: str | None, until: str | None, *, simulated: bool) -> Window:
    from koderz.ledger.periods import parse_moment
    from koderz.ledger.report import Window

    now = datetime.now(UTC)
    start = parse_moment(since, now=now, key="--since") if since is not None else None
    end = parse_moment(until, now=now, key="--until") if until is not None else None
    if start and end and start >= end:
        raise ConfigError(f"{until!r} is not after --since {since!r}", key="--until")
    return Window(since=start, until=end, is_simulated=True if simulated else None)


def _print_report(report: UsageReport, by: By | None, path: Path) -> None:
    from rich.markup import escape

    output = console.get_output()
    for line in _list_notes(report):
        output.print(line)
    if report.is_empty:
        output.print(f"Nothing is recorded{_format_period(report)} in {escape(str(path))}.")
        output.print("Next: `koderz read FILE QUESTION` does a first job and records it.")
        return
    output.print(f"[bold]Usage{_format_period(report) or ' since the first call'}[/]")
    output.print(_build_summary(report))
    for each in [by] if by else [By.TIER, By.TASK]:
        if groups := get_groups(report, each):
            output.print()
            output.print(_build_table(groups, each))


def _list_notes(report: UsageReport) -> list[str]:
    if report.is_simulated:
        beside = f"; {_count(report.real_calls, 'real call')} left out" if report.real_calls else ""
        return [f"[yellow]Simulated calls only: no money was spent or saved{beside}.[/]"]
    if report.simulated_calls:
        return [
            f"[dim]{_count(report.simulated_calls, 'simulated call')} left out (--simulated).[/]"
        ]
    return []


def _format_period(report: UsageReport) -> str:
    since = f" since {report.since:%Y-%m-%d %H:%M}" if report.since else ""
    until = f" until {report.until:%Y-%m-%d %H:%M}" if report.until else ""
    return f"{since}{until} (UTC)" if since or until else ""


def _build_summary(report: UsageReport) -> Table:
    from rich.table import Table

    small = report.small
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=False, overflow="fold")
    target = f"by small models, target {small.target_share:.0%}"
    rows = [
        ("calls", f"{report.calls:,}  ({_format_share(small.calls_share)} {target})"),
        ("tokens", f"{report.total_tokens:,}  ({_format_share(small.tokens_share)} {target})"),
        ("cost", _format_cost(report.cost_usd, report.unknown_cost_calls, is_long=True)),
        *_list_savings(report.savings),
        ("jobs asked", _format_jobs(report)),
        ("quality", _format_quality(small.quality_score)),
    ]
    for name, text in rows:
        table.add_row(name, text)
    return table


def _list_savings(savings: Savings) -> list[tuple[str, str]]:
    from rich.markup import escape

    saved, baseline = savings.saved_usd, savings.baseline_usd
    share = f"  ({saved / baseline:.0%} of the baseline)" if saved is not None and baseline else ""
    usd = console.format_usd
    rows = [("saved", f"[bold]{usd(saved)}[/]{share}")]
    if saved is not None and savings.jobs:
        paid, read = usd(savings.cost_usd), usd(savings.digest_usd)
        rows.append(("", f"= {usd(baseline)} baseline - {paid} attempts - {read} digests"))
    if savings.jobs:
        counted = savings.jobs - savings.unknown_jobs
        alone = f", {savings.jobs_without_model:,} with no model" if counted else ""
        unknown = f"; {savings.unknown_jobs:,} more: price unknown" if savings.unknown_jobs else ""
        rows.append(("", f"over {_count(counted, 'job')}{alone}{unknown}"))
    rows += [("baseline", escape(words)) for words in savings.baselines[:MOST_BASELINES]]
    if len(savings.baselines) > MOST_BASELINES:
        rows.append(("", f"and {len(savings.baselines) - MOST_BASELINES} more (--json has all)"))
    if savings.unrecorded_usd:
        rows.append(("unfinished", f"{usd(savings.unrecorded_usd)} paid for jobs without a result"))
    return rows


def _format_jobs(report: UsageReport) -> str:
    if not report.asked_jobs:
        return "0"
    success, escalation = report.success_rate, report.escalation_rate
    return (
        f"{report.asked_jobs:,}  ({_format_share(success)} got an accepted answer, "
        f"{_format_share(escalation)} not from the first)"
    )


def _format_quality(score: float | None) -> str:
    if score is None:
        return "no answer of a small model was checked"
    return f"{_format_share(score)} of the small models' checked answers held"


def _build_table(groups: tuple[Group, ...], by: By) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(by.value, overflow="fold")
    for name in ("calls", "in", "cached", "out", "cost", "avg s", "p95 s", "passed"):
        table.add_column(name, justify="right", no_wrap=True)
    for group in groups:
        table.add_row(
            escape(group.name),
            f"{group.calls:,}",
            _format_count(group.input_tokens + group.cache_write_tokens),
            _format_count(group.cache_read_tokens),
            _format_count(group.output_tokens),
            _format_cost(group.cost_usd, group.unknown_cost_calls),
            _format_seconds(group.avg_latency_s),
            _format_seconds(group.p95_latency_s),
            _format_share(group.check_pass_rate),
        )
    return table


def _format_cost(cost_usd: Decimal | None, unknown_calls: int, *, is_long: bool = False) -> str:
    text = console.format_usd(cost_usd)
    if cost_usd is None or not unknown_calls:
        return text
    if is_long:
        return f"at least {text}  (unknown for {_count(unknown_calls, 'call')})"
    return f">={text}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _format_count(count: int) -> str:
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= 10 * size:
            return f"{count / size:,.0f}{unit}"
    return f"{count:,}"


def _format_seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f}"


def _format_share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"

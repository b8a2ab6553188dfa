"""`koderz reprice`: what a run would have cost at other prices, with nothing asked of anybody."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koderz.commands import console
from koderz.commands.options import ConfigOption, JsonOption
from koderz.commands.progress import ProgressLine
from koderz.commands.run_reports import check_out, print_table, write_report
from koderz.errors import ConfigError

if TYPE_CHECKING:
    from koderz.analysis.costs import Sum
    from koderz.config.settings import Settings
    from koderz.experiments.store import ExperimentStore, RunRow
    from koderz.reports.tables import Table
    from koderz.reports.values import Money, RunReport
    from koderz.runs.repricing import Repriced, Repricer

ESTIMATE = (
    "An estimate: the tokens are those that were counted. Other models would have used other "
    "tokens, solved other problems and been tried more or less often."
)


def reprice(
    run: Annotated[str, typer.Argument(help="The run, or a beginning that no other has.")],
    *,
    prices: Annotated[
        Path | None,
        typer.Option(help='A TOML file with prices as in the settings: [koderz.prices."MODEL"].'),
    ] = None,
    model_map: Annotated[
        str,
        typer.Option(metavar="OLD=NEW,...", help="Reckon with NEW where OLD was asked."),
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write the repriced report: .html, .csv, .json or .md.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reckon what a run would have cost at other prices, or with other models' prices.

    No model is asked, and what is kept of the run stays as it is. Calls of models that neither
    option names keep what they cost.

    Examples:

        koderz reprice 20260131-1a2b3c4d --prices prices.toml

        koderz reprice 20260131 --model-map gpt-4o=claude-sonnet-4-5 --out repriced.html
    """
    from koderz import compose
    from koderz.experiments.store import ExperimentStore, get_store_path
    from koderz.runs.repricing import compare_costs

    check_out(out)
    settings = compose.load(config).settings
    with ExperimentStore(get_store_path(settings)) as store:
        row = store.load_run(run)
        repricer, models, title = _build_repricer(row, settings, prices, model_map)
        before, after = _load_reports(store, row, settings, repricer, title)
    rows = compare_costs(before, after)
    if as_json:
        console.print_json(_build_document(after, rows, models, prices))
    else:
        _print(after, rows, title)
    if out is not None:
        write_report(after, out)


def _build_repricer(
    row: RunRow, settings: Settings, file: Path | None, model_map: str
) -> tuple[Repricer, dict[str, str], str]:
    """What prices the run's calls again, the models that stand in, and both in words."""
    from koderz.experiments.documents import parse_document
    from koderz.runs.repricing import Repricer, load_prices, parse_model_map

    if file is None and not model_map:
        raise ConfigError("name other prices: --prices FILE, --model-map OLD=NEW, or both")
    models = parse_model_map(model_map) if model_map else {}
    stated = load_prices(file) if file else None
    for warning in stated.warnings if stated else ():
        console.get_notes().print(f"koderz: {warning}", markup=False, soft_wrap=True)
    repricer = Repricer(settings, prices=stated.prices if stated else None, models=models)
    plans = parse_document(row).plans.values()
    repricer.check({model for plan in plans for model in plan.models.values()})
    changes = [f"at the prices of {file}"] if file else []
    changes += [f"{old} reckoned as {new}" for old, new in models.items()]
    return repricer, models, f"Repriced: {', '.join(changes)}. {ESTIMATE}"


def _load_reports(
    store: ExperimentStore, row: RunRow, settings: Settings, repricer: Repricer, title: str
) -> tuple[RunReport, RunReport]:
    """The run's report as it is, and as it would be."""
    from koderz.experiments.documents import parse_document
    from koderz.runs.observing import choose_baseline, load_report

    document = parse_document(row)
    baseline = document.baseline_model or choose_baseline(document, settings)
    with ProgressLine() as line:
        before = load_report(
            store, row, settings, tell=lambda done, total: line.update("as billed", done, total)
        )
        after = load_report(
            store,
            row,
            settings,
            baseline_model=repricer.replace(baseline),
            price=repricer.price,
            reprice=repricer.reprice,
            title=title,
            tell=lambda done, total: line.update("repriced", done, total),
        )
    return before, after


def _build_document(
    report: RunReport, rows: tuple[Repriced, ...], models: dict[str, str], prices: Path | None
) -> dict[str, Any]:
    """The JSON object: money is a number of USD, null where nothing says."""
    return {
        "run": report.subject.run,
        "is_simulated": report.is_simulated,
        "is_estimate": True,
        "estimate": ESTIMATE,
        "prices": str(prices) if prices else None,
        "model_map": models,
        "strategies": [
            {**{name: getattr(row, name) for name in row.__struct_fields__}, "factor": row.factor}
            for row in rows
        ],
    }


def _print(report: RunReport, rows: tuple[Repriced, ...], title: str) -> None:
    output = console.get_output()
    for stamp in report.stamps:
        output.print(stamp, markup=False, soft_wrap=True)
    for table in _build_tables(rows, title):
        print_table(table, output)


def _build_tables(rows: tuple[Repriced, ...], title: str) -> Iterator[Table]:
    """Both costs side by side."""
    from koderz.reports.tables import build_table
    from koderz.reports.words import tell_money

    def tell(money: Money | None) -> str:
        return tell_money(money, has_interval=False)

    yield build_table(
        "All that was spent",
        {
            "strategy": lambda row: row.strategy,
            "solved": lambda row: f"{row.solved} of {row.judged}",
            "billed": lambda row: _tell_sum(row.as_billed),
            "repriced": lambda row: _tell_sum(row.repriced),
            "change": lambda row: _tell_factor(row.factor),
        },
        rows,
    )
    yield build_table(
        "What one took",
        {
            "strategy": lambda row: row.strategy,
            "per problem": lambda row: tell(row.as_billed_per_problem),
            "repriced": lambda row: tell(row.repriced_per_problem),
            "per solved problem": lambda row: tell(row.as_billed_per_solved),
            "repriced (solved)": lambda row: tell(row.repriced_per_solved),
        },
        rows,
        [title],
    )


def _tell_sum(cost: Sum) -> str:
    from koderz.reports.words import tell_usd

    if cost.unknown_calls and not cost.cost_usd:
        return "unknown"
    return f"{'at least ' if cost.unknown_calls else ''}{tell_usd(cost.cost_usd)}"


def _tell_factor(factor: Decimal | None) -> str:
    return "-" if factor is None else f"x {float(factor):.3g}"

"""What is looked at before anything is paid for: data, models, keys, sandbox, prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from koderz.benchmarks import Problem
from koderz.commands import console
from koderz.commands.run_work import check_models, open_environ
from koderz.errors import ConfigError
from koderz.experiments.documents import RunDocument
from koderz.experiments.plans import Plan
from koderz.reports.words import count
from koderz.runs.estimates import CostRange

if TYPE_CHECKING:
    from rich.console import Console

    from koderz.config.loading import LoadedSettings
    from koderz.runs.drafts import Draft
    from koderz.runs.reckoning import Reckoner
    from koderz.sandbox.opening import Kind

Warn = Callable[[str], None]

_SIMULATED = RunDocument(dataset="", problem_ids=(), plans={}, is_simulated=True)


class Preflight(msgspec.Struct, frozen=True, kw_only=True):
    """A run that may begin: its problems, and by strategy what it may cost, all told.

    `notes` are lines about what the figures mean. `spent_usd` was spent on it before.
    """

    document: RunDocument
    problems: tuple[Problem, ...]
    ranges: dict[str, CostRange]
    notes: tuple[str, ...] = ()
    spent_usd: Decimal = Decimal(0)

    @property
    def total(self) -> CostRange:
        """All strategies together."""
        total = CostRange()
        for each in self.ranges.values():
            total = total.add(each)
        return total

    @property
    def left_usd(self) -> Decimal | None:
        """What is left of the run's limit; None where it has none."""
        limit_usd = self.document.max_cost_usd
        return None if limit_usd is None else max(limit_usd - self.spent_usd, Decimal(0))

    @property
    def may_cost(self) -> bool:
        """Whether money may be asked for, as far as is known."""
        return not self.document.is_simulated and self.total.high_usd != 0


async def look(
    draft: Draft, loaded: LoadedSettings, warn: Warn, *, is_elsewhere: bool = False
) -> Preflight:
    """A new run of a draft, its models named; raises what would stop it, in one line.

    `is_elsewhere`: others perform it, with keys and a sandbox of their own.
    """
    from koderz.runs.drafts import load_problems

    dataset, problems = load_problems(draft)
    problems = _leave_out(problems, warn)
    document = await _name_models(draft, dataset, problems, loaded)
    return await _check(document, problems, loaded, is_elsewhere=is_elsewhere)


async def look_again(
    run: str, document: RunDocument, loaded: LoadedSettings, *, is_elsewhere: bool = False
) -> Preflight:
    """A run that was begun before; raises as `look` does."""
    from koderz.experiments.documents import load_named_problems
    from koderz.runs.spending import load_spending

    file = Path(document.problems_file) if document.problems_file else None
    problems = load_named_problems(document.dataset, document.problem_ids, file)
    preflight = await _check(document, problems, loaded, is_elsewhere=is_elsewhere)
    spent_usd = load_spending(loaded.settings, run).sum.cost_usd
    return msgspec.structs.replace(preflight, spent_usd=spent_usd)


def print_preflight(run: str, preflight: Preflight, output: Console) -> None:
    """Print how many experiments there are and what they may cost."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from koderz.runs.observing import describe_plan

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("strategy", "models", "experiments", "expected cost"):
        table.add_column(name, justify="left" if name in {"strategy", "models"} else "right")
    for name, plan in preflight.document.plans.items():
        cost = preflight.ranges[name]
        table.add_row(
            escape(name), escape(describe_plan(plan)), str(cost.experiments), format_range(cost)
        )
    output.print(table)
    for line in list_lines(run, preflight):
        output.print(line, markup=False, soft_wrap=True)


def list_lines(run: str, preflight: Preflight) -> Iterator[str]:
    """What a person has to know before it begins."""
    document = preflight.document
    yield (
        f"run {run}: {count(len(document.problem_ids), 'problem')} of {document.dataset}, "
        f"{count(document.samples, 'sample')} each: "
        f"{count(preflight.total.experiments, 'experiment')}"
    )
    limit = f", limit {console.format_usd(document.max_cost_usd)}" if document.max_cost_usd else ""
    spent = (
        f", {console.format_usd(preflight.spent_usd)} of it spent" if preflight.spent_usd else ""
    )
    yield (
        f"expected cost: {format_range(preflight.total)}, an estimate{limit}{spent} (low: all "
        "solved at once; high: all iterations and reviews used up, answers of full length)"
    )
    yield from preflight.notes


def format_range(cost: CostRange) -> str:
    """A range for a person: "$0.0123 to $1.2345"."""
    if cost.low_usd is None or cost.high_usd is None:
        return "unknown"
    low, high = console.format_usd(cost.low_usd), console.format_usd(cost.high_usd)
    return low if low == high else f"{low} to {high}"


def _leave_out(problems: tuple[Problem, ...], warn: Warn) -> tuple[Problem, ...]:
    """The problems that can be judged here; what is left out is said."""
    from koderz.runs.drafts import list_missing

    missing = list_missing(problems)
    if not missing:
        return problems
    kept = tuple(problem for problem in problems if problem.task_id not in missing)
    modules = ", ".join(sorted({name for names in missing.values() for name in names}))
    said = f"{len(missing)} of {len(problems)} problems need what is not installed ({modules})"
    if not kept:
        raise ConfigError(f"{said}: install it, or take other problems")
    warn(f"{said}: they are left out")
    return kept


async def _name_models(
    draft: Draft, dataset: str, problems: tuple[Problem, ...], loaded: LoadedSettings
) -> RunDocument:
    """The draft as a run; with no model named or within reach, the simulator's are taken."""
    from koderz import compose
    from koderz.experiments.choices import find_best
    from koderz.runs.drafts import build_run_document
    from koderz.runs.strategies import needs_models

    settings = loaded.settings
    inventory = await compose.fetch_current_inventory(loaded, with_all_servers=True)
    if find_best(settings, inventory) or not needs_models(draft.strategies.values(), draft.models):
        return build_run_document(draft, dataset, problems, settings, inventory, is_simulated=False)
    async with open_environ(_SIMULATED, loaded) as simulated:
        inventory = await compose.fetch_current_inventory(simulated, with_all_servers=True)
    return build_run_document(draft, dataset, problems, settings, inventory, is_simulated=True)


async def _check(
    document: RunDocument,
    problems: tuple[Problem, ...],
    loaded: LoadedSettings,
    *,
    is_elsewhere: bool,
) -> Preflight:
    from koderz.runs.estimates import estimate_run
    from koderz.runs.reckoning import Reckoner
    from koderz.sandbox import open_sandbox

    reckoner = Reckoner(loaded.settings)
    models = list_models(document)
    for model in filter(None, (*models, document.baseline_model)):
        reckoner.get_price(model)
    if not is_elsewhere:
        async with open_environ(document, loaded) as ours:
            await check_models(ours, models)
        async with open_sandbox(cast("Kind", document.sandbox)):
            pass
    _check_prices(document, models, reckoner)
    return Preflight(
        document=document,
        problems=problems,
        ranges=estimate_run(document.plans, problems, document.samples, reckoner.get_price),
        notes=tuple(_list_notes(document, models, reckoner)),
    )


def list_models(document: RunDocument) -> tuple[str, ...]:
    """Every model that a run asks."""
    return tuple(
        dict.fromkeys(model for plan in document.plans.values() for model in plan.models.values())
    )


def _check_prices(document: RunDocument, models: tuple[str, ...], reckoner: Reckoner) -> None:
    """Raise where a limit is set and a price is unknown: no call would be made."""
    limits = [document.max_cost_usd, *(plan.max_cost_usd for plan in document.plans.values())]
    unknown = [model for model in models if _is_unknown(model, reckoner)]
    if unknown and any(limit is not None for limit in limits):
        raise ConfigError(
            f"the price of {unknown[0]} is unknown, so it cannot be kept within a limit: state it "
            f'in [koderz.prices."{unknown[0]}"]',
            key="--max-cost",
        )


def _list_notes(
    document: RunDocument, models: tuple[str, ...], reckoner: Reckoner
) -> Iterator[str]:
    for model in models:
        if _is_unknown(model, reckoner):
            yield f'the price of {model} is unknown: state it in [koderz.prices."{model}"]'
    for name, plan in document.plans.items():
        reason = reckoner.say_why_calls(plan) if plan.cost_of else ""
        if reason:
            yield f"{name}: {reason}: it makes as many calls as {plan.cost_of} made"
        same = document.plans.get(plan.cost_of)
        if same and same.iteration_model != plan.iteration_model:
            yield f"{name} asks {plan.iteration_model}, {plan.cost_of} {same.iteration_model}"
    yield from _list_twins(document)


def _list_twins(document: RunDocument) -> Iterator[str]:
    """Strategies that do the same: comparing them tells nothing."""
    seen: dict[Plan, str] = {}
    for name, plan in document.plans.items():
        if plan in seen:
            yield f"{seen[plan]} and {name} do the same: name another model for one of them"
        seen.setdefault(plan, name)


def _is_unknown(model: str, reckoner: Reckoner) -> bool:
    rates = reckoner.get_price(model).rates
    return rates.input is None or rates.output is None

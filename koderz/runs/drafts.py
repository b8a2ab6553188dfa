"""A run before it begins: what a person asked for, made whole with models and problems."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from koderz.benchmarks import Problem
from koderz.config.settings import Settings
from koderz.errors import ConfigError
from koderz.evaluation.preparing import is_installed
from koderz.experiments.choices import find_best
from koderz.experiments.documents import (
    RunDocument,
    guess_dataset,
    load_named_problems,
    load_range,
)
from koderz.experiments.performing import Experiment
from koderz.experiments.plans import MOST_SAMPLES, Key, plan_sample
from koderz.models.inventory import Inventory
from koderz.runs.observing import choose_baseline
from koderz.runs.strategies import NamedModels, Strategy, build_plans


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked for; `problem_ids` empty: those from `start` up to `end` (None: all)."""

    strategies: dict[str, Strategy]
    models: NamedModels = NamedModels()
    dataset: str = ""
    problems_file: Path | None = None
    problem_ids: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    samples: int = 1
    sandbox: str = "auto"
    baseline_model: str = ""
    max_cost_usd: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not 1 <= self.samples <= MOST_SAMPLES:
            raise ConfigError(f"has to be from 1 to {MOST_SAMPLES}", key="--samples")
        if self.problem_ids and (self.start, self.end) != (None, None):
            raise ConfigError("name problems, or a range by --start and --end", key="--problem-id")


def load_problems(draft: Draft) -> tuple[str, tuple[Problem, ...]]:
    """The dataset and the problems that are asked for; ConfigError where there are none."""
    first = draft.problem_ids[0] if draft.problem_ids else ""
    dataset = draft.dataset or guess_dataset(first)
    if draft.problem_ids:
        return dataset, load_named_problems(dataset, draft.problem_ids, draft.problems_file)
    return dataset, load_range(dataset, draft.start or 0, draft.end, draft.problems_file)


def list_missing(problems: tuple[Problem, ...]) -> dict[str, tuple[str, ...]]:
    """The problems that need modules which are not installed, with their names."""
    needed = {name for problem in problems for name in problem.requirements}
    absent = {name for name in needed if not is_installed(name)}
    return {
        problem.task_id: missing
        for problem in problems
        if (missing := tuple(name for name in problem.requirements if name in absent))
    }


def build_run_document(
    draft: Draft,
    dataset: str,
    problems: tuple[Problem, ...],
    settings: Settings,
    inventory: Inventory,
    *,
    is_simulated: bool,
) -> RunDocument:
    """The run that a draft asks for, its models named by what is within reach.

    Simulated models repeat themselves where they get no seed: they get one.
    """
    best = find_best(settings, inventory)
    plans = build_plans(
        draft.strategies,
        draft.models,
        best,
        answer_tokens=settings.koderz.experiments.answer_tokens,
    )
    if is_simulated:
        plans = {
            name: plan if plan.seed is not None else msgspec.structs.replace(plan, seed=0)
            for name, plan in plans.items()
        }
    document = RunDocument(
        dataset=dataset,
        problem_ids=tuple(problem.task_id for problem in problems),
        plans=plans,
        samples=draft.samples,
        problems_file=str(draft.problems_file.resolve()) if draft.problems_file else "",
        sandbox=draft.sandbox,
        baseline_model=draft.baseline_model,
        max_cost_usd=draft.max_cost_usd,
        is_simulated=is_simulated,
    )
    baseline_model = document.baseline_model or choose_baseline(document, settings, best)
    return msgspec.structs.replace(document, baseline_model=baseline_model)


def list_experiments(
    run: str, document: RunDocument, problems: Mapping[str, Problem]
) -> list[Experiment]:
    """Every experiment of a run, problem by problem.

    ConfigError where two of them would go by one name.
    """
    experiments = [
        Experiment(
            key=Key(run=run, strategy=name, problem=problem_id, sample=sample),
            problem=problems[problem_id],
            plan=plan_sample(plan, sample),
        )
        for problem_id in document.problem_ids
        for sample in range(document.samples)
        for name, plan in document.plans.items()
    ]
    by_id: dict[str, Key] = {}
    for experiment in experiments:
        other = by_id.setdefault(experiment.key.id, experiment.key)
        if other != experiment.key:
            raise ConfigError(
                f"{other.problem} and {experiment.key.problem} would go by one name: leave one out",
                key="--problem-id",
            )
    return experiments

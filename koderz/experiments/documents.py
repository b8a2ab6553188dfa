"""What a run is, kept beside its steps, so that another process can go on with it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import msgspec

from koderz.benchmarks import Problem, get_benchmark
from koderz.errors import ConfigError, StoreError
from koderz.experiments.plans import Plan
from koderz.experiments.store import RunRow

DATASETS_BY_PREFIX = {
    "starter": "starter",
    "HumanEval": "humaneval",
    "Mbpp": "mbpp+",
    "BigCodeBench": "bigcodebench-hard",
}


class RunDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for: problems of a dataset, each by every plan and as many times.

    `plans` go by the name of their strategy ("" where there is but one). `problems_file` is the
    dataset's file where one was named. `max_cost_usd` is for the whole run. `is_simulated` says
    that the simulator is to answer, with this seed.
    """

    dataset: str
    problem_ids: tuple[str, ...]
    plans: dict[str, Plan]
    samples: int = 1
    problems_file: str = ""
    sandbox: str = "auto"
    baseline_model: str = ""
    max_cost_usd: Decimal | None = None
    is_simulated: bool = False
    simulator_seed: int = 0


def build_run_id() -> str:
    """A new name for a run: the day, and what tells it from the day's other ones."""
    return f"{datetime.now(UTC):%Y%m%d}-{uuid4().hex[:8]}"


def build_run_row(run: str, command: str, document: RunDocument) -> RunRow:
    """The row of a run that begins now."""
    return RunRow(
        run=run, at=datetime.now(UTC), command=command, document=msgspec.to_builtins(document)
    )


def parse_document(row: RunRow) -> RunDocument:
    """What a run's row holds; StoreError where it is none of this version's."""
    try:
        return msgspec.convert(row.document, RunDocument)
    except msgspec.ValidationError as error:
        raise StoreError(f"the run {row.run} was written by another version: {error}") from error


def guess_dataset(problem_id: str) -> str:
    """The dataset that a problem's name points at; the bundled one where it points at none."""
    return DATASETS_BY_PREFIX.get(problem_id.partition("/")[0], "starter")


def load_problem(dataset: str, problem_id: str, file: Path | None = None) -> Problem:
    """A problem of a dataset; ConfigError, naming close ones, where there is none."""
    (problem,) = load_named_problems(dataset, [problem_id], file)
    return problem


def load_named_problems(
    dataset: str, problem_ids: Sequence[str], file: Path | None = None
) -> tuple[Problem, ...]:
    """The problems of these names, in this order; ConfigError where there is no such one."""
    wanted = set(problem_ids)
    found: dict[str, Problem] = {}
    names = []
    for problem in get_benchmark(dataset).load_problems(file):
        names.append(problem.task_id)
        if problem.task_id in wanted:
            found[problem.task_id] = problem
            if len(found) == len(wanted):
                break
    for problem_id in problem_ids:
        if problem_id not in found:
            raise _build_unknown_error(dataset, problem_id, names)
    return tuple(found[problem_id] for problem_id in dict.fromkeys(problem_ids))


def load_range(
    dataset: str, start: int, end: int | None, file: Path | None = None
) -> tuple[Problem, ...]:
    """The problems of a dataset from the one at `start` (the first: 0) up to `end`, without it.

    ConfigError where that is none.
    """
    if start < 0:
        raise ConfigError("the first problem is 0", key="--start")
    if end is not None and end <= start:
        raise ConfigError(f"has to be more than --start ({start}): it is not included", key="--end")
    problems = tuple(get_benchmark(dataset).load_problems(file))
    if not problems:
        where = str(file) if file else f"the file of {dataset}"
        raise ConfigError("there is no problem in it", file=where)
    if start >= len(problems):
        there = f"{dataset} has {len(problems)}, from 0 to {len(problems) - 1}"
        raise ConfigError(f"there is no problem {start}: {there}", key="--start")
    return problems[start:end]


def _build_unknown_error(dataset: str, problem_id: str, names: Sequence[str]) -> ConfigError:
    close = difflib.get_close_matches(problem_id, names, n=3, cutoff=0.6)
    hint = f"did you mean {', '.join(close)}?" if close else f"it has {len(names)} problems"
    return ConfigError(
        f"{dataset} has no problem {problem_id!r}: {hint} (`koderz list-problems --dataset "
        f"{dataset}` lists them)",
        key="--problem-id",
    )

"""How fast `koderz benchmark` gets on: 30 problems x 3 strategies on simulated models.

    python bench/bench_benchmark.py             both parts
    python bench/bench_benchmark.py overhead    no latency: steps a second, 40 is the target
    python bench/bench_benchmark.py latency     a second a call, 32 at once: time over the ideal's

The ideal of the second is what no order of the same calls could beat: all of their seconds over
32, or the longest experiment's where that is more; judging and everything else takes no time in
it. The target is 1.3 of it. Programs run in the sandbox, the simulator answers in this process.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import msgspec

from koderz.commands.benchmark_work import bound_settings
from koderz.compose import load, open_performing, open_runner
from koderz.config.loading import LoadedSettings
from koderz.experiments.documents import RunDocument, build_run_row, load_range
from koderz.experiments.plans import Plan, plan_zero_shot
from koderz.experiments.store import ExperimentStore, get_store_path
from koderz.runs.drafts import list_experiments
from koderz.runs.purses import Purse
from koderz.simulator import open_simulator

PROBLEMS = 30
CONCURRENCY = 32
LATENCY_S = 1.0
CHEAP, DEAR = "gpt-4o-mini", "claude-sonnet-5-5"
SUPERVISED = Plan(iteration_model=CHEAP, spec_model=DEAR, checkpoint_model=DEAR, seed=0)
PLANS = {
    "cheap": plan_zero_shot(SUPERVISED),
    "supervised": SUPERVISED,
    "frontier": plan_zero_shot(msgspec.structs.replace(SUPERVISED, iteration_model=DEAR)),
}
SKILLS = {CHEAP: 0.5}
TARGETS = {"overhead": 40.0, "latency": 1.3}


def load_for(folder: Path, environ: dict[str, str]) -> LoadedSettings:
    names = ("ledger", "experiments", "memory")
    overrides = {f"koderz.{name}.path": str(folder / f"{name}.sqlite") for name in names}
    return bound_settings(load(overrides=overrides, environ=environ), CONCURRENCY)


async def run(folder: Path, latency_s: float) -> tuple[float, int, list[float]]:
    """Seconds, steps, and the seconds that each experiment's calls took."""
    problems = load_range("starter", 0, PROBLEMS)
    document = RunDocument(
        dataset="starter", problem_ids=tuple(each.task_id for each in problems), plans=PLANS
    )
    experiments = list_experiments("bench", document, {each.task_id: each for each in problems})
    async with open_simulator(skills=SKILLS, latency_s=latency_s) as simulator:
        loaded = load_for(folder, simulator.environ())
        async with open_runner(
            loaded,
            "bench",
            partial(open_performing, loaded),
            concurrency=CONCURRENCY,
            purse=Purse(),
        ) as runner:
            runner.store.keep_run(build_run_row("bench", "benchmark", document))
            runner.load(experiments)
            started = time.perf_counter()
            outcome = await runner.run()
            took_s = time.perf_counter() - started
    if not outcome.is_complete:
        sys.exit(f"not all were judged: {outcome}")
    with ExperimentStore(get_store_path(loaded.settings)) as store:
        histories = [history for _, history in store.load_histories("bench")]
    calls_s = [sum(each.latency_s for each in history.attempts) for history in histories]
    return took_s, sum(len(history.steps) for history in histories), calls_s


def measure(latency_s: float) -> tuple[float, int, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(Path(folder), latency_s))


def report_overhead() -> bool:
    took_s, steps, calls_s = measure(0.0)
    pace = steps / took_s
    print(
        f"overhead: {len(calls_s)} experiments, {steps} steps in {took_s:.1f} s: "
        f"{pace:.0f} steps/s (target: at least {TARGETS['overhead']:.0f})"
    )
    return pace >= TARGETS["overhead"]


def report_latency() -> bool:
    took_s, steps, calls_s = measure(LATENCY_S)
    shared_s, longest_s = sum(calls_s) / CONCURRENCY, max(calls_s)
    ideal_s = max(shared_s, longest_s)
    print(
        f"latency: {steps} steps in {took_s:.1f} s; ideal {ideal_s:.1f} s (all calls over "
        f"{CONCURRENCY}: {shared_s:.1f} s, longest experiment: {longest_s:.1f} s, median "
        f"{statistics.median(calls_s):.1f} s): ratio {took_s / ideal_s:.2f} "
        f"(target: at most {TARGETS['latency']})"
    )
    return took_s <= TARGETS["latency"] * ideal_s


def main() -> None:
    parts = {"overhead": report_overhead, "latency": report_latency}
    chosen = sys.argv[1:] or list(parts)
    is_met = [parts[name]() for name in chosen]
    sys.exit(0 if all(is_met) else "a target was missed")


if __name__ == "__main__":
    main()

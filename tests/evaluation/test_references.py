"""The known results on the reference solutions of every dataset that is at hand.

The whole of HumanEval+ and MBPP+ is run by bench/bench_evaluate.py; here it is what is fast.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest
from json_lines import load_lines, write_lines

from koderz.benchmarks import Problem, get_benchmark
from koderz.evaluation import Evaluation, Summary, run_evaluation

pytestmark = pytest.mark.usefixtures("isolation")

# References of BigCodeBench-Hard that need only the standard library, and cannot pass here.
UNABLE = {
    "BigCodeBench/0": "holds all permutations of ten numbers at once: more memory than allowed",
    "BigCodeBench/14": "see bench/bench_evaluate.py",
    "BigCodeBench/15": "runs shell commands, which the sandbox does not have",
    "BigCodeBench/16": "runs tar, which the sandbox does not have",
    "BigCodeBench/18": "runs split, which the sandbox does not have",
    "BigCodeBench/147": "connects to addresses of a local network",
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expected outputs of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def load(data_dir: Path, name: str, file: str) -> list[Problem]:
    return list(get_benchmark(name).load_problems(data_dir / "benchmarks" / f"{file}.jsonl.gz"))


def judge(
    problems: Iterable[Problem],
    dataset: str,
    file: Path | None,
    folder: Path,
    timeout_s: float = 10,
) -> tuple[Summary, set[str]]:
    """What the references come to, and which did not pass."""
    samples = folder / "samples.jsonl"
    write_lines(
        samples, [{"task_id": each.task_id, "solution": each.reference} for each in problems]
    )
    evaluation = Evaluation(
        samples=samples, dataset=dataset, problems=file, workers=2, timeout_s=timeout_s
    )
    summary = asyncio.run(run_evaluation(evaluation))
    results = load_lines(evaluation.results_path)
    return summary, {each["task_id"] for each in results if not each["passed"]}


def test_every_starter_reference_passes(tmp_path: Path) -> None:
    problems = list(get_benchmark("starter").load_problems())
    summary, _ = judge(problems, "starter", None, tmp_path)
    assert summary.statuses == {"passed": len(problems)}


def test_every_humaneval_reference_passes(data_dir: Path, tmp_path: Path) -> None:
    summary, _ = judge(load(data_dir, "humaneval", "HumanEval"), "humaneval", data_dir, tmp_path)
    assert summary.statuses == {"passed": 164}


def test_every_reference_of_the_mini_set_passes(data_dir: Path, tmp_path: Path) -> None:
    problems = load(data_dir, "humaneval+mini", "HumanEvalPlus-Mini")
    summary, _ = judge(problems, "humaneval+mini", data_dir, tmp_path)
    assert summary.statuses == {"passed": 164}


def test_every_20th_of_the_mbpp_references_passes(data_dir: Path, tmp_path: Path) -> None:
    problems = load(data_dir, "mbpp+", "MbppPlus")[::20]
    summary, _ = judge(problems, "mbpp+", data_dir, tmp_path)
    assert summary.statuses == {"passed": len(problems)}


def test_the_references_of_bigcodebench_that_can_run_pass(data_dir: Path, tmp_path: Path) -> None:
    problems = load(data_dir, "bigcodebench-hard", "BigCodeBench-Hard")
    able = [each for each in problems if not each.requirements and each.task_id not in UNABLE]
    summary, failing = judge(able, "bigcodebench-hard", data_dir, tmp_path)
    assert failing == set()
    assert summary.isolation == {"shared": 26}

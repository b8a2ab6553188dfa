"""A whole run: samples in, results file and summary out, going on where it was stopped."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from koderz.benchmarks.registry import get_benchmark
from koderz.errors import JobError, StoreError
from koderz.evaluation.expected import open_expected_outputs
from koderz.evaluation.judging import Judge, Judgement, judge_in_order
from koderz.evaluation.preparing import Prepared, prepare
from koderz.evaluation.results import (
    build_result,
    drop_broken_line,
    encode_line,
    get_results_path,
    load_results,
)
from koderz.evaluation.samples import Form, Sample, Survey, load_samples, survey_samples
from koderz.evaluation.summary import Counts, Reference, Summary
from koderz.sandbox import Sandbox, open_sandbox

DEFAULT_TIMEOUT_S: Final = 10.0
_WINDOW_PER_WORKER: Final = 128
"""How many samples a worker are under way: enough that the slow ones among them go first."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be evaluated, and how.

    `problems` is the benchmark's file where it is not found by itself, `results` where verdicts
    go (None: beside the samples), `timeout_s` CPU seconds of one sample.
    """

    samples: Path
    dataset: str = "starter"
    problems: Path | None = None
    results: Path | None = None
    workers: int | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S
    sandbox: Literal["auto", "namespaces", "docker", "none"] = "auto"
    check_references: bool = False

    @property
    def results_path(self) -> Path:
        """Where the verdicts go."""
        return self.results or get_results_path(self.samples)


class Prelude(msgspec.Struct, frozen=True):
    """What was read before anything runs: the samples' survey, and the problems they are of."""

    survey: Survey
    problems: Mapping[str, Prepared]
    dataset_problems: int


def _quiet(_activity: str, _done: int, _total: int) -> None:
    """Tell nobody."""


async def run_evaluation(evaluation: Evaluation, progress: Progress = _quiet) -> Summary:
    """Judge every sample that has no verdict yet, and sum up all of them.

    Verdicts are written as they come, in the samples' order; a run that was stopped goes on
    where its file ends.

    Raises:
        ConfigError: the dataset is unknown or its file is not there.
        JobError: the samples, the problems or an earlier results file are not what they must be.
        SandboxUnavailableError: untrusted code cannot be isolated on this machine.
        StoreError: the results cannot be written.
    """
    workers = evaluation.workers or count_processors()
    async with contextlib.AsyncExitStack() as stack:
        # Servers start while samples and problems are read; their failing shows when it matters.
        servers = open_sandbox(evaluation.sandbox, workers, is_eager=True)
        opening = asyncio.create_task(stack.enter_async_context(servers))
        stack.push_async_callback(_end, opening)
        prelude = await asyncio.to_thread(load_prelude, evaluation)
        run = _Run(evaluation, prelude, progress)
        run.resume()
        if not run.is_done or evaluation.check_references:
            sandbox = await opening
            expected = await stack.enter_async_context(open_expected_outputs(sandbox))
            judge = Judge(sandbox, prelude.problems, expected, timeout_s=evaluation.timeout_s)
            await run.judge_all(judge, window=_WINDOW_PER_WORKER * workers)
        return run.build_summary()


async def _end(task: asyncio.Task[Sandbox]) -> None:
    """Let a task go, whatever comes of it."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def count_processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_prelude(evaluation: Evaluation) -> Prelude:
    """The samples' survey and their problems; what is wrong in either shows here.

    Raises as `run_evaluation`.
    """
    benchmark = get_benchmark(evaluation.dataset)
    if evaluation.results_path == evaluation.samples:
        raise JobError("the results would overwrite the samples: name another file with --out")
    if evaluation.results_path.exists() and not evaluation.results_path.is_file():
        raise JobError(f"{evaluation.results_path} is no file: name another with --out")
    survey = survey_samples(evaluation.samples)
    problems: dict[str, Prepared] = {}
    names: set[str] = set()
    for problem in benchmark.load_problems(evaluation.problems):
        if problem.task_id in names:
            raise JobError(f"{evaluation.dataset} has the problem {problem.task_id} twice")
        names.add(problem.task_id)
        if evaluation.check_references or problem.task_id in survey.first_lines:
            problems[problem.task_id] = prepare(problem)
    for task_id, line in survey.first_lines.items():
        if task_id not in names:
            where = f"{evaluation.samples}, line {line}"
            raise JobError(f"{where}: {_describe_unknown(task_id, evaluation.dataset, names)}")
    return Prelude(survey, problems, len(names))


def _describe_unknown(task_id: str, dataset: str, names: set[str]) -> str:
    close = difflib.get_close_matches(task_id, sorted(names), n=1, cutoff=0.6)
    hint = f" (did you mean {close[0]}?)" if close else "; choose another with --dataset"
    return f"{dataset} has no problem {task_id!r}{hint}"


class _Run:
    """One run: its samples are taken from one iterator, first by resuming, then by judging."""

    def __init__(self, evaluation: Evaluation, prelude: Prelude, progress: Progress) -> None:
        self.prelude = prelude
        self._evaluation, self._progress = evaluation, progress
        self._path = evaluation.results_path
        self._samples = load_samples(evaluation.samples)
        self._counts = Counts()
        self._references: tuple[Reference, ...] | None = None

    @property
    def is_done(self) -> bool:
        """Whether every sample has a verdict."""
        return self._counts.samples == self.prelude.survey.count

    def resume(self) -> None:
        """Count the results that are there already, and take their samples off the iterator."""
        try:
            if self._path.exists():
                drop_broken_line(self._path)
                dataset = self._evaluation.dataset
                for result in load_results(self._path, self._samples, dataset):
                    self._counts.add(result, is_resumed=True)
        except OSError as error:
            raise StoreError(
                f"{self._path} cannot be read: {error.strerror}; choose another --out"
            ) from error

    async def judge_all(self, judge: Judge, *, window: int) -> None:
        """The references, where they are asked for, and then the rest of the samples."""
        if self._evaluation.check_references:
            self._references = await self._check_references(judge, window)
        judged = judge_in_order(judge, self._samples, window=window)
        try:
            with self._path.open("ab") as file:
                async with contextlib.aclosing(judged):
                    async for sample, judgement in judged:
                        file.write(encode_line(sample, judgement, self._evaluation.dataset))
                        file.flush()
                        self._counts.add(build_result(sample, judgement))
                        total = self.prelude.survey.count
                        self._progress("samples", self._counts.samples, total)
        except OSError as error:
            raise StoreError(
                f"{self._path} cannot be written: {error.strerror}; make room or choose another "
                "--out, then run this again to go on"
            ) from error

    async def _check_references(self, judge: Judge, window: int) -> tuple[Reference, ...]:
        """The problems whose own solution does not pass."""
        problems = [prepared.problem for prepared in self.prelude.problems.values()]
        failing = [
            Reference(task_id=problem.task_id, status="no_reference", reason="it has none")
            for problem in problems
            if not problem.reference
        ]
        samples = (
            Sample(problem.task_id, Form.SOLUTION, problem.reference)
            for problem in problems
            if problem.reference
        )
        done = len(failing)
        async with contextlib.aclosing(judge_in_order(judge, samples, window=window)) as judged:
            async for sample, judgement in judged:
                done += 1
                self._progress("references", done, len(problems))
                if not judgement.is_passed:
                    failing.append(_build_reference(sample, judgement))
        return tuple(failing)

    def build_summary(self) -> Summary:
        """What all came to."""
        return self._counts.build_summary(
            self._evaluation.dataset,
            dataset_problems=self.prelude.dataset_problems,
            references=self._references,
            results=str(self._path),
        )


def _build_reference(sample: Sample, judgement: Judgement) -> Reference:
    verdict = judgement.verdict
    reason = judgement.reason
    if verdict is not None:
        failure = verdict.failure
        reason = verdict.error.partition("\n")[0]
        if failure is not None:
            reason = f"{failure.call}: expected {failure.expected}, got {failure.actual}"
    return Reference(task_id=sample.task_id, status=judgement.status, reason=reason)

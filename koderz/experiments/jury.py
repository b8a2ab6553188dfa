"""Judging attempts: feedback from one set of tests, the verdict from another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from koderz.benchmarks.problems import Problem
from koderz.errors import JobError
from koderz.evaluation.expected import ExpectedOutputs, open_expected_outputs
from koderz.evaluation.judging import Judge
from koderz.evaluation.preparing import Prepared, is_installed, prepare
from koderz.evaluation.samples import Form, Sample
from koderz.sandbox import Sandbox, Verdict


class Judges(Protocol):
    """Judges code by one of a benchmark's two sets of tests."""

    async def judge(self, problem: Problem, code: str, /, *, timeout_s: float) -> Verdict:
        """The verdict on a module; JobError where the problem cannot be judged."""
        ...


class Bench:
    """One of a benchmark's two sets of tests, each problem's made ready once."""

    def __init__(self, sandbox: Sandbox, expected: ExpectedOutputs, *, use_feedback: bool) -> None:
        self._sandbox, self._expected, self._use_feedback = sandbox, expected, use_feedback
        self._prepared: dict[str, Prepared] = {}

    async def judge(self, problem: Problem, code: str, *, timeout_s: float) -> Verdict:
        """The verdict on a module; JobError where the problem cannot be judged on this machine."""
        if problem.task_id not in self._prepared:
            self._prepared[problem.task_id] = await asyncio.to_thread(
                prepare, problem, use_feedback=self._use_feedback
            )
        judge = Judge(self._sandbox, self._prepared, self._expected, timeout_s=timeout_s)
        judgement = await judge.judge(Sample(problem.task_id, Form.SOLUTION, code))
        if judgement.verdict is None:
            raise JobError(f"{problem.task_id} cannot be judged here: {judgement.reason}")
        return judgement.verdict


class Jury:
    """Judges code in a sandbox; many experiments may share one, made by `open_jury`.

    `feedback` runs the tests that a model may learn from, `verdict` those that decide.
    """

    def __init__(self, feedback: Judges, verdict: Judges) -> None:
        self.feedback, self.verdict = feedback, verdict


def check_requirements(problem: Problem) -> None:
    """Raise JobError where a problem needs modules that are not installed here."""
    missing = [name for name in problem.requirements if not is_installed(name)]
    if missing:
        raise JobError(
            f"{problem.task_id} cannot be judged here: it needs {', '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} not installed"
        )


@asynccontextmanager
async def open_jury(sandbox: Sandbox, *, folder: Path | None = None) -> AsyncIterator[Jury]:
    """A jury over a sandbox, for as long as the context lasts.

    `folder` keeps the outputs of references (None: the user's cache folder).
    """
    async with (
        open_expected_outputs(sandbox, folder) as base,
        open_expected_outputs(sandbox, folder) as whole,
    ):
        yield Jury(
            Bench(sandbox, base, use_feedback=True),
            Bench(sandbox, whole, use_feedback=False),
        )

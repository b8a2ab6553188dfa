"""One sample and its verdict, and many in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Final

import msgspec

from koderz.benchmarks.answers import Found
from koderz.benchmarks.problems import InputTests
from koderz.evaluation.expected import ExpectedOutputs
from koderz.evaluation.preparing import (
    NOTHING_EXPECTED,
    Prepared,
    build_program,
    get_source,
)
from koderz.evaluation.samples import Sample
from koderz.sandbox import CaseOutputs, Limits, Sandbox, Status, Verdict

NOT_RUN: Final = "not_run"
"""The status of a sample whose problem needs modules that are not installed."""

_SLOWER: Final = 4.0
"""How much slower than the reference a program may be, as EvalPlus has it."""

_WALL_PER_CPU: Final = 3.0
_MORE_OUTPUTS: Final = 4
"""How much longer a sample's outputs may be than the expected ones, which are kept in a file."""
_LIMITS: Final = Limits()


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a sample came to: a status, and the sandbox's verdict where it was run.

    `reason` says why there is no verdict; `found` how the code was found in an answer.
    """

    status: str
    verdict: Verdict | None = None
    reason: str = ""
    found: Found | None = None

    @property
    def is_passed(self) -> bool:
        """Whether every test was executed and held."""
        return self.verdict is not None and self.verdict.is_passed

    @property
    def was_run(self) -> bool:
        """Whether this is a verdict on the sample at all."""
        return self.verdict is not None


class Judge:
    """Judges samples of prepared problems in a sandbox.

    `timeout_s` is CPU time; a problem whose reference needs more than a quarter of it allows as
    much more.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        problems: Mapping[str, Prepared],
        expected: ExpectedOutputs,
        *,
        timeout_s: float,
    ) -> None:
        self._sandbox, self._problems, self._expected = sandbox, problems, expected
        self._timeout_s = timeout_s

    async def judge(self, sample: Sample) -> Judgement:
        """The judgement on a sample; KeyError where its problem is not among those given."""
        prepared = self._problems[sample.task_id]
        if prepared.missing:
            needed = ", ".join(prepared.missing)
            return Judgement(status=NOT_RUN, reason=f"needs what is not installed: {needed}")
        expected = NOTHING_EXPECTED
        if isinstance(prepared.tests, InputTests):
            expected = await self._expected.get(prepared, prepared.tests)
            if expected.status is not Status.PASSED:
                reason = f"the reference has no outputs ({expected.status}) {expected.error}"
                return Judgement(status=NOT_RUN, reason=reason.strip())
        source = get_source(sample, prepared)
        program = build_program(source.code, prepared, expected)
        verdict = await self._sandbox.judge(program, self._get_limits(expected))
        return Judgement(status=verdict.status, verdict=verdict, found=source.found)

    def _get_limits(self, expected: CaseOutputs) -> Limits:
        """Room for as much time and as many outputs as the reference has, and more."""
        cpu_s = max(self._timeout_s, _SLOWER * expected.cpu_s)
        disk_bytes, outputs_bytes = _LIMITS.disk_bytes, _MORE_OUTPUTS * expected.size_bytes
        if outputs_bytes > disk_bytes // 2:  # One size for most: a server arranges each anew.
            disk_bytes += outputs_bytes
        return Limits(cpu_s=cpu_s, wall_s=_WALL_PER_CPU * cpu_s, disk_bytes=disk_bytes)


async def judge_in_order(
    judge: Judge, samples: Iterable[Sample], *, window: int
) -> AsyncGenerator[tuple[Sample, Judgement], None]:
    """Every sample with its judgement, in the samples' order; at most `window` under way.

    Close it (`contextlib.aclosing`): what is under way is cancelled then.
    """
    pending: deque[tuple[Sample, asyncio.Task[Judgement]]] = deque()
    try:
        for sample in samples:
            if len(pending) >= window:
                first, task = pending.popleft()
                yield first, await task
            pending.append((sample, asyncio.create_task(judge.judge(sample))))
        while pending:
            first, task = pending.popleft()
            yield first, await task
    finally:
        tasks = [task for _, task in pending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

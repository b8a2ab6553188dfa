"""Servers start while samples are read: what is wrong shows in the right order all the same."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from koderz.errors import JobError, SandboxUnavailableError
from koderz.evaluation import Evaluation, run_evaluation
from koderz.evaluation import running as module
from koderz.sandbox import Sandbox


class Refusal:
    """A sandbox that is asked for in vain."""

    def __init__(self, *_: object, **__: object) -> None:
        """Take whatever a sandbox is asked for with."""

    async def __aenter__(self) -> Sandbox:
        await asyncio.sleep(0)
        raise SandboxUnavailableError("nothing isolates here")

    async def __aexit__(self, *_: object) -> None:
        """Nothing to end."""


@pytest.fixture
def evaluation(tmp_path: Path, problems: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    monkeypatch.setattr(module, "open_sandbox", Refusal)
    samples = tmp_path / "samples.jsonl"
    samples.write_text(json.dumps({"task_id": "test/0", "completion": "    return n\n"}) + "\n")
    return Evaluation(samples=samples, dataset="humaneval", problems=problems, workers=1)


async def test_untrusted_code_is_not_run_where_nothing_isolates_it(evaluation: Evaluation) -> None:
    with pytest.raises(SandboxUnavailableError, match="nothing isolates here"):
        await run_evaluation(evaluation)


async def test_bad_samples_are_told_first(evaluation: Evaluation) -> None:
    evaluation.samples.write_text("{}\n")
    with pytest.raises(JobError, match="line 1"):
        await run_evaluation(evaluation)


async def test_a_run_that_is_done_needs_no_sandbox(evaluation: Evaluation) -> None:
    line = {"task_id": "test/0", "completion": "    return n\n", "passed": False}
    verdict = {"dataset": "humaneval", "cpu_s": 0.1, "isolation": "separate"}
    result = line | {"status": "failed", "verdict": verdict}
    evaluation.results_path.write_text(json.dumps(result) + "\n")
    summary = await run_evaluation(evaluation)
    assert (summary.samples, summary.resumed, summary.statuses) == (1, 1, {"failed": 1})

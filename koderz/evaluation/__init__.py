"""Judging samples: code out of answers, run in the sandbox against a benchmark's tests.

evaluation = Evaluation(samples=Path("samples.jsonl"), dataset="humaneval")
summary = await run_evaluation(evaluation)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from koderz.evaluation.judging import Judge as Judge
    from koderz.evaluation.judging import Judgement as Judgement
    from koderz.evaluation.preparing import Prepared as Prepared
    from koderz.evaluation.preparing import prepare as prepare
    from koderz.evaluation.running import Evaluation as Evaluation
    from koderz.evaluation.running import run_evaluation as run_evaluation
    from koderz.evaluation.samples import Sample as Sample
    from koderz.evaluation.summary import Summary as Summary

_HOMES = {
    "Evaluation": "running",
    "Judge": "judging",
    "Judgement": "judging",
    "Prepared": "preparing",
    "Sample": "samples",
    "Summary": "summary",
    "prepare": "preparing",
    "run_evaluation": "running",
}

__all__ = [
    "Evaluation",
    "Judge",
    "Judgement",
    "Prepared",
    "Sample",
    "Summary",
    "prepare",
    "run_evaluation",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

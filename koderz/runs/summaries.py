"""A run of many experiments in one line."""

from __future__ import annotations

from datetime import datetime

import msgspec

from koderz.config.settings import Settings
from koderz.experiments.documents import parse_document
from koderz.experiments.store import ExperimentStore, RunRow
from koderz.runs.spending import Spending, load_spending


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is: so many experiments are judged, so many of them solved."""

    run: str
    at: datetime
    dataset: str
    problems: int
    samples: int
    strategies: tuple[str, ...]
    judged: int
    solved: int
    spending: Spending

    @property
    def experiments(self) -> int:
        """How many it was to make."""
        return self.problems * self.samples * len(self.strategies)


def sum_run(store: ExperimentStore, row: RunRow, settings: Settings) -> RunSummary:
    """How far a run is, without reading its steps."""
    document = parse_document(row)
    judged, solved = store.count_verdicts(row.run)
    return RunSummary(
        run=row.run,
        at=row.at,
        dataset=document.dataset,
        problems=len(document.problem_ids),
        samples=document.samples,
        strategies=tuple(document.plans),
        judged=judged,
        solved=solved,
        spending=load_spending(settings, row.run),
    )

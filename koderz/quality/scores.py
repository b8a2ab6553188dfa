"""What the small models' answers scored, by task and model, and what was never measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from koderz.ledger.report import EVERYTHING, Window
from koderz.ledger.rows import encode_time
from koderz.ledger.scores import LIST_SCORES, Measure, ScoreRecord, decode_score
from koderz.ledger.store import Ledger
from koderz.quality.drift import Drift, list_drifts
from koderz.quality.intervals import estimate_mean, estimate_share
from koderz.types import CHORES, TaskKind

BY_ANSWER: Final = frozenset[Measure]({"evidence", "judged"})
"""Measures of which an answer has one number; of the others it has some that agree out of some."""

_END: Final = 2**62
_ANSWERED = f"""
SELECT task, model, count(*) AS answers FROM attempts
WHERE at_us >= :since AND at_us < :until AND is_simulated = :is_simulated
    AND outcome = 'accepted' AND tier IN ('local', 'small_frontier')
    AND task IN ({", ".join(f"'{task}'" for task in sorted(CHORES))})
GROUP BY task, model ORDER BY task, model
"""  # noqa: S608 - every part of it is a constant.


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How far `model` agrees with `reference`, the main model, in a task: not how right it is.

    `value`, `low` and `high` (95%) are shares from 0 to 1, or None of a model that was not
    measured; `n` counts what was compared (labels, commits, things to keep, answers), in
    `answers` answers. `accepted` counts the answers of the model that passed their check.
    """

    task: TaskKind
    model: str
    reference: str = ""
    measure: Measure | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    answers: int = 0
    accepted: int = 0


class QualityReport(msgspec.Struct, frozen=True, kw_only=True):
    """All scores of a window, and which of them fell below what was calibrated."""

    scores: tuple[Score, ...] = ()
    drifts: tuple[Drift, ...] = ()
    is_simulated: bool = False


def load_quality(source: Ledger | str | Path, window: Window = EVERYTHING) -> QualityReport:
    """The scores in an open ledger, or in the file at a path (none there: an empty report).

    `window.is_simulated` None is False. Raises StoreError where the ledger cannot be read.
    """
    if isinstance(source, Ledger):
        return _load_quality(source, window)
    if not Path(source).exists():
        return QualityReport()
    with Ledger(source) as ledger:
        return _load_quality(ledger, window)


def _load_quality(ledger: Ledger, window: Window) -> QualityReport:
    values = {
        "since": 0 if window.since is None else encode_time(window.since),
        "until": _END if window.until is None else encode_time(window.until),
        "is_simulated": bool(window.is_simulated),
    }
    records = [decode_score(dict(row)) for row in ledger.fetch(LIST_SCORES, values)]
    answered = {
        (TaskKind(row["task"]), row["model"]): row["answers"]
        for row in ledger.fetch(_ANSWERED, values)
    }
    measured = [
        _count(score, answered.get((score.task, score.model), 0)) for score in build_scores(records)
    ]
    known = {(score.task, score.model) for score in measured}
    unmeasured = [
        Score(task=task, model=model, accepted=count)
        for (task, model), count in answered.items()
        if (task, model) not in known
    ]
    return QualityReport(
        scores=tuple(
            sorted(
                [*measured, *unmeasured], key=lambda each: (each.task, each.model, each.reference)
            )
        ),
        drifts=list_drifts(ledger, is_simulated=bool(window.is_simulated)),
        is_simulated=bool(window.is_simulated),
    )


def build_scores(records: Iterable[ScoreRecord]) -> tuple[Score, ...]:
    """A score a task, model, reference and measure."""
    groups: dict[tuple[TaskKind, str, str, Measure], list[ScoreRecord]] = defaultdict(list)
    for record in records:
        groups[record.task, record.model, record.reference, record.measure].append(record)
    return tuple(_build_score(group) for group in groups.values())


def _build_score(group: list[ScoreRecord]) -> Score:
    first = group[0]
    agreed, units = [each.agreed for each in group], [each.units for each in group]
    is_mean = first.measure in BY_ANSWER
    found = estimate_mean(agreed) if is_mean else estimate_share(agreed, units)
    return Score(
        task=first.task,
        model=first.model,
        reference=first.reference,
        measure=first.measure,
        value=found.value,
        low=found.low,
        high=found.high,
        n=sum(units),
        answers=len(group),
    )


def _count(score: Score, accepted: int) -> Score:
    return msgspec.structs.replace(score, accepted=accepted)

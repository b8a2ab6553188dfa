"""What was measured of the small models' answers: scores, and the calibrations they are held to."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from koderz.ledger.rows import Cell, decode_time, encode_time
from koderz.types import TaskKind

Measure = Literal["labels", "types", "evidence", "must-keep", "judged"]
"""What answers were compared by: see `koderz.quality.measures`."""

ADD_SCORE: Final = """
INSERT INTO scores (at_us, job_id, task, model, reference, measure, agreed, units, is_simulated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

ADD_CALIBRATION: Final = """
INSERT INTO calibrations (at_us, task, model, reference, truth, examples, threshold, max_loss,
    loss_high, kept, compared, agreed, agreement_low, is_simulated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

LIST_SCORES: Final = """
SELECT * FROM scores
WHERE at_us >= :since AND at_us < :until AND is_simulated = :is_simulated ORDER BY id
"""

LATEST_CALIBRATIONS: Final = """
SELECT * FROM calibrations WHERE id IN (
    SELECT max(id) FROM calibrations WHERE is_simulated = :is_simulated GROUP BY task, model
) ORDER BY task, model
"""


class ScoreRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of `model`, compared with what `reference` gave for the same request.

    `agreed` of `units` things compared were alike (labels, types, things to keep); where a whole
    answer is the unit, `agreed` is a number from 0 to 1. `job_id` is that of the reference's call.
    """

    at: datetime
    job_id: str
    task: TaskKind
    model: str
    reference: str
    measure: Measure
    agreed: float
    units: int
    is_simulated: bool = False


class CalibrationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold that was chosen from examples, and what it rests on.

    `loss_high` is the upper 95% limit of the loss against asking `reference` about everything, in
    terms of `truth`; `kept` the share that does not go there. Of `compared` labels of `model`
    `agreed` were the reference's, and `agreement_low` is the lower 95% limit of that share; 0 of 0
    where the reference was not asked.
    """

    at: datetime
    task: TaskKind
    model: str
    reference: str
    truth: str
    examples: int
    threshold: float
    max_loss: float
    loss_high: float
    kept: float
    compared: int = 0
    agreed: int = 0
    agreement_low: float = 0.0
    is_simulated: bool = False


def encode_score(score: ScoreRecord) -> tuple[Cell, ...]:
    """The row of a score, in the order of the table's columns after its id."""
    _, *rest = msgspec.structs.astuple(score)
    return (encode_time(score.at), *rest)


def encode_calibration(calibration: CalibrationRecord) -> tuple[Cell, ...]:
    """The row of a calibration, in the order of the table's columns after its id."""
    _, *rest = msgspec.structs.astuple(calibration)
    return (encode_time(calibration.at), *rest)


def decode_score(row: dict[str, Any]) -> ScoreRecord:
    """The score that a row holds."""
    return msgspec.convert(_tidy(row), ScoreRecord)


def decode_calibration(row: dict[str, Any]) -> CalibrationRecord:
    """The calibration that a row holds."""
    return msgspec.convert(_tidy(row), CalibrationRecord)


def _tidy(row: dict[str, Any]) -> dict[str, Any]:
    rest = {name: cell for name, cell in row.items() if name not in {"id", "at_us"}}
    return {**rest, "at": decode_time(row["at_us"]), "is_simulated": bool(row["is_simulated"])}

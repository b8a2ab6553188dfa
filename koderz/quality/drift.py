"""Scores that fell below what a threshold was calibrated on: the model or its work has changed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from koderz.ledger.rows import encode_time
from koderz.ledger.scores import (
    LATEST_CALIBRATIONS,
    LIST_SCORES,
    CalibrationRecord,
    decode_calibration,
    decode_score,
)
from koderz.ledger.store import Ledger
from koderz.quality.intervals import estimate_share
from koderz.types import TaskKind

_END: Final = 2**62


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """A model whose later agreement with `reference` is surely lower than when it was calibrated.

    `value` (95%: `low` to `high`, of `n` labels) was measured `since`, the calibration; there the
    lower 95% limit was `calibrated_low`, of `calibrated_n` labels.
    """

    task: TaskKind
    model: str
    reference: str
    since: datetime
    value: float
    low: float
    high: float
    n: int
    calibrated_low: float
    calibrated_n: int

    @property
    def sentence(self) -> str:
        """What has happened, in one line."""
        return (
            f"{self.model} agrees with {self.reference} on {self.value:.1%} "
            f"({self.low:.1%} to {self.high:.1%}, n={self.n:,}) in {self.task} since "
            f"{self.since:%Y-%m-%d}; it was calibrated on at least {self.calibrated_low:.1%} "
            f"(n={self.calibrated_n:,})"
        )

    @property
    def next(self) -> str:
        """What to do about it."""
        return "calibrate again on recent examples: `koderz calibrate classify --examples FILE`"


def list_drifts(ledger: Ledger, *, is_simulated: bool) -> tuple[Drift, ...]:
    """The calibrations that later scores contradict; the latest one a task and model counts."""
    rows = ledger.fetch(LATEST_CALIBRATIONS, {"is_simulated": is_simulated})
    found = (_find_drift(ledger, decode_calibration(dict(row))) for row in rows)
    return tuple(drift for drift in found if drift is not None)


def _find_drift(ledger: Ledger, calibration: CalibrationRecord) -> Drift | None:
    if not calibration.compared:
        return None
    values = {
        "since": encode_time(calibration.at),
        "until": _END,
        "is_simulated": calibration.is_simulated,
    }
    records = [decode_score(dict(row)) for row in ledger.fetch(LIST_SCORES, values)]
    wanted = (calibration.task, calibration.model, calibration.reference, "labels")
    later = [
        each for each in records if (each.task, each.model, each.reference, each.measure) == wanted
    ]
    if not later:
        return None
    found = estimate_share([each.agreed for each in later], [each.units for each in later])
    if found.high >= calibration.agreement_low:
        return None
    return Drift(
        task=calibration.task,
        model=calibration.model,
        reference=calibration.reference,
        since=calibration.at,
        value=found.value,
        low=found.low,
        high=found.high,
        n=sum(each.units for each in later),
        calibrated_low=calibration.agreement_low,
        calibrated_n=calibration.compared,
    )

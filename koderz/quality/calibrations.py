"""What calibrating is going to take, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from koderz.ledger.scores import CalibrationRecord
from koderz.quality.bounds import Threshold, get_lower_limit
from koderz.quality.cases import Case, Opinion, count_agreement
from koderz.quality.labelling import Given
from koderz.routing.router import sum_costs
from koderz.types import ModelInfo, TaskKind

Truth = Literal["labels", "main"]


class Models(msgspec.Struct, frozen=True):
    """The models that are asked, None where one is not; `reference` is the main one in any case."""

    small: ModelInfo | None
    main: ModelInfo | None
    reference: ModelInfo | None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of labelling the examples' texts by every way there is."""

    models: Models
    texts: Sequence[str]
    opinions: Sequence[Opinion | None]
    small: Given
    main: Given


class CalibrationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be asked: told before it is. `cost_usd` is None where a price is unknown."""

    examples: int
    models: tuple[str, ...]
    cost_usd: Decimal | None
    limit_usd: Decimal


class CalibrationResult(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold with all that it rests on; shares are 0 to 1.

    Of `examples` that were left without duplicates, `kept` stay with the cheap path, `alone` of
    them with the linear model, and `lost` of these are worse for it. `record.loss_high` is the
    upper 95% limit of the loss; `needed` says how many examples would do where these chose nothing
    but to escalate everything (None: no number would; 0: these did). What 1,000 items cost, in
    USD, is `main_usd` with the main model alone and `path_usd` by the path (None: unknown).
    """

    record: CalibrationRecord
    kept: int
    alone: int
    lost: int
    needed: int | None
    escalate_below: float
    sure_above: float
    main_usd: Decimal | None
    path_usd: Decimal | None
    calls: int
    cost_usd: Decimal | None
    notes: tuple[str, ...]

    @property
    def examples(self) -> int:
        """How many examples the threshold rests on."""
        return self.record.examples

    @property
    def is_found(self) -> bool:
        """Whether there is a threshold that keeps the promise and escalates less than all."""
        return self.record.threshold < 1

    @property
    def saved_usd(self) -> Decimal | None:
        """What is saved of 1,000 items; None where a price is unknown."""
        if self.main_usd is None or self.path_usd is None:
            return None
        return self.main_usd - self.path_usd


def add_known(costs: Sequence[Decimal | None]) -> Decimal | None:
    """The sum; None where one is unknown."""
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None


def build_record(
    trial: Trial, cases: Sequence[Case], threshold: Threshold, *, max_loss: float, truth: Truth
) -> CalibrationRecord:
    """What the ledger keeps of it."""
    small, main, models = trial.small, trial.main, trial.models
    agreed, compared = count_agreement(
        cases, trial.texts, small.labels, main.labels, threshold.value
    )
    return CalibrationRecord(
        at=datetime.now(UTC),
        task=TaskKind.CLASSIFICATION,
        model=models.small.name if models.small else "",
        reference=models.reference.name if models.reference else "",
        truth="the examples' labels" if truth == "labels" else "the main model's labels",
        examples=threshold.examples,
        threshold=threshold.value,
        max_loss=max_loss,
        loss_high=threshold.loss_high,
        kept=threshold.kept / threshold.examples,
        compared=compared,
        agreed=agreed,
        agreement_low=get_lower_limit(agreed, compared) if compared else 0.0,
        is_simulated=any(each.is_simulated for each in (*small.attempts, *main.attempts)),
    )


def build_result(
    trial: Trial,
    cases: Sequence[Case],
    threshold: Threshold,
    record: CalibrationRecord,
    *,
    costs: Sequence[Decimal | None],
    sure_above: float,
    notes: tuple[str, ...],
) -> CalibrationResult:
    """The whole result; `costs` are those of labelling all examples by the small and main model."""
    alone = sum(case.is_alone(threshold.value) for case in cases)
    main_usd, path_usd = price_path(
        *costs,
        examples=threshold.examples,
        alone=alone,
        kept=threshold.kept,
        has_small=trial.models.small is not None,
    )
    attempts = (*trial.small.attempts, *trial.main.attempts)
    return CalibrationResult(
        record=record,
        kept=threshold.kept,
        alone=alone,
        lost=threshold.lost,
        needed=threshold.needed,
        # Of a small model that was not asked nothing is promised: none of its labels may stay.
        escalate_below=threshold.value if trial.models.small else 1.0,
        sure_above=max(sure_above, threshold.value),
        main_usd=main_usd,
        path_usd=path_usd,
        calls=len(attempts),
        cost_usd=sum_costs(attempts),
        notes=notes,
    )


def price_path(
    small_usd: Decimal | None,
    main_usd: Decimal | None,
    *,
    examples: int,
    alone: int,
    kept: int,
    has_small: bool,
) -> tuple[Decimal | None, Decimal | None]:
    """What 1,000 items cost with the main model alone, and by the path.

    `small_usd` and `main_usd` are what labelling all examples costs of each; None is unknown.
    """
    if main_usd is None:
        return None, None
    thousand = Decimal(1000) / examples
    escalated = Decimal(examples - kept) / examples
    path_usd = main_usd * escalated
    if has_small:
        if small_usd is None:
            return main_usd * thousand, None
        path_usd += small_usd * Decimal(examples - alone) / examples
    return main_usd * thousand, path_usd * thousand

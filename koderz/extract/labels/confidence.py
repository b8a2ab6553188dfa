"""How sure a lead makes: the share of held-out examples that were right with one like it."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

import msgspec

_ROUNDS = 50
_RIDGE = 1e-3


class Curve(msgspec.Struct, frozen=True):
    """Confidence by lead, as a logistic curve (Platt, "Probabilistic Outputs", 1999).

    `held_out` is how many examples it was measured on, `right` how many of them the model, which
    had not seen them, labelled right.
    """

    slope: float
    offset: float
    held_out: int
    right: int

    @property
    def accuracy(self) -> float:
        """The share of held-out examples that were right, 0 without any."""
        return self.right / self.held_out if self.held_out else 0.0

    def get_confidence(self, margin: float) -> float:
        """How likely a label with this lead is right, from 0 to 1."""
        power = self.slope * margin + self.offset
        return 1 / (1 + exp(-max(-30.0, min(30.0, power))))


def fit_curve(margins: Sequence[float], is_right: Sequence[bool]) -> Curve:
    """The curve that these leads and what came of them fit best, by Newton's method."""
    right = sum(is_right)
    # Platt's targets: a small sample never makes certain.
    high, low = (right + 1) / (right + 2), 1 / (len(is_right) - right + 2)
    curve = Curve(0.0, 0.0, len(is_right), right)
    if not margins:
        return curve
    for _ in range(_ROUNDS):
        slope_by, offset_by = _find_step(curve, margins, is_right, high, low)
        curve = msgspec.structs.replace(
            curve, slope=curve.slope - slope_by, offset=curve.offset - offset_by
        )
        if abs(slope_by) + abs(offset_by) < _RIDGE:
            break
    return curve if curve.slope > 0 else Curve(0.0, curve.offset, len(is_right), right)


def _find_step(
    curve: Curve, margins: Sequence[float], is_right: Sequence[bool], high: float, low: float
) -> tuple[float, float]:
    """One step of Newton's method, kept within bounds so that it cannot run away."""
    slope_gradient, offset_gradient = _RIDGE * curve.slope, 0.0
    slopes, crossed, offsets = _RIDGE, 0.0, _RIDGE
    for margin, was_right in zip(margins, is_right, strict=True):
        share = curve.get_confidence(margin)
        error, weight = share - (high if was_right else low), share * (1 - share)
        slope_gradient += error * margin
        offset_gradient += error
        slopes += weight * margin * margin
        crossed += weight * margin
        offsets += weight
    determinant = slopes * offsets - crossed * crossed
    slope_by = (offsets * slope_gradient - crossed * offset_gradient) / determinant
    offset_by = (slopes * offset_gradient - crossed * slope_gradient) / determinant
    return max(-5.0, min(5.0, slope_by)), max(-5.0, min(5.0, offset_by))

"""The steps of an experiment as values: each is a row, and together they are the experiment.

`attempts` are the calls that a step took, as they stand in the ledger. `failure` says why a step
that asked a model has no answer, although one was paid for.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from koderz.ledger.records import Attempt
from koderz.sandbox import Verdict


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What steps that asked a model share; `at` is when the step was done (UTC)."""

    at: datetime
    model: str
    attempts: tuple[Attempt, ...] = ()
    failure: str = ""


class Bound(StrEnum):
    """What an allowance counts: money, or calls where money says nothing."""

    COST = "cost"
    CALLS = "calls"


class AllowanceStep(msgspec.Struct, frozen=True, kw_only=True, tag="allowance"):
    """How much an experiment of independent attempts may use: what another one used.

    `cost_of` is the strategy of that other experiment, which had the same problem and sample. It
    cost `cost_usd` (None: a price is unknown) in so many `calls`; `bound` says which of them
    holds, `reason` why it is calls. `gpu_hour_usd` is what local time was counted at (None: not).
    """

    at: datetime
    cost_of: str
    bound: Bound
    cost_usd: Decimal | None
    calls: int
    gpu_hour_usd: Decimal | None = None
    reason: str = ""


class SpecStep(Asked, frozen=True, kw_only=True, tag="spec"):
    """The specification; `reused_from` names the experiment that it was taken from, if any.

    `is_simulated` says that a simulated model wrote it there.
    """

    text: str
    reused_from: str = ""
    is_simulated: bool = False


class IterationStep(Asked, frozen=True, kw_only=True, tag="iteration"):
    """An attempt: the model's answer and the module found in it ("" where there is none)."""

    number: int
    answer: str
    code: str
    found: str


class FeedbackStep(msgspec.Struct, frozen=True, kw_only=True, tag="feedback"):
    """What the feedback tests gave for the iteration of that number."""

    at: datetime
    number: int
    verdict: Verdict


class CheckpointStep(Asked, frozen=True, kw_only=True, tag="checkpoint"):
    """A review after the iteration `after`: guidance, and the notes it adds to the specification.

    `answer` is the review as it came.
    """

    number: int
    after: int
    is_plateau: bool
    answer: str
    guidance: str
    notes: str = ""


class VerdictStep(msgspec.Struct, frozen=True, kw_only=True, tag="verdict"):
    """What the tests that were held back gave for the code of the iteration `number`.

    `is_held_back` is False where the problem has one set of tests: then it is the feedback's.
    """

    at: datetime
    number: int
    verdict: Verdict
    is_held_back: bool


Step: TypeAlias = (
    AllowanceStep | SpecStep | IterationStep | FeedbackStep | CheckpointStep | VerdictStep
)


_DECODER: msgspec.json.Decoder[Step] = msgspec.json.Decoder(Step)


def encode_step(step: Step) -> bytes:
    """A step as JSON."""
    return msgspec.json.encode(step)


def decode_step(body: bytes | str) -> Step:
    """The step that JSON holds; ValueError where it holds none."""
    return _DECODER.decode(body)


def get_kind(step: Step) -> str:
    """The kind of a step: allowance, spec, iteration, feedback, checkpoint, verdict."""
    return str(step.__struct_config__.tag)

"""A simulated batch: what of it is done by when, and what becomes of each request.

Requests are dealt with evenly over the batch's stated delay. A batch whose delay is longer than
its window expires with what was done until then; one that is cancelled keeps what was done. What
is done is answered as a call of its own would be. Results come in an order of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from koderz.simulator.hosts import Host
from koderz.simulator.prompts import build_prompt
from koderz.simulator.refusals import RefusedError
from koderz.simulator.simulator import Simulator
from koderz.simulator.validation import check_limits, check_model, check_request, refuse
from koderz.types import Completion
from koderz.wire import FormatError, WireError, get_wire
from koderz.wire.batches import BatchLine, BatchOutcome, OutcomeKind

REFUSING: Final = frozenset({"rate_limit", "server_error", "overloaded"})


@dataclass
class BatchRun:
    """A batch as its provider has it; times are seconds since 1970.

    `outcomes` are made once, when the batch has ended; `problems` are why it was refused whole.
    """

    id: str
    host: Host
    lines: tuple[BatchLine, ...]
    created_s: float
    delay_s: float
    window_s: float
    metadata: dict[str, str] | None = None
    input_file_id: str = ""
    problems: list[tuple[str, str, int | None]] = field(default_factory=list)
    cancelled_s: float | None = None
    outcomes: tuple[BatchOutcome, ...] | None = None

    @property
    def expires_s(self) -> float:
        """When it ends, done or not."""
        return self.created_s + self.window_s

    @property
    def ends_s(self) -> float:
        """When it ends: done, expired or cancelled."""
        ends_s = min(self.created_s + self.delay_s, self.expires_s)
        return ends_s if self.cancelled_s is None else min(ends_s, self.cancelled_s)

    def is_over(self, now_s: float) -> bool:
        """Whether nothing more happens to it."""
        return now_s >= self.ends_s

    def count_done(self, now_s: float) -> int:
        """How many requests are dealt with by then."""
        return sum(self.is_done(index, now_s) for index in range(len(self.lines)))

    def is_done(self, index: int, now_s: float) -> bool:
        """Whether the request at this place is dealt with by then."""
        done_s = self.created_s + self.delay_s * (index + 1) / len(self.lines)
        return done_s <= min(now_s, self.ends_s)

    def count(self, kind: OutcomeKind) -> int:
        """How many requests ended so."""
        return sum(each.kind is kind for each in self.outcomes or ())

    def finish(self, simulator: Simulator, now_s: float) -> tuple[BatchOutcome, ...]:
        """What became of every request, in an order of its own; the batch has to be over."""
        if self.outcomes is None:
            found = [self._finish_one(simulator, index, now_s) for index in range(len(self.lines))]
            self.outcomes = _shuffle(found, self.id)
        return self.outcomes

    def _finish_one(self, simulator: Simulator, index: int, now_s: float) -> BatchOutcome:
        line = self.lines[index]
        if self.is_done(index, now_s):
            return _answer(simulator, self.host, line)
        is_cancelled = self.cancelled_s is not None and self.cancelled_s <= self.ends_s
        kind = OutcomeKind.CANCELLED if is_cancelled else OutcomeKind.EXPIRED
        return BatchOutcome(custom_id=line.custom_id, kind=kind)


def _shuffle(outcomes: Sequence[BatchOutcome], seed: str) -> tuple[BatchOutcome, ...]:
    shuffled = list(outcomes)
    Random(seed).shuffle(shuffled)  # noqa: S311 - an order, not a secret.
    return tuple(reversed(outcomes)) if shuffled == list(outcomes) else tuple(shuffled)


def _answer(simulator: Simulator, host: Host, line: BatchLine) -> BatchOutcome:
    """What a model makes of one request; the fault that a call would meet, it meets here."""
    try:
        completion = _complete(simulator, host, line.body)
    except RefusedError as refused:
        said = WireError(refused.message, refused.kind)
        return BatchOutcome(custom_id=line.custom_id, kind=OutcomeKind.ERRORED, error=said)
    kind = OutcomeKind.SUCCEEDED if completion else OutcomeKind.EXPIRED
    return BatchOutcome(custom_id=line.custom_id, kind=kind, completion=completion)


def _complete(simulator: Simulator, host: Host, body: bytes) -> Completion | None:
    """The model's answer; None where a fault keeps it silent. Raises RefusedError."""
    try:
        request = get_wire(host.provider.wire).decode_request(body)
    except FormatError as error:
        raise refuse(host, "malformed", reason=error) from None
    model = check_model(host, request.model)
    check_request(host, model, request, body)
    if request.is_stream:
        raise refuse(host, "malformed", reason="stream: a batch has no streams")
    prompt = build_prompt(request)
    check_limits(host, model, request, prompt)
    fault = simulator.take_fault(request.model)
    if fault is not None and fault.kind in REFUSING:
        raise refuse(host, fault.kind, model=request.model)  # type: ignore[arg-type] # see above
    if fault is not None and fault.kind == "silence":
        return None
    return simulator.answer(host, model, request, prompt, fault).completion

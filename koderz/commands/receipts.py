"""How commands print a job's receipt: on stderr, what went in and out, who did it, what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Protocol

from koderz.commands import console
from koderz.ledger.records import Outcome
from koderz.types import Tier

MOST_REMARKS = 8


class BilledAttempt(Protocol):
    """One call that was made for a job, however it ended."""

    @property
    def model(self) -> str:
        """The model that was asked."""

    @property
    def outcome(self) -> Outcome:
        """How it ended."""

    @property
    def reason(self) -> str:
        """Why it was not accepted."""


class BilledResult(Protocol):
    """What every job's result says of how it came about; money is USD, None where unknown."""

    @property
    def tokens_in(self) -> int:
        """What went in whole."""

    @property
    def tokens_out(self) -> int:
        """What came out as the digest."""

    @property
    def vocabulary(self) -> str:
        """What both are counted in."""

    @property
    def engine(self) -> str:
        """Who did it: extractive, model, mixed, passthrough."""

    @property
    def model(self) -> str | None:
        """The model of most accepted answers."""

    @property
    def tier(self) -> Tier | None:
        """Its tier."""

    @property
    def route_source(self) -> str:
        """What decided which model was asked first."""

    @property
    def reason(self) -> str:
        """Why it was done that way."""

    @property
    def cost_usd(self) -> Decimal | None:
        """What all attempts cost."""

    @property
    def baseline_usd(self) -> Decimal | None:
        """What the main model would have charged for what went in."""

    @property
    def baseline(self) -> str:
        """The baseline in words."""

    @property
    def digest_usd(self) -> Decimal | None:
        """What it charges for the digest."""

    @property
    def saved_usd(self) -> Decimal | None:
        """The baseline less all attempts and the digest."""

    @property
    def attempts(self) -> Sequence[BilledAttempt]:
        """Every call that was made."""

    @property
    def notes(self) -> Sequence[str]:
        """What else a reader should know, a line each."""

    @property
    def simulated(self) -> bool:
        """Whether the simulator's models answered."""


def print_receipt_lines(lines: Iterable[tuple[str, str]]) -> None:
    """Print the lines of a receipt on stderr."""
    notes = console.get_notes()
    notes.print()
    for name, text in lines:
        notes.print(f"{name:<10}{text}", markup=False, soft_wrap=True)


def build_job_receipt(result: BilledResult, *, whole: str) -> Iterator[tuple[str, str]]:
    """The lines of a receipt: what they are about and what they say; `whole` is what went in."""
    stamp = " (simulated)" if result.simulated else ""
    if result.simulated:
        yield "SIMULATED", "models of the simulator answered: nothing was paid or saved"
    share = result.tokens_out / result.tokens_in if result.tokens_in else 1
    counts = f"{result.tokens_in:,} in, {result.tokens_out:,} out ({result.vocabulary})"
    yield "tokens", f"{counts}: {share:.1%} {whole}"
    yield "by", f"{_say_who(result)}: {result.reason}{stamp}"
    yield "cost", f"{console.format_usd(result.cost_usd)} for {_count_calls(result)}{stamp}"
    yield "baseline", f"{console.format_usd(result.baseline_usd)}: {result.baseline}"
    yield "digest", f"{console.format_usd(result.digest_usd)} for reading the digest at that price"
    saved = console.format_usd(result.saved_usd)
    yield "saved", f"{saved} net of all attempts and the digest{stamp}"
    yield from _list_remarks(result)


def _say_who(result: BilledResult) -> str:
    if result.engine == "passthrough":
        return "nobody, what went in as it is"
    if result.model is None:
        return "no model, on this machine"
    also = ", the rest without a model" if result.engine == "mixed" else ""
    return f"{result.model} ({result.tier} tier, {result.route_source}){also}"


def _count_calls(result: BilledResult) -> str:
    outcomes = Counter(attempt.outcome.value for attempt in result.attempts)
    total = len(result.attempts)
    said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    return f"{total} call{'' if total == 1 else 's'}{f' ({said})' if said else ''}"


def _list_remarks(result: BilledResult) -> Iterator[tuple[str, str]]:
    unused = [attempt for attempt in result.attempts if attempt.outcome != Outcome.ACCEPTED]
    remarks = [(attempt.outcome.value, f"{attempt.model}: {attempt.reason}") for attempt in unused]
    remarks += [("note", note) for note in result.notes]
    yield from remarks[:MOST_REMARKS]
    if len(remarks) > MOST_REMARKS:
        yield "note", f"{len(remarks) - MOST_REMARKS} more: see --json"

"""How commands print a job's receipt: on stderr, what went in and out, who did it, what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from koderz.commands import console

if TYPE_CHECKING:
    from koderz.jobs.results import JobResult

MOST_REMARKS = 8


def print_receipt_lines(lines: Iterable[tuple[str, str]]) -> None:
    """Print the lines of a receipt on stderr."""
    notes = console.get_notes()
    notes.print()
    for name, text in lines:
        notes.print(f"{name:<10}{text}", markup=False, soft_wrap=True)


def build_job_receipt(result: JobResult, *, whole: str) -> Iterator[tuple[str, str]]:
    """The lines of a receipt: what they are about and what they say; `whole` is what went in."""
    yield from build_account(result, whole=whole, who=_say_who(result))
    yield from limit_remarks(_list_remarks(result))


def build_account(result: JobResult, *, whole: str, who: str) -> Iterator[tuple[str, str]]:
    """The lines that every receipt has: tokens, who did it, what it cost and what that saved."""
    stamp = " (simulated)" if result.simulated else ""
    if result.simulated:
        yield "SIMULATED", "models of the simulator answered: nothing was paid or saved"
    share = result.tokens_out / result.tokens_in if result.tokens_in else 1
    counts = f"{result.tokens_in:,} in, {result.tokens_out:,} out ({result.vocabulary})"
    yield "tokens", f"{counts}: {share:.1%} {whole}"
    yield "by", f"{who}: {result.reason}{stamp}"
    yield "cost", f"{console.format_usd(result.cost_usd)} for {_count_calls(result)}{stamp}"
    yield "baseline", f"{console.format_usd(result.baseline_usd)}: {result.baseline}"
    yield "digest", f"{console.format_usd(result.digest_usd)} for reading the digest at that price"
    saved = console.format_usd(result.saved_usd)
    yield "saved", f"{saved} net of all attempts and the digest{stamp}"


def limit_remarks(remarks: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The first of the remarks, and how many more there are."""
    yield from remarks[:MOST_REMARKS]
    if len(remarks) > MOST_REMARKS:
        yield "note", f"{len(remarks) - MOST_REMARKS} more: see --json"


def _say_who(result: JobResult) -> str:
    if result.engine == "passthrough":
        return "nobody, what went in as it is"
    if result.model is None:
        return "no model, on this machine"
    also = ", the rest without a model" if result.engine == "mixed" else ""
    return f"{result.model} ({result.tier} tier, {result.route_source}){also}"


def _count_calls(result: JobResult) -> str:
    outcomes = Counter(attempt.outcome.value for attempt in result.attempts)
    total = len(result.attempts)
    said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    return f"{total} call{'' if total == 1 else 's'}{f' ({said})' if said else ''}"


def _list_remarks(result: JobResult) -> list[tuple[str, str]]:
    unused = Counter(
        (attempt.outcome.value, f"{attempt.model}: {attempt.reason}")
        for attempt in result.attempts
        if attempt.outcome != "accepted"
    )
    remarks = [
        (outcome, f"{said} ({count} times)" if count > 1 else said)
        for (outcome, said), count in unused.items()
    ]
    return [*remarks, *(("note", note) for note in result.notes)]

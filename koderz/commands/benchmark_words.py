"""How a run ended, in lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from koderz.runs.values import RunOutcome


def list_endings(outcome: RunOutcome) -> Iterator[str]:
    """What was not brought to its end, and why; nothing where all was."""
    if outcome.failures and not outcome.judged:
        yield f"nothing could be judged: {outcome.failures[0].reason}"
        return
    yield from _list_failures(outcome)
    given_up = {name: count for name, count in outcome.left.items() if name in outcome.given_up}
    if given_up:
        yield f"not begun, as the others of the strategy failed: {_count(given_up)}"
    rest = {name: count for name, count in outcome.left.items() if name not in given_up}
    if outcome.stopped:
        yield f"stopped: {outcome.stopped}"
    if rest:
        why = "left out" if outcome.stopped else "not begun, as they wait for what is missing"
        yield f"{why}: {_count(rest)}"


def _list_failures(outcome: RunOutcome) -> Iterator[str]:
    """A line for each reason, with how many experiments of which strategies it broke off.

    Where a strategy was given up, what failed first is the reason: afterwards its model was left
    alone.
    """
    by_reason: dict[str, Counter[str]] = {}
    for failure in outcome.failures:
        reason = outcome.given_up.get(failure.key.strategy, failure.reason)
        by_reason.setdefault(reason, Counter())[failure.key.strategy] += 1
    for reason, counts in by_reason.items():
        yield f"broken off: {_count(counts)}: {reason}"


def _count(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} of {name}" for name, count in counts.items())

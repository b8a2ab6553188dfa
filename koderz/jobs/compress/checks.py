"""The checks of a model's record of a conversation, and of its repair.

A record is rejected when it is cut off or not the JSON asked for, has no goal, places something in
a turn that was not shown, names a path, identifier or number that the conversation does not hold,
or takes more tokens than it may. What must survive and does not is repaired in a second pass.
Reasons go to the ledger, which keeps nothing of the conversation: they count and never quote.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from koderz.extract.chat.names import find_names, find_words, has_name
from koderz.jobs.json_answers import decode_answer
from koderz.prompts.compress import Point, Snapshot
from koderz.routing.checks import Accepted, Check, Rejected
from koderz.tokens import count_tokens
from koderz.types import Completion

WORDS_SHARE = 0.5
ROUND_DIGITS = 2

_DECODER = msgspec.json.Decoder(Snapshot)


def build_snapshot_check(
    source: str, turns: Collection[int], *, most_tokens: int, missing: Sequence[str] = ()
) -> Check[Snapshot]:
    """The check of a record of these turns, whose text is `source`; `missing` must stand in it."""

    def check(completion: Completion) -> Accepted[Snapshot] | Rejected:
        snapshot = decode_answer(completion, _DECODER)
        if isinstance(snapshot, Rejected):
            return snapshot
        fault = _find_fault(snapshot, source, turns, most_tokens)
        lost = len(list_missing(missing, tell(snapshot)))
        if not fault and lost:
            fault = f"{lost} of {len(missing)} things that must survive are missing"
        return Rejected(fault) if fault else Accepted(snapshot)

    return check


def _find_fault(snapshot: Snapshot, source: str, turns: Collection[int], most_tokens: int) -> str:
    if not snapshot.goal.strip():
        return "it states no goal"
    points = list_points(snapshot)
    strange = sum(point.turn not in turns for point in points)
    if strange:
        return f"{strange} of {len(points)} lines are of turns that were not shown"
    text = tell(snapshot)
    invented = sum(
        not has_name(name, source) for name in find_names(text) if len(name) > ROUND_DIGITS
    )
    if invented:
        return f"{invented} paths, identifiers or numbers in it stand nowhere in the conversation"
    tokens = count_tokens(text)
    if tokens > most_tokens:
        return f"it takes {tokens} tokens, {most_tokens} are the most"
    return ""


def list_points(snapshot: Snapshot) -> tuple[Point, ...]:
    """The record's lines that are of a turn."""
    return (*snapshot.decisions, *snapshot.facts, *snapshot.open_items)


def tell(snapshot: Snapshot) -> str:
    """All that the record says, a line each."""
    points = (point.text for point in list_points(snapshot))
    return "\n".join([snapshot.goal, snapshot.state, *points])


def list_missing(keep: Iterable[str], text: str) -> tuple[str, ...]:
    """What of this does not survive in the text."""
    words = find_words(text)
    return tuple(each for each in keep if not _survives(each, text, words))


def _survives(kept: str, text: str, words: frozenset[str]) -> bool:
    """Whether every name of it stands in the text, and half of its other words do."""
    if has_name(kept, text):
        return True
    if not all(has_name(name, text) for name in find_names(kept)):
        return False
    wanted = find_words(kept)
    return len(wanted & words) >= WORDS_SHARE * len(wanted)

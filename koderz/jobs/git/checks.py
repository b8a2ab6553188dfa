"""The check of an answer that gives commits their types.

It is rejected when it is cut off or not the JSON asked for, when a hash that was asked about is
missing or stands in it twice, when one stands in it that was not asked about, and when a type is
none of the set. Reasons name hashes that were asked about and never repeat the answer: they go to
the ledger, which keeps nothing of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import msgspec

from koderz.extract.git.commits import CommitType
from koderz.jobs.json_answers import decode_answer
from koderz.prompts.git import TYPES
from koderz.routing.checks import Accepted, Check, Rejected
from koderz.types import Completion

Types = Mapping[str, CommitType]

_KNOWN = frozenset(TYPES)


class _ClaimedType(msgspec.Struct):
    hash: str
    type: str


class _ClaimedTypes(msgspec.Struct):
    commits: list[_ClaimedType]


_DECODER = msgspec.json.Decoder(_ClaimedTypes)


def build_types_check(hashes: Collection[str]) -> Check[Types]:
    """The check of an answer about the commits with these hashes, as they were shown."""
    asked = frozenset(hashes)

    def check(completion: Completion) -> Accepted[Types] | Rejected:
        answer = decode_answer(completion, _DECODER)
        if isinstance(answer, Rejected):
            return answer
        claimed = answer.commits
        if fault := find_fault([each.hash for each in claimed], asked):
            return Rejected(fault)
        strange = [each.hash for each in claimed if each.type not in _KNOWN]
        if strange:
            return Rejected(f"{_count(strange)} a type that is none of the set")
        return Accepted({each.hash: CommitType(each.type) for each in claimed})

    return check


def find_fault(claimed: list[str], asked: frozenset[str]) -> str:
    """How the hashes of an answer differ from each of those asked about once, "" if they don't."""
    counts = Counter(claimed)
    invented = sum(count for each, count in counts.items() if each not in asked)
    if invented:
        return f"{invented} of {len(claimed)} hashes were not asked about"
    if missing := sorted(asked - counts.keys()):
        return f"{len(missing)} of {len(asked)} hashes are missing, first {missing[0]}"
    if twice := [each for each, count in counts.items() if count > 1]:
        return f"{len(twice)} of {len(asked)} hashes stand in it more than once, first {twice[0]}"
    return ""


def _count(hashes: list[str]) -> str:
    if len(hashes) == 1:
        return f"commit {hashes[0]} has"
    return f"{len(hashes)} commits, first {hashes[0]}, have"

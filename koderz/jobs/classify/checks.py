"""The check of an answer that gives texts their labels.

It is rejected when it is cut off or not the JSON asked for, when an id stands in it that was not
asked about (then others may be mixed up as well), and when fewer than half of the texts can be
used. Else it is accepted with the labels that can be: a text whose id is missing, stands in it
twice or has a label outside the set is not among them, and is asked about again. Reasons never
repeat the answer: they go to the ledger, which keeps nothing of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import msgspec

from koderz.jobs.json_answers import decode_answer
from koderz.routing.checks import Accepted, Check, Rejected
from koderz.types import Completion

Labels = Mapping[str, str]

LEAST_SHARE = 0.5


class _Claim(msgspec.Struct):
    id: str
    label: str


class _Claims(msgspec.Struct):
    labels: list[_Claim]


_DECODER = msgspec.json.Decoder(_Claims)


def build_labels_check(codes: Collection[str], labels: Collection[str]) -> Check[Labels]:
    """The check of an answer about the texts with these codes: labels by code."""
    asked, known = frozenset(codes), frozenset(labels)

    def check(completion: Completion) -> Accepted[Labels] | Rejected:
        answer = decode_answer(completion, _DECODER)
        if isinstance(answer, Rejected):
            return answer
        claims = answer.labels
        counts = Counter(claim.id for claim in claims)
        if invented := sum(count for code, count in counts.items() if code not in asked):
            return Rejected(f"{invented} of {len(claims)} ids were not asked about")
        usable = {
            claim.id: claim.label
            for claim in claims
            if counts[claim.id] == 1 and claim.label in known
        }
        if len(usable) < LEAST_SHARE * len(asked):
            return Rejected(_say_fault(claims, counts, asked, known))
        return Accepted(usable)

    return check


def _say_fault(
    claims: Collection[_Claim],
    counts: Counter[str],
    asked: frozenset[str],
    known: frozenset[str],
) -> str:
    """What is wrong with most of an answer."""
    faults = {
        "are missing": len(asked - counts.keys()),
        "stand in it more than once": sum(count > 1 for count in counts.values()),
        "have a label that is none of the set": sum(claim.label not in known for claim in claims),
    }
    said = ", ".join(f"{count} {fault}" for fault, count in faults.items() if count)
    return f"of {len(asked)} ids {said}"

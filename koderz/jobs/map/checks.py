"""The checks of answers about one item of a list, and about many.

Reasons say which rule an answer breaks, in the words of its schema, and repeat nothing of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from koderz.jobs.json_answers import decode_answer
from koderz.jobs.map.schemas import AnswerSchema
from koderz.routing.checks import Accepted, Check, Rejected, check_text
from koderz.types import Completion

Answers = Mapping[str, Any]

LEAST_SHARE = 0.5


class _Claim(msgspec.Struct):
    id: str
    answer: Any


class _Claims(msgspec.Struct):
    answers: list[_Claim]


_DOCUMENT = msgspec.json.Decoder(dict[str, Any])
_CLAIMS = msgspec.json.Decoder(_Claims)


def build_item_check(schema: AnswerSchema | None) -> Check[Any]:
    """The check of an answer about one item: its text, or its value where there is a schema."""

    def check(completion: Completion) -> Accepted[Any] | Rejected:
        if schema is None:
            whole = check_text(completion)
            return Accepted(whole.value.strip()) if isinstance(whole, Accepted) else whole
        document = decode_answer(completion, _DOCUMENT)
        if isinstance(document, Rejected):
            return document
        value, fault = schema.unwrap(document)
        return Rejected(f"the answer breaks its schema: {fault}") if fault else Accepted(value)

    return check


def build_pack_check(codes: Collection[str], schema: AnswerSchema | None) -> Check[Answers]:
    """The check of an answer about the items with these codes: what can be used, by code.

    It is rejected when an id stands in it that was not asked about (then others may be mixed up as
    well), and when fewer than half of the items can be used: those that stand in it once, with an
    answer that fits.
    """
    asked = frozenset(codes)

    def check(completion: Completion) -> Accepted[Answers] | Rejected:
        claims = decode_answer(completion, _CLAIMS)
        if isinstance(claims, Rejected):
            return claims
        counts = Counter(claim.id for claim in claims.answers)
        if strange := counts.keys() - asked:
            return Rejected(f"{len(strange)} of {len(counts)} ids were not asked about")
        faults = {claim.id: _find_fault(claim.answer, schema) for claim in claims.answers}
        faults |= dict.fromkeys(asked - counts.keys(), "it is missing")
        faults |= {code: "it stands there twice" for code, count in counts.items() if count > 1}
        usable = {
            claim.id: claim.answer.strip() if schema is None else claim.answer
            for claim in claims.answers
            if not faults[claim.id]
        }
        if len(usable) < LEAST_SHARE * len(asked):
            common, count = Counter(filter(None, faults.values())).most_common(1)[0]
            return Rejected(f"of {len(asked)} ids {count} cannot be used: {common}")
        return Accepted(usable)

    return check


def _find_fault(answer: object, schema: AnswerSchema | None) -> str:
    if schema is not None:
        return schema.find_fault(answer)
    return "" if isinstance(answer, str) and answer.strip() else "its answer is no text"

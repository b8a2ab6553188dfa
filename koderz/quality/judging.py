"""Prose is judged: blind, in both orders, and a tie is a verdict.

A judge that favours what stands first, or second, favours each answer once: that cancels out. The
judge is the main model, one of the two authors, without being told so.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from koderz.jobs.json_answers import decode_answer
from koderz.quality.measures import Agreement
from koderz.routing.checks import Accepted, Check, Rejected
from koderz.types import Completion

Verdict = Literal["first", "second", "tie"]


class _ClaimedVerdict(msgspec.Struct):
    verdict: Verdict


_DECODER = msgspec.json.Decoder(_ClaimedVerdict)


def _check_verdict(completion: Completion) -> Accepted[Verdict] | Rejected:
    answer = decode_answer(completion, _DECODER)
    return answer if isinstance(answer, Rejected) else Accepted(answer.verdict)


VERDICT_CHECK: Final[Check[Verdict]] = _check_verdict


def score_verdicts(small_first: Verdict, small_second: Verdict) -> Agreement:
    """How often the small model's answer was held to be as good or better, of both orders."""
    held = (small_first != "second") + (small_second != "first")
    return Agreement(held / 2, 1)

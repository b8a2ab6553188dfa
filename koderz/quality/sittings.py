"""Kept answers made ready to be measured: by what, and for how much."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from koderz.models.usage import count_prompt_tokens
from koderz.quality.measures import Compare, Yardstick, build_yardstick
from koderz.quality.samples import StoredAnswer
from koderz.routing.checks import Accepted, check_text
from koderz.tokens import count_tokens
from koderz.types import Completion, ModelInfo, Text, Usage

if TYPE_CHECKING:
    from koderz.routing.router import Router

JUDGE_CALLS = 2
VERDICT_TOKENS = 12


class Sitting(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is to be measured, by what, and what it is likely to cost."""

    stored: StoredAnswer
    yardstick: Yardstick | None
    value: Any
    cost_usd: Decimal | None

    @property
    def compare(self) -> Compare | None:
        """How it is compared; None where it is judged."""
        return self.yardstick.compare if self.yardstick else None

    @property
    def calls(self) -> int:
        """How many calls it takes: what is judged takes a judge's two on top."""
        return 1 if self.compare else 1 + JUDGE_CALLS


def build_sitting(router: Router, main: ModelInfo, stored: StoredAnswer) -> Sitting | None:
    """The answer with its measure; None where it is not readable as this version would keep it."""
    kept = stored.kept
    completion = Completion(model=kept.model, parts=(Text(kept.answer),))
    try:
        yardstick = build_yardstick(kept.task, kept.facts)
    except ValueError:
        return None
    verdict = (yardstick.check if yardstick else check_text)(completion)
    if not isinstance(verdict, Accepted):
        return None
    sitting = Sitting(stored=stored, yardstick=yardstick, value=verdict.value, cost_usd=None)
    return msgspec.structs.replace(sitting, cost_usd=_estimate_usd(router, main, sitting))


def _estimate_usd(router: Router, main: ModelInfo, sitting: Sitting) -> Decimal | None:
    """What measuring is likely to cost: as many tokens in as then, and as many out."""
    kept = sitting.stored.kept
    tokens_in, tokens_out = count_prompt_tokens(kept.request), count_tokens(kept.answer)
    if not sitting.compare:
        tokens_in += JUDGE_CALLS * (tokens_in + 2 * tokens_out)
        tokens_out += JUDGE_CALLS * VERDICT_TOKENS
    return router.price(main).cost_usd(Usage(input_tokens=tokens_in, output_tokens=tokens_out))


def choose_affordable(sittings: Sequence[Sitting], limit_usd: Decimal) -> list[Sitting]:
    """The first of them that the limit covers; a price that is unknown is left to the router."""
    chosen, left = [], limit_usd
    for sitting in sittings:
        left -= sitting.cost_usd or Decimal(0)
        if left < 0:
            break
        chosen.append(sitting)
    return chosen

"""What a prompt over a list gives: a row an item, the price before it, and the receipt."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from koderz.jobs.results import JobResult


class MapRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item's answer, or why it has none.

    `value` is text, or what the schema asks for; None with an `error`. `answered_by` names the
    model (with " (simulated)" where it was none), `same_as` the item that was asked about for this
    one too, `prompt_id` the prompt as it was filled in: another text, prompt or schema gives
    another.
    """

    id: str
    value: Any
    error: str = ""
    answered_by: str = ""
    same_as: str = ""
    prompt_id: str = ""


class MapPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be asked, told before it is; the price is that of the first model, in USD.

    `low_usd` is reckoned with answers of a few tokens, `high_usd` with answers as long as their
    limit allows; None where a price is unknown. What is asked again, or of `main`, is on top.
    """

    items: int
    distinct: int
    asked: int
    prompts: int
    tokens_in: int
    most_tokens_out: int
    model: str
    main: str
    low_usd: Decimal | None
    high_usd: Decimal | None


class MapResult(JobResult, frozen=True, kw_only=True):
    """The items' rows, in the items' order, and their receipt.

    `distinct` counts prompts where equal ones count once, `answered` and `failed` the items with
    and without an answer. `tokens_in` are those of the items that got their answer in this run,
    `tokens_out` those of the answers.
    """

    items: tuple[MapRow, ...]
    distinct: int
    answered: int
    failed: int

"""What labelling gives: a decision an item, and the receipt."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from koderz.jobs.results import JobResult

EXAMPLE, LINEAR, NOBODY = "example", "linear", "none"
"""What decides besides a model: an example of this text, the examples' linear model, nothing."""


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item's label, or None where nothing decides it.

    `confidence` is the share of held-out examples that were right at such a lead of the linear
    model for this label; None where nothing measures it. `decided_by` is "example", "linear", a
    model's name (with " (simulated)" where it was none) or "none"; `same_as` the id of the item
    that was labelled for this one too. `text_id` names the item's text in a file of decisions.
    """

    id: str
    label: str | None
    confidence: float | None
    decided_by: str
    same_as: str = ""
    text_id: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be asked, told before it is: texts, prompts, tokens and the price in USD.

    `cost_usd` is for the first model of the route; None where its price is unknown. What is
    asked again or of `main` comes on top. `is_batch` says that it is the price of a provider's
    batch.
    """

    items: int
    distinct: int
    asked: int
    prompts: int
    tokens_in: int
    tokens_out: int
    model: str
    main: str
    cost_usd: Decimal | None
    is_batch: bool = False


class ClassifyResult(JobResult, frozen=True, kw_only=True):
    """The items' decisions, in the items' order, and their receipt.

    `distinct` counts the texts that are left where near duplicates count once, `decided` the items
    that have a label, `escalated` the texts that the main model was asked about because the small
    one's label was doubtful. The linear model was right on `held_out_right` of `held_out` examples
    that it had not seen. `tokens_in` are those of the items that got their label in this run,
    `tokens_out` those of the labels.
    """

    items: tuple[Decision, ...]
    labels: tuple[str, ...]
    distinct: int
    decided: int
    escalated: int
    held_out: int
    held_out_right: int

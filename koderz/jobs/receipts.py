"""What a job saved: the main model's price for everything against what was spent instead."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict

import msgspec

from koderz.jobs.results import JobAttempt, summarize_attempt
from koderz.ledger.records import Attempt
from koderz.models.registry import list_models
from koderz.routing.router import sum_costs
from koderz.tokens import VOCABULARY
from koderz.types import ModelInfo, Tier, Usage

if TYPE_CHECKING:
    from koderz.models.prices import Price
    from koderz.routing.router import Router

REFERENCE_PROVIDERS = ("anthropic", "openai")


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """A job's money in USD; None is unknown.

    It made `tokens_out` tokens out of `tokens_in`.
    `baseline_usd` is what the main model charges for reading everything once, uncached, and
    `digest_usd` for reading the job's product instead; `cost_usd` is what all attempts cost.
    `baseline` says in words what was reckoned with.
    """

    tokens_in: int
    tokens_out: int
    cost_usd: Decimal | None
    baseline_usd: Decimal | None
    digest_usd: Decimal | None
    baseline: str

    @property
    def saved_usd(self) -> Decimal | None:
        """The baseline less all attempts and the digest: below 0 where nothing was saved."""
        if self.cost_usd is None or self.baseline_usd is None or self.digest_usd is None:
            return None
        return self.baseline_usd - self.cost_usd - self.digest_usd


class Receipt(TypedDict):
    """The fields of a job's result that follow from what was read, written and called."""

    tokens_in: int
    tokens_out: int
    vocabulary: str
    model: str | None
    tier: Tier | None
    cost_usd: Decimal | None
    baseline_usd: Decimal | None
    baseline: str
    digest_usd: Decimal | None
    saved_usd: Decimal | None
    attempts: tuple[JobAttempt, ...]
    simulated: bool


def build_receipt(
    bill: Bill,
    attempts: Sequence[Attempt],
    model: ModelInfo | None,
    *,
    is_simulated: bool = False,
) -> Receipt:
    """The receipt of a job: its bill, its attempts, and the model most of it comes from.

    `is_simulated` says that parts of it from an earlier run are; what its attempts say is known.
    """
    return Receipt(
        tokens_in=bill.tokens_in,
        tokens_out=bill.tokens_out,
        vocabulary=VOCABULARY,
        model=model.name if model else None,
        tier=model.tier if model else None,
        cost_usd=bill.cost_usd,
        baseline_usd=bill.baseline_usd,
        baseline=bill.baseline,
        digest_usd=bill.digest_usd,
        saved_usd=bill.saved_usd,
        attempts=tuple(map(summarize_attempt, attempts)),
        simulated=is_simulated or any(attempt.is_simulated for attempt in attempts),
    )


def build_bill(
    router: Router,
    main: ModelInfo | None,
    *,
    tokens_in: int,
    tokens_out: int,
    attempts: Sequence[Attempt] = (),
    remark: str = "",
) -> Bill:
    """The bill of a job with these attempts, which made `tokens_out` tokens out of `tokens_in`.

    `remark` says after the baseline's words what those tokens are.
    Without a main model the catalogue's newest frontier model is reckoned with, and named as such.
    """
    reference = main or get_reference_model()
    price = router.price(reference)
    whole = Usage(input_tokens=tokens_in)
    return Bill(
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost_usd=sum_costs(attempts),
        baseline_usd=price.cost_usd(whole),
        digest_usd=price.cost_usd(Usage(input_tokens=tokens_out)),
        baseline=_describe(reference, price, whole, is_main=main is not None) + remark,
    )


def add_writing(bill: Bill, router: Router, main: ModelInfo | None, product: str) -> Bill:
    """The bill with the product, too, in the baseline: the main model would have written it.

    `product` is what an item gets, such as "label".
    """
    usage = Usage(input_tokens=bill.tokens_in, output_tokens=bill.tokens_out)
    price = router.price(main or get_reference_model())
    said = f"{bill.baseline}, and writing the {product}s ({bill.tokens_out:,} tokens) itself"
    return msgspec.structs.replace(
        bill,
        baseline_usd=price.cost_usd(usage),
        baseline=f"{said}; they are the items that got their {product} in this run",
    )


def get_reference_model() -> ModelInfo:
    """The newest frontier model of the catalogue's first makers: a stand-in for a main model."""
    candidates = [
        model
        for model in list_models()
        if model.tier is Tier.FRONTIER and model.provider in REFERENCE_PROVIDERS
    ]
    return max(candidates, key=lambda model: (model.released, model.provider, model.name))


def _describe(model: ModelInfo, price: Price, whole: Usage, *, is_main: bool) -> str:
    rate = price.rates_for(whole).input
    words = [
        model.name if is_main else f"{model.name} (a reference: no main model is set or reachable)",
        f"reading all {whole.input_tokens:,} tokens ({VOCABULARY}) once, uncached,",
        "whose price is unknown"
        if rate is None
        else f"at ${rate:f} per million input tokens ({price.source}, as of {price.as_of})",
    ]
    if model.context_tokens is not None and whole.input_tokens > model.context_tokens:
        words.append(f"though its context holds {model.context_tokens:,} at once")
    return " ".join(words)

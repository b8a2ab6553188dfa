"""What a person hears of work at a provider's batch endpoint."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

import msgspec

from koderz.ledger.submissions import Submission

NewsKind = Literal["submitted", "found again", "collected"]


class BatchNews(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person wants to know of a batch of so many requests about so many texts.

    `cost_usd` is what it may cost at the most until it is collected, then what it did cost; None
    where a price is unknown.
    """

    kind: NewsKind
    batch_id: str
    provider: str
    model: str
    requests: int
    texts: int
    cost_usd: Decimal | None


class ProviderBatch(msgspec.Struct, frozen=True, kw_only=True):
    """How a job asks at a batch endpoint: whether it waits for the answers, and who hears of it."""

    is_waited_for: bool = True
    on_news: Callable[[BatchNews], None] | None = None


def build_news(
    submission: Submission, kind: NewsKind, texts: int, cost_usd: Decimal | None
) -> BatchNews:
    """The news of a submission; `cost_usd` is read only where it is collected."""
    if kind != "collected":
        estimates = [each.estimate_usd for each in submission.requests]
        known = [each for each in estimates if each is not None]
        cost_usd = sum(known, Decimal(0)) if len(known) == len(estimates) else None
    return BatchNews(
        kind=kind,
        batch_id=submission.batch_id,
        provider=submission.provider,
        model=submission.model,
        requests=len(submission.requests),
        texts=texts,
        cost_usd=cost_usd,
    )

"""What an attempt cost and how it ended, as the row that the ledger keeps: pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import msgspec

from koderz.errors import (
    AnswerLostError,
    MalformedResponseError,
    ProviderError,
    ProviderTimeoutError,
)
from koderz.ledger.records import Attempt, Outcome
from koderz.models.prices import Price
from koderz.models.usage import count_prompt_tokens
from koderz.routing.checks import Accepted, Rejected
from koderz.routing.routes import Route
from koderz.types import Completion, ModelInfo, Request, Usage

T = TypeVar("T")

# Other vendors' vocabularies cut the same text into more tokens than ours does, by up to about a
# third on code and logs; what is reserved must not fall short of what is billed.
RESERVE_MARGIN = Decimal("1.35")
DEFAULT_MAX_TOKENS = 4096


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request on its way to one model."""

    request: Request
    model: ModelInfo
    price: Price
    route: Route
    run_id: str
    job_id: str


def build_attempt(
    call: Call, completion: Completion, verdict: Accepted[T] | Rejected, *, at: datetime
) -> Attempt:
    """The row of a call that was answered; what was answered is billed whatever came of it."""
    return _build(
        call,
        at=at,
        answered_by=completion.model,
        usage=completion.usage,
        cost_usd=call.price.cost_usd(completion.usage),
        latency_s=completion.latency_s,
        first_token_s=completion.first_token_s,
        outcome=Outcome.REJECTED if isinstance(verdict, Rejected) else Outcome.ACCEPTED,
        reason=verdict.reason if isinstance(verdict, Rejected) else "",
        request_id=completion.request_id,
        is_simulated=completion.is_simulated,
    )


def build_unanswered_attempt(
    call: Call,
    error: BaseException,
    *,
    latency_s: float,
    at: datetime,
    is_simulated: bool,
) -> Attempt:
    """The row of a call without an answer: failed, or cancelled by whoever waited for it.

    Where the provider may have billed it all the same, its prompt is counted, and said to be
    estimated.
    """
    is_provider_error = isinstance(error, ProviderError)
    usage = estimate_usage(call.request) if may_be_billed(error) else Usage()
    return _build(
        call,
        at=at,
        usage=usage,
        cost_usd=call.price.cost_usd(usage),
        latency_s=latency_s,
        outcome=Outcome.FAILED if is_provider_error else Outcome.CANCELLED,
        reason=type(error).__name__ if is_provider_error else "cancelled",
        request_id=error.request_id if isinstance(error, ProviderError) else "",
        is_simulated=is_simulated,
    )


def _build(call: Call, *, usage: Usage, **ending: object) -> Attempt:
    return Attempt(
        run_id=call.run_id,
        job_id=call.job_id,
        task=call.route.task,
        tier=call.model.tier,
        provider=call.model.provider,
        model=call.model.name,
        usage=usage,
        rates=call.price.rates_for(usage),
        rates_as_of=call.price.as_of,
        route_source=call.route.source,
        **ending,  # type: ignore[arg-type] # the callers above name the remaining fields
    )


def may_be_billed(error: BaseException) -> bool:
    """Whether the provider worked on the call: it fell silent, broke off, or was left waiting."""
    return not isinstance(error, ProviderError) or isinstance(
        error, ProviderTimeoutError | MalformedResponseError | AnswerLostError
    )


def estimate_usage(request: Request) -> Usage:
    """The prompt's tokens by our vocabulary; nothing is said of an answer."""
    return Usage(input_tokens=count_prompt_tokens(request), is_estimated=True)


def estimate_cost_usd(call: Call) -> Decimal | None:
    """The most that the call is likely to cost: its prompt with a margin, its answer in full."""
    usage = Usage(
        input_tokens=int(count_prompt_tokens(call.request) * RESERVE_MARGIN) + 1,
        output_tokens=call.request.max_tokens or DEFAULT_MAX_TOKENS,
    )
    return call.price.cost_usd(usage)

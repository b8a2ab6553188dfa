"""What calls cost: dated prices per class of tokens, from genai-prices or the configuration.

Prices are USD per million tokens. An unknown price is None and never 0; a local model's is 0 and
says so. genai-prices brings its table in the wheel, so nothing here uses the network; it is
imported at the first price that is asked for (about 0.4 s).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from koderz.config.settings import PriceSettings
from koderz.models.catalogue import get_default_catalogue
from koderz.types import ModelInfo, Rates, Tier, Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo as PricedModel

FREE = Rates(input=Decimal(0), cache_read=Decimal(0), cache_write=Decimal(0), output=Decimal(0))

# Prices that change within a day do so on the half hour.
PRICE_PERIOD_S = 1800

# In the price table these mark another bill than a plain call's: batches, fine-tunes, fast lanes.
VARIANT_MARKS = (":", "-fast")
_BATCH = {"processing": "batch"}


class LongPromptRates(msgspec.Struct, frozen=True, kw_only=True):
    """Rates of the whole call where its prompt has more than `above_tokens`."""

    above_tokens: int
    rates: Rates


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """A model's price: usual `rates`, those of long prompts, the day they held, and their source.

    `as_of` is the day (ISO, UTC) for which a dated price was looked up; `source` is
    "genai-prices 0.2.3", "configuration", "local model: free" or "unknown".
    """

    rates: Rates
    long_prompts: tuple[LongPromptRates, ...] = ()
    as_of: str
    source: str

    def rates_for(self, usage: Usage) -> Rates:
        """The rates that a call with this usage is charged.

        A long prompt's rates hold for all of the call's tokens, not for those above the limit
        alone. Where no rate for a cache is known, input's is used: for reads it is the most that
        they can cost, for writes the providers that state none charge as for input.
        """
        rates = self.rates
        for long_prompt in self.long_prompts:
            if usage.prompt_tokens > long_prompt.above_tokens:
                rates = long_prompt.rates
        return Rates(
            input=rates.input,
            cache_read=rates.input if rates.cache_read is None else rates.cache_read,
            cache_write=rates.input if rates.cache_write is None else rates.cache_write,
            output=rates.output,
        )

    def cost_usd(self, usage: Usage) -> Decimal | None:
        """The exact cost of a call, None where a class that has tokens has no known rate."""
        rates = self.rates_for(usage)
        total = Decimal(0)
        for tokens, rate in (
            (usage.input_tokens, rates.input),
            (usage.cache_read_tokens, rates.cache_read),
            (usage.cache_write_tokens, rates.cache_write),
            (usage.output_tokens, rates.output),
        ):
            if tokens and rate is None:
                return None
            total += tokens * (rate or Decimal(0))
        return total.scaleb(-6)


class PriceBook:
    """Prices by model; those of the configuration win over genai-prices'.

    `overrides` are by a model's name as it is asked for, its provider's name for it, or both as
    `provider/name`. `clock` tells the time for which dated prices are taken.
    """

    def __init__(
        self,
        overrides: Mapping[str, PriceSettings] | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._overrides = dict(overrides or {})
        self._clock = clock
        self._known: dict[tuple[str, str, str, int, bool], Price] = {}

    def get_price(self, model: ModelInfo) -> Price:
        """A model's price in force now; its rates are None where nobody knows it."""
        return self._get(model, self._clock(), is_batch=False)

    def get_batch_price(self, model: ModelInfo, at: datetime | None = None) -> Price:
        """What a request in a batch of its provider's costs at that time (None: now).

        As the price table states it, else half of the plain price, as both providers say:
        https://platform.claude.com/docs/en/build-with-claude/batch-processing and
        https://platform.openai.com/docs/guides/batch.
        """
        return self._get(model, at or self._clock(), is_batch=True)

    def _get(self, model: ModelInfo, at: datetime, *, is_batch: bool) -> Price:
        period = int(at.timestamp()) // PRICE_PERIOD_S
        key = (model.name, model.provider, model.api_name, period, is_batch)
        if key not in self._known:
            self._known[key] = self._resolve(model, at, is_batch=is_batch)
        return self._known[key]

    def _resolve(self, model: ModelInfo, at: datetime, *, is_batch: bool) -> Price:
        price = _look_up(model, at)
        for name in (model.name, f"{model.provider}/{model.api_name}", model.api_name):
            if override := self._overrides.get(name):
                price = _override(price, override)
                return _halve(price) if is_batch else price
        return _look_up_batch(model, at, price) if is_batch else price


@cache
def get_default_prices() -> PriceBook:
    """The prices without a person's own."""
    return PriceBook()


def is_cheaper(price: Price, than: Price) -> bool | None:
    """Whether no usual rate is dearer and one is cheaper; None where a price is unknown."""
    pairs = [(price.rates.input, than.rates.input), (price.rates.output, than.rates.output)]
    known = [(ours, theirs) for ours, theirs in pairs if ours is not None and theirs is not None]
    if len(known) < len(pairs):
        return None
    return all(ours <= theirs for ours, theirs in known) and any(
        ours < theirs for ours, theirs in known
    )


def list_priced_names(provider_id: str) -> tuple[str, ...]:
    """The names of a provider's models that have a price of their own for plain calls."""
    provider = get_default_catalogue().providers.get(provider_id)
    if provider is None or not provider.prices_id:
        return ()
    from genai_prices.data_snapshot import get_snapshot

    priced = (entry for entry in get_snapshot().providers if entry.id == provider.prices_id)
    return tuple(
        model.id
        for entry in priced
        for model in entry.models
        if not model.deprecated and not any(mark in model.id for mark in VARIANT_MARKS)
    )


def _look_up(model: ModelInfo, now: datetime) -> Price:
    day = now.astimezone(UTC).date().isoformat()
    if model.tier is Tier.LOCAL and not _runs_elsewhere(model):
        return Price(rates=FREE, as_of=day, source="local model: free")
    priced = _find_priced(model)
    if priced is None:
        return Price(rates=Rates(), as_of=day, source="unknown")
    return _build_price(priced.get_prices(now), day)


def _look_up_batch(model: ModelInfo, at: datetime, plain: Price) -> Price:
    """The table's own price for batches where it has one then, else half of the plain price."""
    priced = None if model.tier is Tier.LOCAL else _find_priced(model)
    for variant in (priced and priced.price_variants) or ():
        is_due = variant.constraint is None or variant.constraint.active(at)
        if priced and is_due and variant.when == _BATCH:
            price = _build_price(priced.get_prices(at, _BATCH), plain.as_of)
            return msgspec.structs.replace(price, source=f"{price.source}, batches")
    return _halve(plain)


def _halve(price: Price) -> Price:
    if price.rates == Rates():
        return price
    return Price(
        rates=_halve_rates(price.rates),
        long_prompts=tuple(
            msgspec.structs.replace(each, rates=_halve_rates(each.rates))
            for each in price.long_prompts
        ),
        as_of=price.as_of,
        source=f"half of {price.source}",
    )


def _halve_rates(rates: Rates) -> Rates:
    halves = (None if rate is None else rate / 2 for rate in msgspec.structs.astuple(rates))
    return Rates(**dict(zip(Rates.__struct_fields__, halves, strict=True)))


def _build_price(amounts: Any, day: str) -> Price:
    limits = sorted({tier.start for part in _get_parts(amounts) for tier in _get_tiers(part)})
    rates = _build_rates(amounts, 0)
    if rates == Rates():
        return Price(rates=rates, as_of=day, source="unknown")
    return Price(
        rates=rates,
        long_prompts=tuple(
            LongPromptRates(above_tokens=limit, rates=_build_rates(amounts, limit + 1))
            for limit in limits
        ),
        as_of=day,
        source=f"genai-prices {_get_version()}",
    )


def _runs_elsewhere(model: ModelInfo) -> bool:
    """Whether a local Ollama passes the model on to its maker's servers, which charge."""
    return model.provider == "ollama" and model.api_name.endswith(("-cloud", ":cloud"))


def _find_priced(model: ModelInfo) -> PricedModel | None:
    provider = get_default_catalogue().providers.get(model.provider)
    if provider is None or not provider.prices_id:
        return None
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, priced = get_snapshot().find_provider_model(
            model.api_name, None, provider.prices_id, None
        )
    except LookupError:
        return None
    return priced


def _get_parts(amounts: Any) -> tuple[Any, ...]:
    return (
        amounts.input_mtok,
        amounts.cache_read_mtok,
        amounts.cache_write_mtok,
        amounts.output_mtok,
    )


def _get_tiers(part: Any) -> Iterable[Any]:
    return getattr(part, "tiers", ())


def _build_rates(amounts: Any, prompt_tokens: int) -> Rates:
    parts = (_get_rate(part, prompt_tokens) for part in _get_parts(amounts))
    return Rates(**dict(zip(("input", "cache_read", "cache_write", "output"), parts, strict=True)))


def _get_rate(part: Any, prompt_tokens: int) -> Decimal | None:
    """One class's rate at a prompt's length: a plain amount, or the last step passed."""
    if part is None or isinstance(part, Decimal):
        return part
    rate: Decimal = part.base
    for tier in part.tiers:
        if prompt_tokens > tier.start:
            rate = tier.price
    return rate


def _override(price: Price, own: PriceSettings) -> Price:
    """A price with a person's own rates; own input or output also ends the long prompts' rates.

    A cache's rate that is not set goes with the input rate that is.
    """
    has_own_input = own.input is not None
    usual = price.rates
    return Price(
        rates=Rates(
            input=own.input if has_own_input else usual.input,
            cache_read=_choose(own.cache_read, None if has_own_input else usual.cache_read),
            cache_write=_choose(own.cache_write, None if has_own_input else usual.cache_write),
            output=_choose(own.output, usual.output),
        ),
        as_of=price.as_of,
        source="configuration",
    )


def _choose(own: Decimal | None, usual: Decimal | None) -> Decimal | None:
    return usual if own is None else own


@cache
def _get_version() -> str:
    from importlib.metadata import version

    return version("genai-prices")

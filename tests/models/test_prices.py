"""Prices are dated, exact, never guessed, and a person's own win."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.config.settings import PriceSettings
from koderz.models.prices import PriceBook, is_cheaper
from koderz.models.registry import get_model_info, list_models
from koderz.types import ModelInfo, Rates, Tier, Usage


def get_model(name: str) -> ModelInfo:
    model = get_model_info(name)
    assert model is not None
    return model


@pytest.mark.parametrize(
    ("name", "rate_in", "rate_out"),
    [
        ("gpt-4o-mini", "0.15", "0.60"),
        ("gpt-4o", "2.50", "10.00"),
        ("gpt-4o-2024-08-06", "2.50", "10.00"),
        ("openai/gpt-4o-mini", "0.15", "0.60"),
        ("claude-opus-4-5", "5", "25"),
        ("claude-3-5-haiku-20241022", "0.8", "4"),
        ("openrouter/anthropic/claude-haiku-5.5", "0.1", "0.5"),
    ],
)
def test_known_models_have_their_price(name: str, rate_in: str, rate_out: str) -> None:
    price = PriceBook().get_price(get_model(name))
    assert (price.rates.input, price.rates.output) == (Decimal(rate_in), Decimal(rate_out))
    assert price.source.startswith("genai-prices ")
    assert price.as_of == datetime.now(UTC).date().isoformat()


def test_classes_are_charged_at_their_own_rates() -> None:
    price = PriceBook().get_price(get_model("claude-opus-4-5"))
    usage = Usage(
        input_tokens=1_000_000,
        cache_read_tokens=1_000_000,
        cache_write_tokens=1_000_000,
        output_tokens=1_000_000,
        reasoning_tokens=400_000,
    )
    assert price.cost_usd(usage) == Decimal(5) + Decimal("0.5") + Decimal("6.25") + Decimal(25)


def test_small_amounts_are_exact() -> None:
    price = PriceBook().get_price(get_model("gpt-4o-mini"))
    assert price.cost_usd(Usage(input_tokens=1, output_tokens=1)) == Decimal("0.00000075")
    assert price.cost_usd(Usage()) == 0


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_costs_add_up(first: int, second: int, out: int) -> None:
    price = PriceBook().get_price(get_model("gpt-4o"))
    costs = [
        price.cost_usd(Usage(input_tokens=tokens, output_tokens=out)) for tokens in (first, second)
    ]
    together = price.cost_usd(Usage(input_tokens=first + second, output_tokens=2 * out))
    assert sum(cost for cost in costs if cost is not None) == together


def test_a_long_prompt_is_dearer_in_all_its_tokens() -> None:
    price = PriceBook().get_price(get_model("claude-haiku-5-5"))
    at = Usage(input_tokens=90_000, cache_read_tokens=10_000, output_tokens=1000)
    above = Usage(input_tokens=90_001, cache_read_tokens=10_000, output_tokens=1000)
    assert price.rates_for(at).output == Decimal("0.5")
    assert price.rates_for(above) == Rates(
        input=Decimal("0.5"),
        cache_read=Decimal("0.05"),
        cache_write=Decimal("0.625"),
        output=Decimal("2.5"),
    )
    assert price.cost_usd(above) == Decimal(
        90_001 * 5 * 10**5 + 10_000 * 5 * 10**4 + 1000 * 25 * 10**5
    ).scaleb(-12)


def test_dated_prices_are_those_of_their_day() -> None:
    model = get_model("openai/o3")
    before = PriceBook(clock=lambda: datetime(2025, 6, 9, tzinfo=UTC)).get_price(model)
    after = PriceBook(clock=lambda: datetime(2025, 6, 11, tzinfo=UTC)).get_price(model)
    assert (before.rates.input, before.as_of) == (Decimal(10), "2025-06-09")
    assert (after.rates.input, after.as_of) == (Decimal(2), "2025-06-11")


def test_a_long_life_sees_the_prices_change() -> None:
    days = [datetime(2025, 6, 9, tzinfo=UTC)]
    prices = PriceBook(clock=lambda: days[-1])
    assert prices.get_price(get_model("o3")).rates.input == 10
    days.append(datetime(2025, 6, 11, tzinfo=UTC))
    assert prices.get_price(get_model("o3")).rates.input == 2


@pytest.mark.parametrize(
    "name", ["openai/gpt-99", "anthropic/claude-opus-99", "openrouter/deepseek/deepseek-r1:free"]
)
def test_an_unknown_price_is_none_and_never_zero(name: str) -> None:
    price = PriceBook().get_price(get_model(name))
    assert price.rates == Rates()
    assert price.source == "unknown"
    assert price.cost_usd(Usage(input_tokens=1)) is None
    assert price.cost_usd(Usage(output_tokens=1)) is None


@pytest.mark.parametrize("name", ["codellama:70b", "ollama/phi", "lmstudio/x", "vllm/y"])
def test_a_local_model_is_free_and_says_so(name: str) -> None:
    price = PriceBook().get_price(get_model(name))
    assert price.source == "local model: free"
    assert price.cost_usd(Usage(input_tokens=10**9, output_tokens=10**9)) == 0


@pytest.mark.parametrize("name", ["gpt-oss:120b-cloud", "glm-5.3:cloud"])
def test_a_local_server_that_passes_a_model_on_is_not_free(name: str) -> None:
    assert PriceBook().get_price(get_model(name)).rates == Rates()


def test_a_cache_without_a_rate_costs_what_input_costs() -> None:
    price = PriceBook().get_price(get_model("gpt-4-turbo"))
    assert price.rates.cache_read is None
    cost = price.cost_usd(Usage(cache_read_tokens=1_000_000, cache_write_tokens=1_000_000))
    assert cost == 2 * Decimal(10)
    assert price.rates_for(Usage()).cache_read == price.rates.input


@pytest.mark.parametrize("key", ["openai/gpt-4o", "gpt-4o"])
def test_own_prices_win(key: str) -> None:
    own = PriceSettings(input=Decimal(1), output=Decimal(2))
    price = PriceBook({key: own}).get_price(get_model("openai/gpt-4o"))
    assert price.rates == Rates(input=Decimal(1), output=Decimal(2))
    assert price.source == "configuration"
    assert price.cost_usd(Usage(cache_read_tokens=1_000_000)) == 1


def test_one_own_rate_leaves_the_others_as_they_are() -> None:
    prices = PriceBook({"gpt-4o": PriceSettings(output=Decimal(7))})
    rates = prices.get_price(get_model("gpt-4o")).rates
    assert rates == Rates(input=Decimal("2.5"), cache_read=Decimal("1.25"), output=Decimal(7))


def test_own_prices_of_an_unknown_model_make_it_known() -> None:
    own = {"openai/gpt-99": PriceSettings(input=Decimal(3))}
    price = PriceBook(own).get_price(get_model("openai/gpt-99"))
    assert price.cost_usd(Usage(input_tokens=1_000_000)) == 3
    assert price.cost_usd(Usage(input_tokens=1, output_tokens=1)) is None


def test_small_models_are_cheaper_than_their_makers_dearest() -> None:
    prices = PriceBook()
    assert is_cheaper(
        prices.get_price(get_model("gpt-4o-mini")), prices.get_price(get_model("gpt-4o"))
    )
    assert not is_cheaper(
        prices.get_price(get_model("gpt-4o")), prices.get_price(get_model("gpt-4o"))
    )
    assert (
        is_cheaper(prices.get_price(get_model("openai/gpt-99")), prices.get_price(get_model("o3")))
        is None
    )


def test_the_catalogues_current_models_are_priced() -> None:
    prices = PriceBook()
    unpriced = {
        model.name
        for model in list_models()
        if model.tier is not Tier.LOCAL and prices.get_price(model).rates.input is None
    }
    assert unpriced <= {"gpt-6.2-astra", "gpt-6.2-sol"}


@pytest.mark.parametrize("name", ["claude-haiku-4-5", "claude-sonnet-4-5", "gpt-5-mini"])
def test_a_batch_costs_half_by_the_price_table(name: str) -> None:
    book, model = PriceBook(), get_model(name)
    plain, batch = book.get_price(model), book.get_batch_price(model)
    usage = Usage(input_tokens=1001, cache_read_tokens=77, output_tokens=333)
    cost = plain.cost_usd(usage)
    assert cost is not None
    assert batch.cost_usd(usage) == cost / 2
    assert batch.source.endswith(", batches")
    assert batch.as_of == plain.as_of


def test_a_batchs_price_is_that_of_its_day() -> None:
    early = datetime(2026, 10, 1, tzinfo=UTC)
    price = PriceBook().get_batch_price(get_model("claude-haiku-4-5"), early)
    assert (price.as_of, price.rates.input) == ("2026-10-01", Decimal("0.5"))
    assert price.source.startswith("half of genai-prices"), "the table has batches only later"


def test_a_persons_own_price_is_halved_for_a_batch_and_an_unknown_one_stays_unknown() -> None:
    own = PriceBook({"gpt-4o-mini": PriceSettings(input=Decimal(1), output=Decimal(4))})
    price = own.get_batch_price(get_model("gpt-4o-mini"))
    assert (price.rates.input, price.rates.output) == (Decimal("0.5"), Decimal(2))
    assert price.source == "half of configuration"
    unknown = PriceBook().get_batch_price(get_model("openai/gpt-never-was"))
    assert (unknown.rates, unknown.source) == (Rates(), "unknown")
    assert unknown.cost_usd(Usage(input_tokens=1)) is None

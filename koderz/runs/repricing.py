"""A run's calls at other prices, or as if other models had been asked: sums, and no new call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from koderz.analysis.costs import Sum
from koderz.config.files import load_file
from koderz.config.layers import TableReader, build_settings
from koderz.config.settings import PriceSettings, Settings
from koderz.errors import ConfigError
from koderz.ledger.records import Attempt
from koderz.models.prices import Price, PriceBook
from koderz.models.registry import get_known_model, get_model_info
from koderz.reports.values import Money, RunReport
from koderz.types import ModelInfo

CONFIGURED: Final = "configuration"


class PriceFile(msgspec.Struct, frozen=True, kw_only=True):
    """Prices by model, as a file states them, and what in it is not understood."""

    prices: Mapping[str, PriceSettings]
    warnings: tuple[str, ...] = ()


class Repriced(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's cost as it was and as it would be; money is USD, None where nothing says.

    `as_billed` and `repriced` are all that was spent, `per_problem` and `per_solved` of judged
    experiments.
    """

    strategy: str
    judged: int
    solved: int
    as_billed: Sum
    repriced: Sum
    as_billed_per_problem: Money | None
    repriced_per_problem: Money | None
    as_billed_per_solved: Money | None
    repriced_per_solved: Money | None

    @property
    def factor(self) -> Decimal | None:
        """The new cost over the old one; None where either is not known or nothing was paid."""
        is_known = not (self.as_billed.unknown_calls or self.repriced.unknown_calls)
        if not is_known or not self.as_billed.cost_usd:
            return None
        return self.repriced.cost_usd / self.as_billed.cost_usd


class Repricer:
    """Prices calls again; a call that nothing is said about keeps what it cost.

    `prices` stand over the usual ones, for the models that they name; `models` are names of
    models that were asked, each with the one that is reckoned with in its place. Tokens are taken
    as they were counted, by their classes. Raises UnknownModelError.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        prices: Mapping[str, PriceSettings] | None = None,
        models: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._named, self._has_prices = PriceBook(prices), bool(prices)
        self._book = PriceBook({**settings.koderz.prices, **(prices or {})})
        self._replaced = tuple(models or {})
        self._models = {
            self._identify(old): get_known_model(new, self._settings)
            for old, new in (models or {}).items()
        }

    def check(self, asked: Iterable[str]) -> None:
        """Raise ConfigError where something is stated for models, none of which was asked."""
        names = sorted(asked)
        ours = {self._identify(name) for name in names}
        known = f"the run asked {', '.join(names)}"
        for old in self._replaced:
            if self._identify(old) not in ours:
                raise ConfigError(f"{old} was not asked: {known}", key="--model-map")
        has_price = any(
            self._is_named(get_known_model(self.replace(name), self._settings)) for name in names
        )
        if self._has_prices and not has_price:
            raise ConfigError(f"no price is for a model of this run: {known}", key="--prices")

    def reprice(self, attempt: Attempt) -> Attempt:
        """The call as it would have been billed."""
        asked = get_model_info(attempt.model, self._settings)
        if asked is None:
            return attempt
        model = self._models.get(self._identify(attempt.model), asked)
        if model is asked and not self._is_named(asked):
            return attempt
        price = self._get_price(model, attempt)
        return msgspec.structs.replace(
            attempt,
            model=model.name,
            provider=model.provider,
            tier=model.tier,
            rates=price.rates_for(attempt.usage),
            rates_as_of=price.as_of,
            cost_usd=price.cost_usd(attempt.usage),
        )

    def price(self, model: ModelInfo) -> Price:
        """What a model costs at these prices."""
        return self._book.get_price(model)

    def replace(self, name: str) -> str:
        """The model that is reckoned with in this one's place."""
        model = self._models.get(self._identify(name))
        return model.name if model else name

    def _is_named(self, model: ModelInfo) -> bool:
        """Whether the prices that were given name the model."""
        return self._named.get_price(model).source == CONFIGURED

    def _get_price(self, model: ModelInfo, attempt: Attempt) -> Price:
        """What a model costs for such a call: in a batch where that was, and is, the way."""
        if attempt.batch_id:
            return self._book.get_batch_price(model)
        return self._book.get_price(model)

    def _identify(self, name: str) -> tuple[str, str]:
        """One model under all of its names."""
        model = get_known_model(name, self._settings)
        return model.provider, model.api_name


def load_prices(file: Path) -> PriceFile:
    """The prices that a file states as settings do: [koderz.prices."MODEL"]; ConfigError."""
    if not file.exists():
        raise ConfigError("there is no such file", file=str(file))
    found = load_file(file)
    layer = TableReader(str(file), is_foreign=bool(found and found.is_foreign)).read(
        found.document if found else {}
    )
    prices = build_settings(layer.values).koderz.prices
    if not prices:
        raise ConfigError('states no price: write [koderz.prices."MODEL"]', file=str(file))
    return PriceFile(prices=prices, warnings=layer.warnings)


def parse_model_map(text: str) -> dict[str, str]:
    """Models by those they stand in for: "old=new,other=new"; ConfigError."""
    models: dict[str, str] = {}
    for part in text.split(","):
        old, sign, new = (word.strip() for word in part.partition("="))
        if not (sign and old and new):
            raise ConfigError(f"{part.strip()!r} is no pair: write OLD=NEW", key="--model-map")
        if old in models:
            raise ConfigError(f"{old} is named twice", key="--model-map")
        models[old] = new
    return models


def compare_costs(before: RunReport, after: RunReport) -> tuple[Repriced, ...]:
    """Every strategy's cost in two reports of one run."""
    return tuple(
        Repriced(
            strategy=old.strategy,
            judged=old.judged,
            solved=old.solved,
            as_billed=old.cost,
            repriced=new.cost,
            as_billed_per_problem=old.cost_per_problem,
            repriced_per_problem=new.cost_per_problem,
            as_billed_per_solved=old.cost_per_solved,
            repriced_per_solved=new.cost_per_solved,
        )
        for old, new in zip(before.strategies, after.strategies, strict=True)
    )

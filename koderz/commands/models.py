"""`koderz models`: the catalogue with tiers and prices, and what can be reached now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from koderz.commands import console
from koderz.commands.options import ConfigOption, JsonOption
from koderz.types import Tier

if TYPE_CHECKING:
    from koderz.models.inventory import Inventory
    from koderz.models.prices import PriceBook
    from koderz.types import ModelInfo


def models(
    *,
    provider: Annotated[str | None, typer.Option(help="Only this provider's models.")] = None,
    tier: Annotated[Tier | None, typer.Option(help="Only models of this tier.")] = None,
    reachable: Annotated[
        bool, typer.Option("--reachable", help="Only models that can be used now.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the models known, with tier, context, prices and whether they can be used now.

    Examples:

        koderz models --reachable

        koderz models --tier small_frontier --json
    """
    from koderz import compose
    from koderz.models.prices import PriceBook
    from koderz.models.registry import list_models

    loaded = compose.load(config)
    inventory = console.run(compose.fetch_current_inventory(loaded, with_all_servers=True))
    rows = [
        model
        for model in [*list_models(), *_list_installed(inventory)]
        if provider in {None, model.provider}
        and tier in {None, model.tier}
        and (not reachable or is_reachable(model, inventory))
    ]
    prices = PriceBook(loaded.settings.koderz.prices)
    if as_json:
        console.print_json({"models": [build_model(row, prices, inventory) for row in rows]})
    else:
        _print_models(rows, prices, inventory)


def is_reachable(model: ModelInfo, inventory: Inventory) -> bool:
    """Whether a call to the model could be made now: its key is set, or its server has it."""
    if model.tier is Tier.LOCAL:
        return model.api_name in inventory.get_installed(model)
    return model.provider in inventory.providers


def build_model(model: ModelInfo, prices: PriceBook, inventory: Inventory) -> dict[str, Any]:
    """The JSON object of a model; prices are USD per million tokens, null where unknown."""
    price = prices.get_price(model)
    return {
        "name": model.name,
        "provider": model.provider,
        "tier": model.tier,
        "family": model.family,
        "released": model.released or None,
        "context_tokens": model.context_tokens,
        "max_output_tokens": model.max_output_tokens,
        "input_usd_per_mtok": price.rates.input,
        "cache_read_usd_per_mtok": price.rates.cache_read,
        "cache_write_usd_per_mtok": price.rates.cache_write,
        "output_usd_per_mtok": price.rates.output,
        "prices_as_of": price.as_of,
        "prices_from": price.source,
        "reachable": is_reachable(model, inventory),
    }


def _list_installed(inventory: Inventory) -> list[ModelInfo]:
    from koderz.models.registry import get_model_info, list_models

    known = {model.name for model in list_models()}
    names = [f"ollama/{name}" for name in inventory.installed if name not in known]
    names += [f"llamacpp/{name}" for name in inventory.embedded]
    found = [get_model_info(name) for name in names]
    return [model for model in found if model]


def _print_models(rows: list[ModelInfo], prices: PriceBook, inventory: Inventory) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("model", "provider", "tier"):
        table.add_column(heading, overflow="fold")
    for heading in ("context", "in $/M", "out $/M", "now"):
        table.add_column(heading, justify="right")
    for model in rows:
        rates = prices.get_price(model).rates
        table.add_row(
            model.name,
            model.provider,
            model.tier,
            f"{model.context_tokens:,}" if model.context_tokens else "unknown",
            *("unknown" if rate is None else f"{rate:f}" for rate in (rates.input, rates.output)),
            "yes" if is_reachable(model, inventory) else "-",
        )
    console.get_output().print(table)
    if not inventory.providers:
        console.get_notes().print(
            "No key is set and no local server answers: `koderz doctor` says what to do."
        )

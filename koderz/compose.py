"""The one place where the parts are put together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from koderz.config.loading import LoadedSettings, load_settings
from koderz.ledger.store import Ledger, get_ledger_path
from koderz.models.factory import ModelFactory
from koderz.models.inventory import Inventory, fetch_inventory
from koderz.models.prices import PriceBook
from koderz.routing.router import Router


@asynccontextmanager
async def open_router(
    config: str | Path | LoadedSettings | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Router]:
    """A router over everything that these settings reach, closed at the end.

    `config` is a TOML file, or settings already loaded; None looks for one from the working
    directory upwards. `overrides` are settings by dotted name, as arguments of a command are.
    Raises ConfigError for wrong settings and StoreError where the ledger cannot be kept.
    """
    loaded = load(config, overrides=overrides, environ=environ)
    with Ledger(get_ledger_path(loaded.settings)) as ledger:
        async with open_factory(loaded) as factory:
            yield Router(
                settings=loaded.settings,
                factory=factory,
                prices=PriceBook(loaded.settings.koderz.prices),
                ledger=ledger,
                inventory=await fetch_inventory(factory, loaded.settings),
            )


@asynccontextmanager
async def open_factory(loaded: LoadedSettings) -> AsyncIterator[ModelFactory]:
    """A factory of clients for these settings and keys, its connections closed at the end."""
    async with ModelFactory(settings=loaded.settings, environ=loaded.environ) as factory:
        yield factory


async def fetch_current_inventory(
    loaded: LoadedSettings, *, with_all_servers: bool = False
) -> Inventory:
    """What can be reached under these settings, without opening a ledger."""
    async with open_factory(loaded) as factory:
        return await fetch_inventory(factory, loaded.settings, with_all_servers=with_all_servers)


def load(
    config: str | Path | LoadedSettings | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> LoadedSettings:
    """The settings of a file, or those found from the working directory upwards."""
    if isinstance(config, LoadedSettings):
        return config
    return load_settings(
        file=Path(config) if config else None,
        environ=os.environ if environ is None else environ,
        overrides=overrides,
    )

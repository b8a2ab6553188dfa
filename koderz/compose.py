"""The one place where the parts are put together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from koderz.config.loading import LoadedSettings, load_settings
from koderz.ledger.store import Ledger, get_ledger_path
from koderz.models.factory import ModelFactory
from koderz.models.gguf_hub import OnProgress
from koderz.models.inventory import Inventory, fetch_inventory
from koderz.models.prices import PriceBook
from koderz.routing.router import Router

if TYPE_CHECKING:
    from koderz.jobs.compress_context import CompressResult, Source
    from koderz.orchestrator import ExperimentOrchestrator, OnStep
    from koderz.sandbox.opening import Kind


@asynccontextmanager
async def open_router(
    config: str | Path | LoadedSettings | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    on_fetch: OnProgress | None = None,
) -> AsyncIterator[Router]:
    """A router over everything that these settings reach, closed at the end.

    `config` is a TOML file, or settings already loaded; None looks for one from the working
    directory upwards. `overrides` are settings by dotted name, as arguments of a command are.
    `on_fetch` is told of the file of an embedded model that is fetched when it is first used.
    Raises ConfigError for wrong settings and StoreError where the ledger cannot be kept.
    """
    loaded = load(config, overrides=overrides, environ=environ)
    with Ledger(get_ledger_path(loaded.settings)) as ledger:
        async with open_factory(loaded, on_fetch=on_fetch) as factory:
            yield Router(
                settings=loaded.settings,
                factory=factory,
                prices=PriceBook(loaded.settings.koderz.prices),
                ledger=ledger,
                inventory=await fetch_inventory(factory, loaded.settings),
            )


@asynccontextmanager
async def open_orchestrator(
    config: str | Path | LoadedSettings | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    sandbox: Kind = "auto",
    baseline_model: str = "",
    debug_dir: Path | None = None,
    on_step: OnStep = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[ExperimentOrchestrator]:
    """An orchestrator over a router, a sandbox, the store of experiments and the memory.

    `warn` is told what went wrong without ending anything. Raises as `open_router` does, and
    SandboxUnavailableError where programs cannot be run safely.
    """
    from koderz.experiments.jury import open_jury
    from koderz.experiments.store import ExperimentStore, get_store_path
    from koderz.memory.opening import open_memory
    from koderz.orchestrator import ExperimentOrchestrator
    from koderz.sandbox import open_sandbox

    loaded = load(config, environ=environ)
    async with (
        open_sandbox(sandbox) as opened,
        open_jury(opened) as jury,
        open_memory(loaded.settings, warn) as memory,
        open_router(loaded) as router,
    ):
        with ExperimentStore(get_store_path(loaded.settings)) as store:
            yield ExperimentOrchestrator(
                router,
                jury,
                store,
                memory,
                baseline_model=baseline_model,
                debug_dir=debug_dir,
                on_step=on_step,
            )


@asynccontextmanager
async def open_factory(
    loaded: LoadedSettings, *, on_fetch: OnProgress | None = None
) -> AsyncIterator[ModelFactory]:
    """A factory of clients for these settings and keys, its connections closed at the end."""
    async with ModelFactory(
        settings=loaded.settings, environ=loaded.environ, on_fetch=on_fetch
    ) as factory:
        yield factory


async def maybe_compress_context(
    conversation: Source, router: Router | None = None
) -> CompressResult | None:
    """The compressed conversation; None under 20 messages, or where settings switch it off.

    Without a router one is opened for it, over the settings found from the working directory
    upwards. Raises as `CompressContext` and `open_router` do.
    """
    from koderz.jobs.compress_context import compress_if_long, is_long, is_wanted

    if router is not None:
        return await compress_if_long(conversation, router)
    loaded = load()
    if not is_wanted(loaded.settings) or not is_long(conversation):
        return None
    async with open_router(loaded) as opened:
        return await compress_if_long(conversation, opened)


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

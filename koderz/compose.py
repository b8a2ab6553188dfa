"""The one place where the parts are put together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from koderz.config.loading import LoadedSettings, load_settings
from koderz.config.settings import Settings
from koderz.ledger.store import Ledger, get_ledger_path
from koderz.models.factory import ModelFactory
from koderz.models.gguf_hub import OnProgress
from koderz.models.inventory import Inventory, fetch_inventory
from koderz.models.prices import PriceBook
from koderz.quality.samples import SampleStore, get_samples_path
from koderz.routing.questions import ClientSource
from koderz.routing.router import Router
from koderz.routing.sampling import Sampler

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from koderz.experiments.keeping import OnStep
    from koderz.jobs.compress.context import CompressResult, Source
    from koderz.jobs.map.results import MapRow
    from koderz.jobs.map.tally import OnRows
    from koderz.memory.notes import Memory
    from koderz.orchestrator import ExperimentOrchestrator
    from koderz.runs.purses import Purse
    from koderz.runs.running import Runner
    from koderz.runs.values import OnTurn, Performs
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
            inventory = await fetch_inventory(factory, loaded.settings)
            with open_sampler(loaded.settings) as sampler:
                yield build_router(loaded.settings, factory, ledger, inventory, sampler)


def build_router(
    settings: Settings,
    clients: ClientSource,
    ledger: Ledger,
    inventory: Inventory | None = None,
    sampler: Sampler | None = None,
) -> Router:
    """A router over parts that are open already.

    Without an `inventory` every model that is named is taken to be within reach, without a
    `sampler` no answer is kept.
    """
    return Router(
        settings=settings,
        factory=clients,
        prices=PriceBook(settings.koderz.prices),
        ledger=ledger,
        inventory=inventory,
        sampler=sampler,
    )


@contextmanager
def open_sampler(settings: Settings) -> Iterator[Sampler | None]:
    """What keeps a share of the small models' answers; None where the settings keep none."""
    limits = settings.koderz.quality
    if not limits.share:
        yield None
        return
    with SampleStore(get_samples_path(settings), limits) as store:
        yield Sampler(limits.share, store.keep)


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
async def open_performing(
    loaded: LoadedSettings, memory: Memory, *, sandbox: Kind = "auto"
) -> AsyncIterator[Performs]:
    """Who performs experiments in this process: a router and a sandbox that all of them share.

    Raises as `open_router` does, and SandboxUnavailableError where programs cannot be run safely.
    """
    from koderz.experiments.jury import open_jury
    from koderz.runs.values import build_performing
    from koderz.sandbox import open_sandbox

    async with (
        open_sandbox(sandbox) as opened,
        open_jury(opened) as jury,
        open_router(loaded) as router,
    ):
        yield build_performing(router, jury, memory)


@asynccontextmanager
async def open_runner(
    loaded: LoadedSettings,
    run: str,
    open_performing: Callable[[Memory], AbstractAsyncContextManager[Performs]],
    *,
    concurrency: int,
    purse: Purse,
    baseline_model: str = "",
    on_turn: OnTurn = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Runner]:
    """A runner of a run's experiments, which nobody else is at for as long as the context lasts.

    `open_performing` says who performs them, given the memory that they share; `on_turn` is told
    of every turn. Raises as `open_performing` does, ConfigError where another process is at the
    run, and StoreError.
    """
    from koderz.experiments.keeping import Keeper
    from koderz.experiments.store import ExperimentStore, get_store_path
    from koderz.memory.opening import open_memory
    from koderz.runs.reckoning import Reckoner
    from koderz.runs.running import Runner

    settings = loaded.settings
    with ExperimentStore(get_store_path(settings)) as store, store.hold_run(run):
        async with open_memory(settings, warn) as memory, open_performing(memory) as performs:
            yield Runner(
                Keeper(store, memory),
                performs,
                Reckoner(settings, baseline_model=baseline_model),
                concurrency=concurrency,
                purse=purse,
                pause_s=settings.koderz.routing.breaker_cooldown_s,
                on_turn=on_turn,
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
    """The compressed conversation; None under `[koderz.compress] min_messages`, or switched off.

    Without a router one is opened for it, over the settings found from the working directory
    upwards. Raises as `CompressContext` and `open_router` do.
    """
    from koderz.jobs.compress.context import compress_if_long, is_long, is_wanted

    if router is not None:
        return await compress_if_long(conversation, router)
    loaded = load()
    if not is_wanted(loaded.settings) or not is_long(conversation, loaded.settings):
        return None
    async with open_router(loaded) as opened:
        return await compress_if_long(conversation, opened)


async def process_items_batch(
    items: Iterable[object],
    prompt: str,
    *,
    schema: Mapping[str, Any] | None = None,
    router: Router | None = None,
    max_concurrency: int | None = None,
    pack: int = 1,
    max_usd: Decimal | None = None,
    on_rows: OnRows | None = None,
) -> tuple[MapRow, ...]:
    """A row for every item, in order: its `value`, or its `error` where it got no answer.

    Items are texts, which `{item}` in the prompt stands for, or mappings of fields by name. Values
    are texts, or what `schema`, a JSON schema, asks for. `on_rows` is told of rows as they are
    known. Without a router one is opened for it, over the settings found from the working
    directory upwards. Raises as `MapItems` and `open_router` do.
    """
    from koderz.extract.lists import build_list
    from koderz.jobs.map.items import MapItems

    listed = build_list(items)
    if not listed:
        return ()
    job = MapItems(
        items=listed,
        prompt=prompt,
        schema=schema,
        max_concurrency=max_concurrency,
        pack=pack,
        max_usd=max_usd,
        on_rows=on_rows,
    )
    if router is not None:
        return (await router.perform(job)).items
    limit = {"koderz.routing.side_concurrency": max_concurrency} if max_concurrency else {}
    async with open_router(overrides=limit) as opened:
        return (await opened.perform(job)).items


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

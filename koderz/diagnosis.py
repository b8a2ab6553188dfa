"""What is here, what is missing, and what to do about it."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Iterable
from importlib.metadata import version
from typing import Literal

import msgspec

from koderz import compose
from koderz._version import __version__
from koderz.config.loading import LoadedSettings
from koderz.errors import KoderzError, SandboxUnavailableError
from koderz.ledger.store import Ledger, get_ledger_path
from koderz.models.factory import ModelFactory
from koderz.models.inventory import Server, fetch_server
from koderz.models.local_names import EMBEDDED
from koderz.models.registry import list_providers
from koderz.quality.samples import SampleStore, get_samples_path
from koderz.quality.scores import load_quality
from koderz.sandbox import probe_layers
from koderz.tokens import VOCABULARY, count_tokens
from koderz.types import ProviderInfo

State = Literal["ok", "absent", "problem"]

PARTS = ("aiohttp", "genai-prices", "msgspec", "rich", "splintr-rs", "stamina", "typer")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at: "absent" is fine unless it is wanted, a "problem" needs mending."""

    area: str
    name: str
    state: State
    detail: str
    next: str = ""


async def diagnose(loaded: LoadedSettings) -> tuple[Finding, ...]:
    """Everything that Koderz depends on here, each with what to do where it is not well."""
    async with compose.open_factory(loaded) as factory:
        providers = list_providers(loaded.settings)
        local = [provider for provider in providers if provider.is_local]
        servers = await asyncio.gather(*(fetch_server(factory, provider) for provider in local))
        keys = [_find_key(provider, factory) for provider in providers if not provider.is_local]
    return (
        *_find_versions(),
        *_find_settings(loaded),
        *keys,
        *(_find_server(server) for server in servers),
        *await asyncio.to_thread(_find_sandbox),
        _find_ledger(loaded),
        *_find_quality(loaded),
    )


def _find_versions() -> Iterable[Finding]:
    yield Finding(
        area="versions",
        name="koderz",
        state="ok",
        detail=f"{__version__} on Python {platform.python_version()}, {platform.system()}",
    )
    parts = ", ".join(f"{part} {version(part)}" for part in PARTS)
    yield Finding(area="versions", name="parts", state="ok", detail=parts)
    try:
        count_tokens("one")
    except (ImportError, OSError, ValueError) as error:
        yield Finding(
            area="versions",
            name="tokens",
            state="problem",
            detail=str(error),
            next="install the tokenizer again: pip install --force-reinstall splintr-rs",
        )
    else:
        yield Finding(area="versions", name="tokens", state="ok", detail=f"{VOCABULARY}, offline")


def _find_settings(loaded: LoadedSettings) -> Iterable[Finding]:
    files = ", ".join(str(file) for file in loaded.files)
    yield Finding(
        area="settings",
        name="files",
        state="ok" if files else "absent",
        detail=files or "none found: the defaults apply",
        next="" if files else "`koderz config init` writes a commented one",
    )
    for warning in loaded.warnings:
        what_next = "`koderz config check` lists them all"
        yield Finding(
            area="settings", name="warning", state="problem", detail=warning, next=what_next
        )


def _find_key(provider: ProviderInfo, factory: ModelFactory) -> Finding:
    is_set = factory.has_key(provider.id)
    names = " or ".join(provider.key_vars)
    return Finding(
        area="keys",
        name=provider.title,
        state="ok" if is_set else "absent",
        detail=f"{names} is set" if is_set else f"{names} is not set",
        next="" if is_set else f"set {provider.key_vars[0]} to use {provider.title}",
    )


def _find_server(server: Server) -> Finding:
    title = server.provider.title
    if server.provider.id == EMBEDDED and not server.provider.base_url:
        return _find_embedded(server)
    if not server.is_up:
        what_next = f"start {title}, or set {server.provider.base_url_var} to where it is"
        return Finding(
            area="servers", name=title, state="absent", detail="does not answer", next=what_next
        )
    names = ", ".join(sorted(server.models)[:5]) or "no model installed"
    detail = f"answers at {server.provider.base_url}: {len(server.models)} models ({names})"
    return Finding(
        area="servers",
        name=title,
        state="ok" if server.models else "absent",
        detail=detail,
        next="" if server.models else "install a model, for example: ollama pull qwen2.5-coder:7b",
    )


def _find_embedded(server: Server) -> Finding:
    """The models inside Koderz, which need no server: a part of it and a file."""
    names = ", ".join(sorted(server.models)[:5])
    what_next = "" if server.models else "`koderz local list` offers models to fetch"
    if not server.is_up:
        what_next = "pip install 'koderz[local]' runs models with no server at all"
    detail = f"{len(server.models)} models ({names})" if names else "no model is here"
    return Finding(
        area="servers",
        name=server.provider.title,
        state="ok" if server.models else "absent",
        detail=detail if server.is_up else server.reason,
        next=what_next,
    )


def _find_sandbox() -> list[Finding]:
    """The layers that keep untrusted code in, each tried for real."""
    try:
        layers = probe_layers()
    except SandboxUnavailableError as error:
        what_next = "see docs/sandbox.md"
        return [
            Finding(
                area="sandbox", name="server", state="absent", detail=str(error), next=what_next
            )
        ]
    return [
        Finding(
            area="sandbox",
            name=layer.name,
            state="ok" if layer.is_on else "absent",
            detail="on" if layer.is_on else f"off: {layer.reason}",
            next=layer.missing,
        )
        for layer in layers
    ]


def _find_ledger(loaded: LoadedSettings) -> Finding:
    path = get_ledger_path(loaded.settings)
    try:
        with Ledger(path) as ledger:
            ledger.check_writable()
    except KoderzError as error:
        what_next = "set [koderz.ledger] path to a file that can be written"
        return Finding(
            area="ledger", name="store", state="problem", detail=str(error), next=what_next
        )
    return Finding(area="ledger", name="store", state="ok", detail=f"{path} can be written")


def _find_quality(loaded: LoadedSettings) -> Iterable[Finding]:
    """What is kept to be measured, and models that are worse than they were calibrated on."""
    settings = loaded.settings
    try:
        with SampleStore(get_samples_path(settings), settings.koderz.quality) as store:
            kept, size_bytes = store.count()
        drifts = load_quality(get_ledger_path(settings)).drifts
    except KoderzError as error:
        what_next = "set [koderz.quality] path to a file that can be written"
        yield Finding(
            area="quality", name="kept answers", state="problem", detail=str(error), next=what_next
        )
        return
    share = settings.koderz.quality.share
    yield Finding(
        area="quality",
        name="kept answers",
        state="ok" if share else "absent",
        detail=f"{kept:,} in {size_bytes / 1024:,.0f} KB; {share:.1%} of small models' answers are",
        next="`koderz quality` measures them" if kept else "",
    )
    for drift in drifts:
        yield Finding(
            area="quality", name="drift", state="problem", detail=drift.sentence, next=drift.next
        )

"""What can be reached now: keys in the environment, servers that answer, models installed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from koderz.config.settings import Settings
from koderz.errors import KoderzError
from koderz.models.factory import ModelFactory
from koderz.models.ollama_client import OllamaClient
from koderz.models.registry import get_provider, list_providers
from koderz.types import ProviderInfo


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """Providers with a key or a server, and the models of a local server with their bytes."""

    providers: frozenset[str] = frozenset()
    installed: Mapping[str, int] = {}


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A local server: its models (bytes where it says) or the reason why it is not there."""

    provider: ProviderInfo
    models: Mapping[str, int] = {}
    reason: str = ""

    @property
    def is_up(self) -> bool:
        """Whether it answers."""
        return not self.reason


def get_keyed_providers(factory: ModelFactory, settings: Settings) -> frozenset[str]:
    """The providers elsewhere that can be used: their key is set, or they need none."""
    return frozenset(
        provider.id
        for provider in list_providers(settings)
        if not provider.is_local and factory.has_key(provider.id)
    )


async def fetch_inventory(
    factory: ModelFactory, settings: Settings, *, with_all_servers: bool = False
) -> Inventory:
    """What can be reached; of the local servers, only those that these settings could use."""
    keyed = get_keyed_providers(factory, settings)
    local = [provider for provider in list_providers(settings) if provider.is_local]
    used = _get_used_servers(settings, has_key=bool(keyed))
    wanted = [provider for provider in local if with_all_servers or provider.id in used]
    servers = await asyncio.gather(*(fetch_server(factory, provider) for provider in wanted))
    up = [server for server in servers if server.is_up]
    installed = {
        name: size
        for server in up
        if server.provider.id == "ollama"
        for name, size in server.models.items()
    }
    return Inventory(providers=keyed | {server.provider.id for server in up}, installed=installed)


async def fetch_server(factory: ModelFactory, provider: ProviderInfo) -> Server:
    """Whether a local server answers, and with which models."""
    client = factory.get_provider_client(provider.id)
    try:
        if isinstance(client, OllamaClient):
            models: Mapping[str, int] = await client.fetch_installed()
        else:
            models = dict.fromkeys(await client.fetch_models(), 0)
    except KoderzError as error:
        return Server(provider=client.provider, reason=str(error))
    return Server(provider=client.provider, models=models)


def _get_used_servers(settings: Settings, *, has_key: bool) -> set[str]:
    agent = settings.agent
    named = [
        agent.default_model,
        agent.small_model.model,
        *(task.model for task in agent.small_model.tasks.values()),
    ]
    ids = {get_provider(name, settings) for name in named if name}
    if not agent.default_model and not has_key:
        ids.add("ollama")
    return ids

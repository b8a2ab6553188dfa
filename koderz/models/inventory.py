"""What can be reached now: keys in the environment, servers that answer, models installed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from koderz.config.settings import Settings
from koderz.errors import KoderzError
from koderz.models.factory import ModelFactory
from koderz.models.gguf import measure_parts
from koderz.models.gguf_plan import get_room
from koderz.models.local_models import get_model_path
from koderz.models.local_names import EMBEDDED
from koderz.models.machine import measure_machine
from koderz.models.registry import get_model_info, get_provider, list_providers
from koderz.types import ModelInfo, ProviderInfo


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """Providers with a key or a server, and the models on this machine with their bytes.

    `installed` are those of Ollama; `embedded` the files for models inside Koderz that fit the
    memory, by their names behind `llamacpp/`.
    """

    providers: frozenset[str] = frozenset()
    installed: Mapping[str, int] = {}
    embedded: Mapping[str, int] = {}

    def get_installed(self, main: ModelInfo) -> Mapping[str, int]:
        """The models among which a sibling of a local main model is sought."""
        return self.embedded if main.provider == EMBEDDED else self.installed


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
    up = {server.provider.id: server.models for server in servers if server.is_up}
    files = {**up.get(EMBEDDED, {}), **_load_named(settings)}
    if EMBEDDED in up and not files and EMBEDDED not in _get_named_providers(settings):
        del up[EMBEDDED]  # It could run, and has nothing to run.
    return Inventory(
        providers=keyed | set(up),
        installed=up.get("ollama", {}),
        embedded=_keep_fitting(files, settings) if EMBEDDED in up else {},
    )


async def fetch_server(factory: ModelFactory, provider: ProviderInfo) -> Server:
    """Whether a local server answers, and with which models."""
    client = factory.get_provider_client(provider.id)
    try:
        models = await client.fetch_installed()
    except KoderzError as error:
        return Server(provider=client.provider, reason=str(error))
    return Server(provider=client.provider, models=models)


def _get_used_servers(settings: Settings, *, has_key: bool) -> set[str]:
    ids = _get_named_providers(settings)
    if not settings.agent.default_model and not has_key:
        ids |= {"ollama", EMBEDDED}
    return ids


def _get_named_providers(settings: Settings) -> set[str]:
    return {get_provider(name, settings) for name in _list_named(settings)}


def _list_named(settings: Settings) -> list[str]:
    """The models that the settings name."""
    agent = settings.agent
    tasks = agent.small_model.tasks.values()
    named = [agent.default_model, agent.small_model.model, *(task.model for task in tasks)]
    return [name for name in named if name]


def _load_named(settings: Settings) -> dict[str, int]:
    """The files elsewhere than in the models' folder that the settings name, with their bytes."""
    models = (get_model_info(name, settings) for name in _list_named(settings))
    names = [model.api_name for model in models if model and model.provider == EMBEDDED]
    paths = {name: get_model_path(name, settings) for name in names}
    return {name: measure_parts(path) for name, path in paths.items() if path.is_file()}


def _keep_fitting(models: Mapping[str, int], settings: Settings) -> Mapping[str, int]:
    """The models whose weights fit the memory; else the smallest, whose refusal says what lacks."""
    room_bytes = get_room(measure_machine(), settings.koderz.local)
    fitting = {name: size for name, size in models.items() if size <= room_bytes}
    if fitting or not models:
        return fitting
    smallest = min(models, key=lambda name: (models[name], name))
    return {smallest: models[smallest]}

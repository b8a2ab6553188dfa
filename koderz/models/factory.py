"""From a model's name to the client that can ask it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import msgspec

from koderz.config.settings import Settings
from koderz.errors import ConfigError, MissingAPIKeyError, UnknownModelError
from koderz.models.anthropic_client import FrontierClient
from koderz.models.base import ModelClient
from koderz.models.gemini_client import GeminiClient
from koderz.models.gguf_hub import OnProgress
from koderz.models.local_names import EMBEDDED
from koderz.models.ollama_client import OllamaClient
from koderz.models.openai_client import OpenAIClient
from koderz.models.registry import UNKNOWN, get_close_matches, get_provider, get_provider_info
from koderz.models.transport import Transport
from koderz.types import ProviderInfo

if TYPE_CHECKING:
    from koderz.models.batches import BatchClient

CLIENTS: Mapping[str, type[ModelClient]] = {
    "anthropic": FrontierClient,
    "gemini": GeminiClient,
    "ollama": OllamaClient,
    "openai": OpenAIClient,
}
OLLAMA_PORT = 11434
ALL_INTERFACES = "0.0.0.0"  # noqa: S104 - a server's word for all; a client asks this machine.


class ModelFactory:
    """Gives the client for a model's name: one a provider, all over one transport.

    `on_fetch` is told of a model's file that is fetched because it is used and not here.
    Keys are those given here, else those of `environ` (unset: this process's environment).
    Nothing is connected to before a client is used. Use it as an async context manager, or call
    `close()` at the end.
    """

    def __init__(
        self,
        *,
        anthropic_api_key: str | None = None,
        openai_api_key: str | None = None,
        google_api_key: str | None = None,
        settings: Settings | None = None,
        environ: Mapping[str, str] | None = None,
        transport: Transport | None = None,
        on_fetch: OnProgress | None = None,
    ) -> None:
        self._settings = settings or Settings()
        self._environ = os.environ if environ is None else environ
        given = {
            "anthropic": anthropic_api_key,
            "openai": openai_api_key,
            "google": google_api_key,
        }
        self._given = {name: key for name, key in given.items() if key}
        self._transport = transport or Transport(self._settings.koderz.http, environ=self._environ)
        self._on_fetch = on_fetch
        self._clients: dict[str, ModelClient] = {}
        self._batch_clients: dict[str, BatchClient] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all clients and their connections."""
        for client in self._clients.values():
            await client.close()
        await self._transport.close()

    def get_client(self, model: str) -> ModelClient:
        """The client that can ask `model`.

        Raises UnknownModelError with close matches where no provider is known for it, and
        MissingAPIKeyError where its provider wants a key and none is set.
        """
        provider_id = get_provider(model, self._settings)
        if provider_id == UNKNOWN:
            raise UnknownModelError(model, get_close_matches(model))
        return self.get_provider_client(provider_id)

    def get_provider_client(self, provider_id: str) -> ModelClient:
        """The client of a provider of the catalogue or the settings; raises as `get_client`."""
        if provider_id not in self._clients:
            self._clients[provider_id] = self._build_client(provider_id)
        return self._clients[provider_id]

    def get_batch_client(self, model: str) -> BatchClient:
        """The client of the batch endpoint that `model` can be asked at; raises as `get_client`.

        ConfigError, too, where its provider has none that is known.
        """
        from koderz.models.batches import BATCH_CLIENTS

        provider_id = get_provider(model, self._settings)
        if provider_id not in BATCH_CLIENTS:
            raise ConfigError(
                f"{model}: its provider has no batch endpoint that is known here (known are those "
                "of Anthropic and OpenAI): choose a model of theirs, or ask without a batch"
            )
        if provider_id not in self._batch_clients:
            placed, key = self._place(provider_id)
            self._batch_clients[provider_id] = BATCH_CLIENTS[provider_id](
                placed, self._transport, api_key=key, settings=self._settings
            )
        return self._batch_clients[provider_id]

    def get_ollama_client(self) -> OllamaClient:
        """The client of Ollama, which can also fetch and remove models; raises as `get_client`."""
        client = self.get_provider_client("ollama")
        if not isinstance(client, OllamaClient):
            raise ConfigError("this host is no Ollama", key="koderz.providers.ollama.wire")
        return client

    def has_key(self, provider_id: str) -> bool:
        """Whether the provider is known and its key is set, or it needs none."""
        provider = get_provider_info(provider_id, self._settings)
        return provider is not None and (not _needs_key(provider) or bool(self._get_key(provider)))

    def _build_client(self, provider_id: str) -> ModelClient:
        provider, key = self._place(provider_id)
        if _is_embedded(provider):
            return self._build_embedded(provider)
        return CLIENTS[provider.wire](
            provider, self._transport, api_key=key, settings=self._settings
        )

    def _place(self, provider_id: str) -> tuple[ProviderInfo, str]:
        """A provider at the address where it is asked, and its key."""
        provider = get_provider_info(provider_id, self._settings)
        if provider is None:
            raise ConfigError(f"no provider {provider_id!r} is known", key="koderz.providers")
        key = self._get_key(provider)
        if not key and _needs_key(provider):
            raise MissingAPIKeyError(provider.title, provider.key_vars[0])
        if _is_embedded(provider):
            return provider, key
        address = self._environ.get(provider.base_url_var) or provider.base_url
        return msgspec.structs.replace(provider, base_url=build_base_urls(address, provider)), key

    def _build_embedded(self, provider: ProviderInfo) -> ModelClient:
        from koderz.models.llamacpp_client import LlamaCppClient

        client = LlamaCppClient(
            provider, self._transport, settings=self._settings, environ=self._environ
        )
        client.on_progress = self._on_fetch
        return client

    def _get_key(self, provider: ProviderInfo) -> str:
        if given := self._given.get(provider.id):
            return check_key(given, f"{provider.id}_api_key")
        for name in provider.key_vars:
            if value := self._environ.get(name, "").strip():
                return check_key(value, name)
        return ""


def _is_embedded(provider: ProviderInfo) -> bool:
    return provider.id == EMBEDDED and not provider.base_url


def _needs_key(provider: ProviderInfo) -> bool:
    return bool(provider.key_vars) and not provider.is_local


def check_key(key: str, name: str) -> str:
    """The key without white space around it; raises ConfigError for one no header can carry."""
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError("this is not a key: it holds characters that none has", key=name)
    return key


def build_base_urls(address: str, provider: ProviderInfo) -> str:
    """As `build_base_url`; of Ollama there may be several, and stay several, with commas."""
    if provider.wire != "ollama":
        return build_base_url(address, provider)
    addresses = [part for part in address.split(",") if part.strip()] or [address]
    return ",".join(dict.fromkeys(build_base_url(part, provider) for part in addresses))


def build_base_url(address: str, provider: ProviderInfo) -> str:
    """The address without a slash at its end; raises ConfigError for what is no address.

    Ollama's may be written as its server takes it: `0.0.0.0`, `:11434`, `box.local`.
    """
    address = address.strip()
    if provider.wire == "ollama" and "://" not in address:
        address = _complete_ollama_host(address)
    try:
        parts = urlsplit(address.strip())
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
        is_address = is_address and parts.port != 0  # Reading the port checks that it is one.
    except ValueError:
        is_address = False
    if not is_address:
        source = provider.base_url_var or f"koderz.providers.{provider.id}.base_url"
        raise ConfigError(f"{address!r} is no web address (http://... or https://...)", key=source)
    return address.strip().rstrip("/")


def _complete_ollama_host(address: str) -> str:
    host, colon, port = address.strip().rstrip("/").partition(":")
    if host in {"", ALL_INTERFACES}:
        host = "127.0.0.1"
    return f"http://{host}:{port if colon else OLLAMA_PORT}"

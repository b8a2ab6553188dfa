"""The providers that are stood in for: where each is found, and which models it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from koderz.models.registry import (
    UNKNOWN,
    get_model_info,
    get_provider,
    list_models,
    list_providers,
)
from koderz.types import ModelInfo, ProviderInfo

# The provider that a format's own paths stand for; others are found under their name.
DEFAULT_PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "ollama": "ollama",
}
# What the simulated Ollama has pulled.
INSTALLED = ("llama3.2:3b", "phi:2.7b", "mistral:7b", "qwen2.5-coder:32b", "codellama:70b")
SIMULATED_KEY = "simulated"


class Host(msgspec.Struct, frozen=True):
    """A provider with the models that it lists, by the name they have there.

    `takes_any` says that whatever name is asked for is there, as on a server of one's own.
    """

    provider: ProviderInfo
    models: Mapping[str, ModelInfo]
    takes_any: bool = False

    @property
    def prefix(self) -> str:
        """What stands before the format's own paths."""
        is_default = DEFAULT_PROVIDERS[self.provider.wire] == self.provider.id
        return "" if is_default else f"/{self.provider.id}"

    @property
    def base_path(self) -> str:
        """What a client's base URL ends in."""
        return f"{self.prefix}/v1" if self.provider.wire == "openai" else self.prefix

    def find_model(self, name: str) -> ModelInfo | None:
        """The model that goes under this name here, current or retired."""
        if name in self.models:
            return self.models[name]
        found = _look_up(self.provider, name)
        is_tuned = self.provider.id == "openai" and name.startswith("ft:")
        is_there = found is not None and (found.is_known or self.takes_any or is_tuned)
        return found if is_there else None


def list_hosts(names: Iterable[str] = ()) -> dict[str, Host]:
    """Every provider of the catalogue that can be pointed elsewhere, by its id.

    `names` are further models that a person stated a skill for; patterns among them name none.
    """
    extra = [name for name in names if not set(name) & set("*?[")]
    return {
        provider.id: _build_host(provider, extra)
        for provider in list_providers()
        if provider.base_url_var
    }


def build_environ(hosts: Iterable[Host], base_url: str) -> dict[str, str]:
    """The variables that make each of these providers' clients ask the simulator."""
    environ: dict[str, str] = {}
    for host in hosts:
        environ[host.provider.base_url_var] = base_url + host.base_path
        if host.provider.key_vars:
            environ[host.provider.key_vars[0]] = SIMULATED_KEY
    return environ


def _build_host(provider: ProviderInfo, extra: Iterable[str]) -> Host:
    models = {model.api_name: model for model in list_models() if model.provider == provider.id}
    names = [name for name in extra if get_provider(name) in {provider.id, UNKNOWN}]
    if provider.wire == "ollama":
        names += INSTALLED
    for name in names:
        found = get_model_info(name) or _look_up(provider, name)
        if found is not None:
            models[found.api_name] = found
    return Host(provider, models, provider.is_local and provider.wire == "openai")


def _look_up(provider: ProviderInfo, name: str) -> ModelInfo | None:
    return get_model_info(f"{provider.id}/{name}") if name else None

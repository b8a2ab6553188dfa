"""Which provider and tier a model's name means: total over all strings, without network.

A name is looked up in this order:

1. a name of the catalogue, or a dated or `-latest` form of one: `gpt-4o-2024-08-06`;
2. a provider before it: `openai/…`, `anthropic/…`, `google/…`, `ollama/…`, `groq/…`, and hosts of
   your own from `[koderz.providers.NAME]`. `llamacpp/` is for files, here or on the hub; another
   name behind it is a model of llama.cpp's own server;
3. `ft:` is a fine-tuned model of OpenAI, of the tier of its base;
4. any other name with a colon is a local model of Ollama: `qwen2.5-coder:32b`;
5. anything else is unknown: "unknown" as its provider, None as its tier and info.

`settings` add a person's own hosts; without them only the catalogue's are known.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import msgspec

from koderz.config.settings import Settings
from koderz.errors import UnknownModelError
from koderz.models.catalogue import Catalogue, get_default_catalogue
from koderz.models.local_names import EMBEDDED, SERVED, is_file_name
from koderz.models.names import get_named_family, get_named_tier, strip_snapshot
from koderz.types import Capabilities, ModelInfo, ProviderInfo, Tier

UNKNOWN = "unknown"


def get_model_info(name: str, settings: Settings | None = None) -> ModelInfo | None:
    """What is known of a model, None where not even its provider is."""
    catalogue, name = get_catalogue(settings), name.strip()
    if known := _find_known(catalogue, name):
        return known
    prefix, slash, rest = name.partition("/")
    provider = catalogue.prefixes.get(prefix.lower())
    if slash and provider and rest:
        return _resolve_at(catalogue, _settle_provider(catalogue, provider, rest), rest, name)
    if name.lower().startswith("ft:"):
        return _resolve_at(catalogue, "openai", name, name)
    if ":" in name:
        return _resolve_at(catalogue, "ollama", name, name)
    return None


def get_known_model(name: str, settings: Settings | None = None) -> ModelInfo:
    """The same; UnknownModelError, with close matches, where nothing is known."""
    info = get_model_info(name, settings)
    if info is None:
        raise UnknownModelError(name, get_close_matches(name))
    return info


def get_provider(name: str, settings: Settings | None = None) -> str:
    """The id of a model's provider, "unknown" where none can be told."""
    info = get_model_info(name, settings)
    return info.provider if info else UNKNOWN


def get_tier(name: str, settings: Settings | None = None) -> Tier | None:
    """A model's tier, None where not even its provider is known."""
    info = get_model_info(name, settings)
    return info.tier if info else None


def get_provider_info(provider_id: str, settings: Settings | None = None) -> ProviderInfo | None:
    """What is known of a host by its id, None where it is unknown."""
    return get_catalogue(settings).providers.get(provider_id)


def list_models(*, with_retired: bool = False) -> tuple[ModelInfo, ...]:
    """The catalogue's models, makers first and then hosts; retired ones only if asked for."""
    catalogue = get_default_catalogue()
    if with_retired:
        return catalogue.models
    return tuple(model for model in catalogue.models if model.name not in catalogue.retired)


def list_providers(settings: Settings | None = None) -> tuple[ProviderInfo, ...]:
    """All hosts, the one to prefer first, local ones last."""
    return tuple(
        sorted(get_catalogue(settings).providers.values(), key=lambda provider: provider.is_local)
    )


def get_close_matches(name: str) -> tuple[str, ...]:
    """Up to three names of the catalogue that look like this one, the closest first."""
    names = {known.name.lower(): known.name for known in list_models(with_retired=True)}
    found = difflib.get_close_matches(name.strip().lower(), names, n=3, cutoff=0.6)
    return tuple(names[match] for match in found)


def get_small_sibling(
    main: ModelInfo, installed: Mapping[str, int] | None = None
) -> ModelInfo | None:
    """The lightweight sibling of a main model, None where there is none that is cheaper.

    See `koderz.models.siblings`. `installed` are the models of a local server with their bytes.
    """
    from koderz.models import siblings

    return siblings.find_small_sibling(main, installed or {})


def get_catalogue(settings: Settings | None = None) -> Catalogue:
    """The catalogue with the hosts that these settings add."""
    catalogue = get_default_catalogue()
    return catalogue.with_hosts(settings.koderz.providers) if settings else catalogue


def _settle_provider(catalogue: Catalogue, provider_id: str, rest: str) -> str:
    """The provider behind a prefix, where two share one: llama.cpp inside Koderz, its server."""
    is_embedded = provider_id == EMBEDDED and not catalogue.providers[EMBEDDED].base_url
    return SERVED if is_embedded and not is_file_name(rest) else provider_id


def _find_known(catalogue: Catalogue, name: str, provider: str = "") -> ModelInfo | None:
    """The row that a name, or the name without its date, stands for."""
    tried = name
    while True:
        for spelling in (tried, tried.lower()):
            key = (provider, spelling)
            row = catalogue.by_api_name.get(key) if provider else catalogue.by_name.get(spelling)
            if row:
                is_snapshot = tried != name and name.lower() != row.api_name
                api_name = name.removeprefix(f"{row.provider}/") if is_snapshot else row.api_name
                return msgspec.structs.replace(row, name=name, api_name=api_name)
        shorter = strip_snapshot(tried)
        if shorter == tried:
            return None
        tried = shorter


def _resolve_at(catalogue: Catalogue, provider_id: str, api_name: str, name: str) -> ModelInfo:
    """The model that a host has under `api_name`, known or not; `name` is as it was asked for."""
    known = _find_known(catalogue, api_name, provider_id)
    if known:
        return msgspec.structs.replace(known, name=name)
    tuned, _, base_name = api_name.partition(":")
    if provider_id == "openai" and tuned.lower() == "ft":
        base = _resolve_at(catalogue, provider_id, base_name.partition(":")[0], name)
        return msgspec.structs.replace(base, api_name=api_name)
    provider = catalogue.providers[provider_id]
    family = get_named_family(api_name)
    return ModelInfo(
        name=name,
        api_name=api_name,
        provider=provider_id,
        tier=Tier.LOCAL if provider.is_local else get_named_tier(api_name),
        family=family,
        capabilities=_guess_capabilities(catalogue, provider, api_name, family),
    )


def _guess_capabilities(
    catalogue: Catalogue, provider: ProviderInfo, api_name: str, family: str
) -> Capabilities:
    """What an unknown model takes: as the known one whose name it continues, else as the newest.

    A maker's next model refuses what its last one refused more often than not.
    """
    kin = [
        model
        for model in catalogue.models
        if model.provider == provider.id and model.family == family
    ]
    named = [model for model in kin if api_name.lower().startswith(model.api_name.lower())]
    if named:
        return max(named, key=lambda model: len(model.api_name)).capabilities
    current = [model for model in kin if model.name not in catalogue.retired]
    return current[0].capabilities if current else provider.capabilities

"""The catalogue: what is known of models and hosts, read once from `catalogue.toml`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from koderz.config.settings import ProviderSettings
from koderz.types import Capabilities, ModelInfo, ProviderInfo, Tier


class ProviderRow(ProviderInfo, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A host as the file has it; `prefixes` are other words that may stand before a model."""

    id: str = ""
    prefixes: tuple[str, ...] = ()


class ModelRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model as the file has it; `takes` names its group of capabilities."""

    name: str
    api_name: str = ""
    aliases: tuple[str, ...] = ()
    released: str = ""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    takes: str = ""
    retired: bool = False


class GroupRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Models that share provider, family and tier."""

    provider: str
    family: str
    tier: Tier
    models: tuple[ModelRow, ...]


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    providers: dict[str, ProviderRow]
    capabilities: dict[str, dict[str, Any]]
    groups: tuple[GroupRow, ...]


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """What is known: hosts by id, hosts' ids by the prefixes that name them, models.

    `models` are in the file's order, `retired` the names of those that no route should choose,
    `by_name` finds a model by its name or an alias, `by_api_name` by host and its name there.
    """

    providers: Mapping[str, ProviderInfo]
    prefixes: Mapping[str, str]
    models: tuple[ModelInfo, ...]
    retired: frozenset[str]
    by_name: Mapping[str, ModelInfo]
    by_api_name: Mapping[tuple[str, str], ModelInfo]

    def with_hosts(self, hosts: Mapping[str, ProviderSettings]) -> Catalogue:
        """This catalogue with a person's own hosts, and known hosts' other addresses."""
        if not hosts:
            return self
        providers = dict(self.providers)
        for name, host in hosts.items():
            providers[name] = _build_host(name, host, providers.get(name))
        prefixes = {**self.prefixes, **{name.lower(): name for name in hosts}}
        return msgspec.structs.replace(self, providers=providers, prefixes=prefixes)


@cache
def get_default_catalogue() -> Catalogue:
    """The catalogue that comes with Koderz: read from the package at first use, then kept."""
    from importlib import resources

    text = resources.files("koderz.models").joinpath("catalogue.toml").read_text("utf-8")
    return build_catalogue(msgspec.toml.decode(text, type=File))


def build_catalogue(file: File) -> Catalogue:
    """The catalogue that a file's rows make."""
    models = tuple(_build_model(file, group, row) for group in file.groups for row in group.models)
    rows = [row for group in file.groups for row in group.models]
    by_name, by_api_name = {}, {}
    for model, row in zip(models, rows, strict=True):
        for name in (row.name, *row.aliases):
            by_name[name] = model
            by_api_name[model.provider, name.removeprefix(f"{model.provider}/")] = model
        by_api_name[model.provider, model.api_name] = model
    prefixes = {word: id_ for id_, row in file.providers.items() for word in (id_, *row.prefixes)}
    return Catalogue(
        providers={id_: _build_provider(id_, row) for id_, row in file.providers.items()},
        prefixes=prefixes,
        models=models,
        retired=frozenset(row.name for row in rows if row.retired),
        by_name=by_name,
        by_api_name=by_api_name,
    )


def _build_provider(id_: str, row: ProviderRow) -> ProviderInfo:
    fields = {name: getattr(row, name) for name in ProviderInfo.__struct_fields__}
    return ProviderInfo(**{**fields, "id": id_})


def _build_model(file: File, group: GroupRow, row: ModelRow) -> ModelInfo:
    provider = file.providers[group.provider]
    takes = file.capabilities[row.takes] if row.takes else {}
    usual = msgspec.to_builtins(provider.capabilities)
    return ModelInfo(
        name=row.name,
        api_name=row.api_name or row.name.removeprefix(f"{group.provider}/"),
        provider=group.provider,
        tier=group.tier,
        family=group.family,
        released=row.released,
        context_tokens=row.context_tokens,
        max_output_tokens=row.max_output_tokens,
        capabilities=msgspec.convert({**usual, **takes}, Capabilities),
        is_known=True,
    )


def _build_host(name: str, host: ProviderSettings, known: ProviderInfo | None) -> ProviderInfo:
    if known is None:
        return ProviderInfo(
            id=name,
            title=name,
            wire=host.wire or "openai",
            base_url=host.base_url,
            key_vars=(host.key_var,) if host.key_var else (),
            is_local=is_loopback(host.base_url),
        )
    return msgspec.structs.replace(
        known,
        wire=host.wire or known.wire,
        base_url=host.base_url or known.base_url,
        base_url_var="" if host.base_url else known.base_url_var,
        key_vars=(host.key_var,) if host.key_var else known.key_vars,
    )


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own, so that what answers there is free."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

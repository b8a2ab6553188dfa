"""The small model that stands in for a main one: same provider, same family, cheaper.

A sibling of the main model's own generation comes first (gpt-4o: gpt-4o-mini), then the newest.
Where the catalogue has none, the names in the price table are tried, so that a model released
tomorrow still gets one. A local main model gets the smallest one that is installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from koderz.models import names
from koderz.models.local_names import EMBEDDED
from koderz.models.prices import get_default_prices, is_cheaper, list_priced_names
from koderz.models.registry import get_model_info, list_models
from koderz.types import ModelInfo, Tier


def find_small_sibling(main: ModelInfo, installed: Mapping[str, int]) -> ModelInfo | None:
    """The small sibling of a main model; None where it is small itself or none is cheaper."""
    if main.provider in {"ollama", EMBEDDED}:
        return _find_smaller_installed(main, installed)
    if main.tier is not Tier.FRONTIER:
        return None
    known = [model for model in list_models() if _is_kin(model, main)]
    return _choose(known, main) or _choose(_list_priced_kin(main), main)


def _is_kin(model: ModelInfo, main: ModelInfo) -> bool:
    return (
        model.provider == main.provider
        and model.family == main.family
        and model.tier is Tier.SMALL_FRONTIER
    )


def _list_priced_kin(main: ModelInfo) -> list[ModelInfo]:
    """Small models of the family that only the price table knows, with what they cost."""
    prices = get_default_prices()
    found = (
        get_model_info(f"{main.provider}/{name}")
        for name in list_priced_names(main.provider)
        if names.is_for_text(name)
    )
    return [
        model
        for model in found
        if model and _is_kin(model, main) and prices.get_price(model).rates.input is not None
    ]


def _choose(candidates: Iterable[ModelInfo], main: ModelInfo) -> ModelInfo | None:
    prices = get_default_prices()
    price = prices.get_price(main)
    cheaper = [
        model for model in candidates if is_cheaper(prices.get_price(model), price) is not False
    ]
    generation = names.get_generation(main.api_name)
    return max(cheaper, key=lambda model: _rank(model, generation), default=None)


def _rank(model: ModelInfo, generation: tuple[str, ...]) -> tuple[object, ...]:
    return (
        names.get_generation(model.api_name) == generation,
        not names.is_smallest(model.api_name),
        model.released,
        names.get_version(model.api_name),
        model.name,
    )


def _find_smaller_installed(main: ModelInfo, installed: Mapping[str, int]) -> ModelInfo | None:
    """The smallest installed model that answers in text and is smaller than the main one."""
    sizes = {_add_tag(name): size_bytes for name, size_bytes in installed.items()}
    limit_bytes = sizes.get(_add_tag(main.api_name))
    smaller = {
        name: size_bytes
        for name, size_bytes in installed.items()
        if names.is_for_text(name)
        and size_bytes > 0
        and _is_smaller(name, size_bytes, main.api_name, limit_bytes)
    }
    if not smaller:
        return None
    smallest = min(smaller, key=lambda name: (smaller[name], name))
    return get_model_info(f"{main.provider}/{smallest}")


def _is_smaller(name: str, size_bytes: int, main: str, limit_bytes: int | None) -> bool:
    """By bytes where the main model is installed, by the sizes in the names where it is not."""
    if limit_bytes is not None:
        return size_bytes < limit_bytes
    ours, mains = names.get_size_b(name), names.get_size_b(main)
    return ours is None or mains is None or ours < mains


def _add_tag(name: str) -> str:
    return name if ":" in name else f"{name}:latest"

"""Which model takes which role, where a person has not named one: decided without I/O."""

from __future__ import annotations

import msgspec

from koderz.config.settings import Settings
from koderz.models.inventory import Inventory
from koderz.models.names import is_for_text
from koderz.models.registry import get_model_info, get_small_sibling
from koderz.routing.routes import get_main_model
from koderz.types import ModelInfo, TaskKind, Tier

ROLES = (TaskKind.SPEC, TaskKind.ITERATION, TaskKind.CHECKPOINT)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A role's model and why it has it."""

    role: TaskKind
    model: str
    reason: str


def find_best(settings: Settings, inventory: Inventory) -> dict[Tier, ModelInfo]:
    """The best model of each tier that can be reached; a tier without one is not there."""
    best: dict[Tier, ModelInfo] = {}
    main = get_main_model(settings, inventory)
    if main and main.provider in inventory.providers:
        best[main.tier] = main
        sibling = get_small_sibling(main)
        if sibling:
            best.setdefault(sibling.tier, sibling)
    local = _find_largest_installed(inventory)
    if local:
        best.setdefault(Tier.LOCAL, local)
    return best


def choose_models(
    settings: Settings, inventory: Inventory, named: dict[TaskKind, str]
) -> tuple[Choice, ...]:
    """The model of each role: as named, else the best that can be reached.

    Specifications and reviews go to the highest tier there is, iterations to the lowest. Where
    none can be reached, a model that was named for another role takes it; empty without any.
    """
    best = find_best(settings, inventory)
    spare = next(iter(named.values()), "")
    choices = [_choose(role, named, best, spare) for role in ROLES]
    return tuple(choice for choice in choices if choice.model)


def _choose(
    role: TaskKind, named: dict[TaskKind, str], best: dict[Tier, ModelInfo], spare: str
) -> Choice:
    if role in named:
        return Choice(role=role, model=named[role], reason="named")
    order = list(Tier) if role is TaskKind.ITERATION else list(reversed(Tier))
    for tier in order:
        if tier in best:
            reason = f"the best {tier} model within reach"
            return Choice(role=role, model=best[tier].name, reason=reason)
    return Choice(role=role, model=spare, reason="no other model is within reach")


def _find_largest_installed(inventory: Inventory) -> ModelInfo | None:
    if "ollama" not in inventory.providers:
        return None
    sizes = {name: size for name, size in inventory.installed.items() if is_for_text(name)}
    if not sizes:
        return None
    return get_model_info("ollama/" + max(sizes, key=lambda name: (sizes[name], name)))

"""Which models are asked for a task, in which order, and why: data, decided without I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from koderz.config.settings import (
    DEFAULT_TEMPERATURE,
    Settings,
    SmallModelSettings,
    TaskSettings,
)
from koderz.models.inventory import Inventory
from koderz.models.local_names import EMBEDDED
from koderz.models.registry import (
    get_known_model,
    get_model_info,
    get_provider_info,
    get_small_sibling,
    list_providers,
)
from koderz.types import CHORES, EXPERIMENT_TASKS, ModelInfo, TaskKind, Tier

# What suits the kind of work where the person set nothing: retelling is cold, prose is warmer.
TEMPERATURE_BY_TASK: Mapping[TaskKind, float] = {
    TaskKind.COMPRESSION: 0.2,
    TaskKind.WEB_SUMMARY: 0.5,
    TaskKind.CONTENT_ANALYSIS: 0.7,
}

SWITCH_BY_TASK: Mapping[TaskKind, str] = {
    TaskKind.LARGE_READ: "use_for_large_reads",
    TaskKind.WEB_SUMMARY: "use_for_web_summary",
    TaskKind.GIT_HISTORY: "use_for_git_history",
    TaskKind.COMPRESSION: "use_for_compression",
    TaskKind.CLASSIFICATION: "use_for_classification",
    TaskKind.BULK: "use_for_bulk",
}


class RouteSource(StrEnum):
    """What decided the first model of a route."""

    NAMED = "named with the question"
    TASK_OVERRIDE = "task override"
    CONFIGURED = "configured"
    AUTOMATIC_SIBLING = "automatic sibling"
    MAIN_MODEL = "main model"
    NO_MODEL = "no model"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The models to ask, cheapest first and the main model last, and what decided it.

    `models` is empty where nothing can be reached. `warning` is "" where there is none.
    """

    task: TaskKind
    models: tuple[ModelInfo, ...]
    source: RouteSource
    reason: str
    warning: str
    max_tokens: int
    temperature: float
    main: ModelInfo | None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The model to ask first, or none, and what decided it."""

    model: ModelInfo | None
    source: RouteSource
    reason: str


def resolve_route(
    settings: Settings,
    task: TaskKind | str,
    inventory: Inventory | None = None,
    *,
    models: Sequence[str] = (),
) -> Route:
    """The route of a task under these settings.

    `inventory` is what can be reached; without one, every model named is taken to be. `models`
    are those that whoever asks has chosen: they are the route, in their order, whatever the
    settings prefer and the inventory has seen, and no other one stands in for them.
    A model that is named and unknown raises UnknownModelError, an unknown task ValueError.
    """
    task = TaskKind(task)
    if models:
        return _name_route(settings, task, models)
    small = settings.agent.small_model
    override = small.tasks.get(task, TaskSettings())
    main = get_main_model(settings, inventory)
    choice = _choose_first(settings, task, main, inventory)
    wanted = [choice.model, main] if choice.model and choice.model != main else [main]
    kept, warning = _keep_reachable([model for model in wanted if model], settings, inventory)
    if not kept:
        choice = _no_model(warning)
    elif kept[0] != choice.model:
        choice = Choice(model=None, source=RouteSource.MAIN_MODEL, reason=warning or choice.reason)
    reason = choice.reason
    if kept and _is_embedded_default(settings, main):
        reason = f"{reason}; no key is set and no server answers, so it runs inside Koderz"
    return Route(
        task=task,
        models=kept,
        source=choice.source,
        reason=reason,
        warning=warning,
        max_tokens=override.max_tokens or small.max_tokens,
        temperature=_get_temperature(small, override, task),
        main=main,
    )


def _name_route(settings: Settings, task: TaskKind, names: Sequence[str]) -> Route:
    return Route(
        task=task,
        models=tuple(get_known_model(name, settings) for name in names),
        source=RouteSource.NAMED,
        reason=f"{names[0]} was named with the question",
        warning="",
        max_tokens=settings.agent.small_model.max_tokens,
        temperature=TEMPERATURE_BY_TASK.get(task, DEFAULT_TEMPERATURE),
        main=None,
    )


def get_main_model(settings: Settings, inventory: Inventory | None) -> ModelInfo | None:
    """The main model: the one configured, else the best of the first provider within reach."""
    if settings.agent.default_model:
        return get_known_model(settings.agent.default_model, settings)
    if inventory is None:
        return None
    for provider in list_providers(settings):
        if provider.id in inventory.providers and provider.default_model:
            return get_known_model(provider.default_model, settings)
    return _get_largest_installed(inventory)


def _is_embedded_default(settings: Settings, main: ModelInfo | None) -> bool:
    """Whether the main model is one inside Koderz that nobody named."""
    return main is not None and main.provider == EMBEDDED and not settings.agent.default_model


def _choose_first(
    settings: Settings, task: TaskKind, main: ModelInfo | None, inventory: Inventory | None
) -> Choice:
    small = settings.agent.small_model
    off = _say_why_off(small, task)
    if off:
        return Choice(model=main, source=RouteSource.MAIN_MODEL, reason=off)
    if task in small.tasks and small.tasks[task].model:
        reason = f"[agent.small_model.tasks.{task}] names it"
        model = get_known_model(small.tasks[task].model, settings)
        return Choice(model=model, source=RouteSource.TASK_OVERRIDE, reason=reason)
    if small.model:
        reason = "[agent.small_model] names it"
        model = get_known_model(small.model, settings)
        return Choice(model=model, source=RouteSource.CONFIGURED, reason=reason)
    installed = inventory.get_installed(main) if inventory and main else None
    sibling = get_small_sibling(main, installed) if main else None
    if main and sibling:
        reason = f"{sibling.name} is the lightweight sibling of {main.name}"
        return Choice(model=sibling, source=RouteSource.AUTOMATIC_SIBLING, reason=reason)
    reason = f"{main.name} has no cheaper sibling" if main else ""
    return Choice(model=main, source=RouteSource.MAIN_MODEL, reason=reason)


def _say_why_off(small: SmallModelSettings, task: TaskKind) -> str:
    if task is TaskKind.MAIN:
        return "main work is the main model's"
    if task is TaskKind.QUALITY:
        return "the small models are measured against the main model"
    if task in EXPERIMENT_TASKS:
        return "`koderz run` names the models of an experiment, and else starts from this one"
    if not small.enabled:
        return "[agent.small_model] enabled is false"
    switch = SWITCH_BY_TASK.get(task)
    if switch and not getattr(small, switch):
        return f"[agent.small_model] {switch} is false"
    return ""


def _keep_reachable(
    wanted: list[ModelInfo], settings: Settings, inventory: Inventory | None
) -> tuple[tuple[ModelInfo, ...], str]:
    if inventory is None:
        return tuple(wanted), ""
    kept = tuple(model for model in wanted if model.provider in inventory.providers)
    warnings = [
        f"{model.name} is left out: {_say_what_is_missing(model, settings)}"
        for model in wanted
        if model not in kept
    ]
    return kept, "; ".join(warnings)


def _say_what_is_missing(model: ModelInfo, settings: Settings) -> str:
    provider = get_provider_info(model.provider, settings)
    if provider is None:
        return f"its provider {model.provider!r} is unknown"
    if provider.key_vars and not provider.is_local:
        return f"{provider.key_vars[0]} is not set"
    if provider.id == EMBEDDED and not provider.base_url:
        return "models inside Koderz need its part `local`: pip install 'koderz[local]'"
    return f"no {provider.title} server answers"


def _no_model(warning: str) -> Choice:
    reason = warning or "no key is set and no local server answers"
    return Choice(model=None, source=RouteSource.NO_MODEL, reason=reason)


def _get_largest_installed(inventory: Inventory) -> ModelInfo | None:
    for provider_id, installed in (
        ("ollama", inventory.installed),
        (EMBEDDED, inventory.embedded),
    ):
        if provider_id in inventory.providers and installed:
            largest = max(installed.items(), key=lambda item: (item[1], item[0]))[0]
            return get_model_info(f"{provider_id}/{largest}")
    return None


def _get_temperature(small: SmallModelSettings, override: TaskSettings, task: TaskKind) -> float:
    for value in (override.temperature, small.temperature):
        if value is not None:
            return value
    return TEMPERATURE_BY_TASK.get(task, DEFAULT_TEMPERATURE)


def is_side_work(task: TaskKind) -> bool:
    """Whether the task must never hold up main work: a chore, or measuring how good one was."""
    return task in CHORES or task is TaskKind.QUALITY


def is_small(tier: Tier) -> bool:
    """Whether the tier is one of the small ones that savings come from."""
    return tier is not Tier.FRONTIER

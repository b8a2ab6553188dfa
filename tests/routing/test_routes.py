"""Routes: which models, in which order, from which settings, and in which words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from koderz.config.settings import Settings
from koderz.errors import UnknownModelError
from koderz.models.inventory import Inventory
from koderz.routing.routes import RouteSource, resolve_route
from koderz.types import CHORES, EXPERIMENT_TASKS, TaskKind, Tier

SMALL_TASKS = sorted(CHORES)
SWITCHES = {
    "use_for_large_reads": TaskKind.LARGE_READ,
    "use_for_web_summary": TaskKind.WEB_SUMMARY,
    "use_for_git_history": TaskKind.GIT_HISTORY,
    "use_for_compression": TaskKind.COMPRESSION,
    "use_for_classification": TaskKind.CLASSIFICATION,
    "use_for_bulk": TaskKind.BULK,
}


def build(main: str = "gpt-4o", **small: Any) -> Settings:
    return msgspec.convert({"agent": {"default_model": main, "small_model": small}}, Settings)


def names(settings: Settings, task: TaskKind, inventory: Inventory | None = None) -> list[str]:
    return [model.name for model in resolve_route(settings, task, inventory).models]


@pytest.mark.parametrize("task", SMALL_TASKS)
def test_small_jobs_go_to_the_sibling_first_and_to_the_main_model_last(task: TaskKind) -> None:
    route = resolve_route(build(), task)
    assert [model.name for model in route.models] == ["gpt-4o-mini", "gpt-4o"]
    assert route.source is RouteSource.AUTOMATIC_SIBLING
    assert "gpt-4o-mini" in route.reason
    assert not route.warning


@pytest.mark.parametrize(
    ("main", "tier"),
    [
        ("claude-sonnet-4-5", Tier.SMALL_FRONTIER),
        ("claude-opus-4-5", Tier.SMALL_FRONTIER),
        ("anthropic/claude-opus-99", Tier.SMALL_FRONTIER),
        ("gemini-2.5-pro", Tier.SMALL_FRONTIER),
    ],
)
def test_a_main_model_gets_a_cheap_sibling_even_if_it_was_released_tomorrow(
    main: str, tier: Tier
) -> None:
    small, last = resolve_route(build(main), TaskKind.LARGE_READ).models
    assert small.tier is tier
    assert small.provider == last.provider
    assert last.name == main


def test_main_work_is_the_main_models() -> None:
    route = resolve_route(build(), TaskKind.MAIN)
    assert [model.name for model in route.models] == ["gpt-4o"]
    assert route.source is RouteSource.MAIN_MODEL


@pytest.mark.parametrize("task", SMALL_TASKS)
def test_switched_off_as_a_whole_the_main_model_does_it(task: TaskKind) -> None:
    route = resolve_route(build(enabled=False), task)
    assert [model.name for model in route.models] == ["gpt-4o"]
    assert route.source is RouteSource.MAIN_MODEL
    assert "enabled is false" in route.reason


@pytest.mark.parametrize(("switch", "task"), SWITCHES.items())
def test_a_use_switched_off_falls_to_the_main_model_and_no_other_use_does(
    switch: str, task: TaskKind
) -> None:
    off: dict[str, Any] = {switch: False}
    settings = build(**off)
    route = resolve_route(settings, task)
    assert [model.name for model in route.models] == ["gpt-4o"]
    assert switch in route.reason
    for other in SMALL_TASKS:
        if other is not task:
            assert names(settings, other) == ["gpt-4o-mini", "gpt-4o"]


def test_a_configured_small_model_comes_first() -> None:
    route = resolve_route(build(model="claude-haiku-4-5"), TaskKind.LARGE_READ)
    assert [model.name for model in route.models] == ["claude-haiku-4-5", "gpt-4o"]
    assert route.source is RouteSource.CONFIGURED


def test_a_task_override_wins_over_the_section_for_that_task_alone() -> None:
    override = {"compression": {"model": "gpt-4.1-nano", "max_tokens": 7, "temperature": 0.9}}
    settings = build(model="claude-haiku-4-5", tasks=override)
    route = resolve_route(settings, TaskKind.COMPRESSION)
    assert route.models[0].name == "gpt-4.1-nano"
    assert route.source is RouteSource.TASK_OVERRIDE
    assert (route.max_tokens, route.temperature) == (7, 0.9)
    assert names(settings, TaskKind.LARGE_READ)[0] == "claude-haiku-4-5"


def test_the_same_model_as_small_and_main_is_asked_once() -> None:
    assert names(build("gpt-4o-mini", model="gpt-4o-mini"), TaskKind.LARGE_READ) == ["gpt-4o-mini"]


def test_a_small_main_model_needs_no_sibling() -> None:
    route = resolve_route(build("gpt-4o-mini"), TaskKind.LARGE_READ)
    assert [model.name for model in route.models] == ["gpt-4o-mini"]
    assert "no cheaper sibling" in route.reason


@pytest.mark.parametrize(
    ("task", "temperature"),
    [
        (TaskKind.COMPRESSION, 0.2),
        (TaskKind.LARGE_READ, 0.3),
        (TaskKind.GIT_HISTORY, 0.3),
        (TaskKind.CLASSIFICATION, 0.3),
        (TaskKind.WEB_SUMMARY, 0.5),
        (TaskKind.CONTENT_ANALYSIS, 0.7),
    ],
)
def test_temperature_suits_the_task_unless_the_section_sets_one(
    task: TaskKind, temperature: float
) -> None:
    assert resolve_route(build(), task).temperature == temperature
    assert resolve_route(build(temperature=0.15), task).temperature == 0.15


def test_the_sections_token_limit_is_the_routes() -> None:
    assert resolve_route(build(), TaskKind.LARGE_READ).max_tokens == 1000
    assert resolve_route(build(max_tokens=800), TaskKind.LARGE_READ).max_tokens == 800


def test_an_unknown_model_is_an_error_with_close_matches() -> None:
    with pytest.raises(UnknownModelError, match="gpt-4o"):
        resolve_route(build("gpt-4oo"), TaskKind.MAIN)
    with pytest.raises(UnknownModelError):
        resolve_route(build(model="claude-haiku-4-55"), TaskKind.LARGE_READ)


@pytest.mark.parametrize(
    ("provider", "small"),
    [("anthropic", Tier.SMALL_FRONTIER), ("openai", Tier.SMALL_FRONTIER), ("google", None)],
)
def test_with_nothing_configured_the_key_that_is_there_decides(
    provider: str, small: Tier | None
) -> None:
    inventory = Inventory(providers=frozenset({provider}))
    route = resolve_route(Settings(), TaskKind.LARGE_READ, inventory)
    assert route.main is not None
    assert {model.provider for model in route.models} == {provider}
    assert small is None or route.models[0].tier is small
    assert route.models[-1] == route.main


def test_with_only_ollama_the_largest_installed_is_main_and_the_smallest_does_chores() -> None:
    inventory = Inventory(
        providers=frozenset({"ollama"}),
        installed={"mistral:7b": 4_100_000_000, "phi:2.7b": 1_600_000_000, "nomic-embed-text": 1},
    )
    assert names(Settings(), TaskKind.LARGE_READ, inventory) == [
        "ollama/phi:2.7b",
        "ollama/mistral:7b",
    ]


def test_with_nothing_there_is_no_model_and_the_reason_says_so() -> None:
    route = resolve_route(Settings(), TaskKind.LARGE_READ, Inventory())
    assert route.models == ()
    assert route.source is RouteSource.NO_MODEL
    assert "no key" in route.reason


def test_a_small_model_out_of_reach_is_left_out_with_a_warning() -> None:
    inventory = Inventory(providers=frozenset({"openai"}))
    route = resolve_route(build(model="claude-haiku-4-5"), TaskKind.LARGE_READ, inventory)
    assert [model.name for model in route.models] == ["gpt-4o"]
    assert route.source is RouteSource.MAIN_MODEL
    assert "ANTHROPIC_API_KEY is not set" in route.warning


@pytest.mark.parametrize("task", list(TaskKind))
def test_models_that_whoever_asks_has_named_are_the_route(task: TaskKind) -> None:
    settings = build(enabled=False, temperature=1.9)
    named = ("phi:2.7b", "gpt-4o-mini")
    route = resolve_route(settings, task, Inventory(), models=named)
    assert tuple(model.name for model in route.models) == named
    assert route.source is RouteSource.NAMED
    assert "phi:2.7b" in route.reason
    assert route.temperature < 1, "the small model's settings are not theirs"
    with pytest.raises(UnknownModelError, match="gpt-4o"):
        resolve_route(settings, task, models=("gpt-4oo",))


@pytest.mark.parametrize("task", sorted(EXPERIMENT_TASKS))
def test_a_role_for_which_nobody_is_named_is_the_main_models(task: TaskKind) -> None:
    route = resolve_route(build(model="phi:2.7b"), task)
    assert [model.name for model in route.models] == ["gpt-4o"]
    assert "koderz run" in route.reason


def test_own_hosts_are_within_reach_of_routes() -> None:
    settings = msgspec.convert(
        {
            "agent": {"default_model": "mine/big", "small_model": {"model": "mine/tiny-mini"}},
            "koderz": {"providers": {"mine": {"base_url": "http://127.0.0.1:1/v1"}}},
        },
        Settings,
    )
    route = resolve_route(settings, TaskKind.LARGE_READ)
    assert [model.provider for model in route.models] == ["mine", "mine"]

"""A proof a key: each setting is set to another value, and something else happens."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import ROOT
from provider_samples import OPENAI_ANSWER
from reading import open_simulated, write_log
from scripted import ASK, ScriptedClient, build_router, build_settings, hang, say
from scripted_server import Reply, open_scripted_server, reply_json

from koderz import ReadFile
from koderz.config.fields import join_key, list_fields
from koderz.config.loading import load_settings
from koderz.config.settings import Settings
from koderz.errors import KoderzError, ServerError
from koderz.ledger.store import get_ledger_path
from koderz.models import ModelFactory
from koderz.routing.checks import check_text
from koderz.routing.routes import resolve_route
from koderz.types import CHORES, Message, Request, TaskKind

Observe = Callable[[Settings, Path], Awaitable[object]]

MINI, MAIN = "gpt-4o-mini", "gpt-4o"
READ = TaskKind.LARGE_READ
PATIENCE_S = 0.4


def load(**overrides: Any) -> Settings:
    base = {"agent.default_model": MAIN}
    return load_settings(environ={}, overrides=base | overrides).settings


async def within_patience(work: Awaitable[object]) -> object:
    """What the work gives or fails with, or that it was still waiting."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await work
    except TimeoutError:
        return "still waiting"
    except KoderzError as error:
        return type(error).__name__


def see_route(task: TaskKind) -> Observe:
    async def observe(settings: Settings, place: Path) -> object:
        route = resolve_route(settings, task)
        names = [model.name for model in route.models]
        return names, route.max_tokens, route.temperature

    return observe


async def see_ledger_path(settings: Settings, place: Path) -> object:
    return get_ledger_path(settings)


async def see_budget(settings: Settings, place: Path) -> object:
    """Whether a second call of the same job is still made."""
    router, ledger = build_router(place, {MINI: ScriptedClient(say("42"))}, with_prices(settings))
    with ledger:
        await router.ask(ASK, READ, check_text, job_id="one")
        return await within_patience(router.ask(ASK, READ, check_text, job_id="one"))


def see_calls_at_once(task: TaskKind) -> Observe:
    async def observe(settings: Settings, place: Path) -> object:
        clients = {name: ScriptedClient(hang) for name in (MINI, MAIN)}
        router, ledger = build_router(place, clients, settings)
        with ledger:
            asked = [asyncio.create_task(router.ask(ASK, task, check_text)) for _ in range(20)]
            await asyncio.sleep(0.05)
            under_way = sum(len(client.requests) for client in clients.values())
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return under_way

    return observe


async def see_breaker(settings: Settings, place: Path) -> object:
    """How often a model that is down is asked, with a little time in between."""
    mini = ScriptedClient(ServerError("down", status=500))
    router, ledger = build_router(place, {MINI: mini, MAIN: ScriptedClient(say("42"))}, settings)
    with ledger:
        for _ in range(6):
            await router.ask(ASK, READ, check_text)
            await asyncio.sleep(0.002)
    return len(mini.requests)


async def see_deadline(settings: Settings, place: Path) -> object:
    router, ledger = build_router(place, {MINI: ScriptedClient(hang)}, settings)
    with ledger:
        return await within_patience(router.ask(ASK, READ, check_text))


async def complete(settings: Settings, url: str) -> object:
    factory = ModelFactory(
        openai_api_key="test", settings=settings, environ={"OPENAI_BASE_URL": url}
    )
    request = Request(model=MINI, messages=(Message.user("hello"),))
    async with factory:
        return await within_patience(factory.get_client(MINI).complete(request))


async def see_connect(settings: Settings, place: Path) -> object:
    """A port whose queue is full: connections to it neither fail nor come about."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address = server.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(address)
        try:
            return await complete(settings, f"http://127.0.0.1:{address[1]}/v1")
        finally:
            for one in waiting:
                one.close()


def see_reply(*script: Reply) -> Observe:
    async def observe(settings: Settings, place: Path) -> object:
        async with open_scripted_server() as server:
            server.play(*script)
            ended = await complete(settings, f"{server.url}/v1")
            return ended if isinstance(ended, str) else "answered", len(server.seen)

    return observe


async def see_read(settings: Settings, place: Path) -> object:
    """How a log of 100 KB is read, by how many calls, in how many tokens."""
    log = place / "build.log"
    write_log(log)
    overrides = {
        f"koderz__read__{name}": value
        for name, value in msgspec.structs.asdict(settings.koderz.read).items()
    }
    async with open_simulated(place / "ledger.sqlite", (), overrides) as (router, simulator):
        result = await router.perform(ReadFile(str(log), "why did it fail?"))
        return result.engine, len(simulator.requests), result.tokens_out > 500


def with_prices(settings: Settings) -> Settings:
    prices = build_settings().koderz.prices
    return msgspec.structs.replace(
        settings, koderz=msgspec.structs.replace(settings.koderz, prices=prices)
    )


QUICK_REPEATS = {"koderz.http.retry_wait_max_s": 0.01}
ANSWER = reply_json(OPENAI_ANSWER)

# Key: another value than the default, what to look at, and other settings that go with it.
PROOFS: dict[str, tuple[Any, Observe, dict[str, Any]]] = {
    "agent.default_model": ("gpt-4.1", see_route(READ), {}),
    "agent.small_model.enabled": (False, see_route(READ), {}),
    "agent.small_model.model": ("gpt-4.1-nano", see_route(READ), {}),
    "agent.small_model.max_tokens": (7, see_route(READ), {}),
    "agent.small_model.temperature": (0.9, see_route(READ), {}),
    "agent.small_model.use_for_large_reads": (False, see_route(READ), {}),
    "agent.small_model.use_for_web_summary": (False, see_route(TaskKind.WEB_SUMMARY), {}),
    "agent.small_model.use_for_git_history": (False, see_route(TaskKind.GIT_HISTORY), {}),
    "agent.small_model.use_for_compression": (False, see_route(TaskKind.COMPRESSION), {}),
    "agent.small_model.use_for_classification": (False, see_route(TaskKind.CLASSIFICATION), {}),
    "agent.small_model.use_for_bulk": (False, see_route(TaskKind.BULK), {}),
    "koderz.budget.run_usd": (0.0011, see_budget, {}),
    "koderz.budget.day_usd": (0.0011, see_budget, {}),
    "koderz.budget.task_usd": (0.0011, see_budget, {}),
    "koderz.ledger.path": ("elsewhere.sqlite", see_ledger_path, {}),
    "koderz.routing.side_concurrency": (2, see_calls_at_once(READ), {}),
    "koderz.routing.main_concurrency": (2, see_calls_at_once(TaskKind.MAIN), {}),
    "koderz.routing.breaker_failures": (1, see_breaker, {}),
    "koderz.routing.breaker_cooldown_s": (0.001, see_breaker, {}),
    "koderz.routing.deadline_s": (0.05, see_deadline, {}),
    "koderz.http.connect_timeout_s": (0.05, see_connect, {"koderz.http.retries": 0}),
    "koderz.http.read_timeout_s": (
        0.05,
        see_reply(Reply(hangs=True)),
        {"koderz.http.retries": 0},
    ),
    "koderz.http.total_timeout_s": (
        0.05,
        see_reply(Reply(hangs=True)),
        {"koderz.http.retries": 0},
    ),
    "koderz.http.retries": (0, see_reply(reply_json({}, status=500), ANSWER), QUICK_REPEATS),
    "koderz.http.retry_wait_max_s": (
        0.01,
        see_reply(reply_json({}, status=429, retry_after="20"), ANSWER),
        {},
    ),
    "koderz.read.min_size_kb": (1000, see_read, {}),
    "koderz.read.budget_tokens": (200, see_read, {}),
    "koderz.read.chunk_tokens": (500, see_read, {"koderz.read.max_chunks": 100}),
    "koderz.read.max_chunks": (1, see_read, {}),
    "koderz.read.max_usd": (0, see_read, {}),
}

# Keys of rooms whose own tests prove them.
PROVEN_ELSEWHERE: dict[str, str] = {
    **dict.fromkeys(
        (
            "koderz.experiments.path",
            "koderz.experiments.answer_tokens",
            "koderz.experiments.gpu_hour_usd",
            "koderz.memory.path",
            "koderz.memory.cortex_command",
        ),
        "tests/experiments/test_run_command.py::test_its_settings_are_gone_by",
    ),
    **dict.fromkeys(
        (
            "koderz.web.max_size_kb",
            "koderz.web.timeout_s",
            "koderz.web.max_redirects",
            "koderz.web.allow_private",
            "koderz.web.min_tokens",
            "koderz.web.budget_tokens",
            "koderz.web.answer_tokens",
            "koderz.web.model_tokens",
            "koderz.web.max_usd",
        ),
        "tests/jobs/test_web_summary.py::test_every_setting_changes_what_is_done",
    ),
    "koderz.git.count": "tests/commands/test_git.py::"
    "test_the_settings_say_how_many_commits_are_shown",
    **dict.fromkeys(
        ("koderz.git.model_tokens", "koderz.git.max_usd"),
        "tests/jobs/test_git_history.py::test_every_setting_changes_what_is_done",
    ),
    **dict.fromkeys(
        (
            "koderz.compress.min_messages",
            "koderz.compress.budget_tokens",
            "koderz.compress.tail_share",
            "koderz.compress.model_tokens",
            "koderz.compress.max_usd",
        ),
        "tests/jobs/test_compress_context.py::test_every_setting_changes_what_is_done",
    ),
    **dict.fromkeys(
        ("koderz.classify.escalate_below", "koderz.classify.sure_above"),
        "tests/jobs/test_classify_doubts.py::test_its_settings_are_gone_by",
    ),
    **dict.fromkeys(
        ("koderz.quality.share", "koderz.quality.path"),
        "tests/quality/test_samples.py::test_a_router_keeps_the_share_where_it_is_told_to",
    ),
    **dict.fromkeys(
        ("koderz.quality.max_kept", "koderz.quality.max_size_mb"),
        "tests/quality/test_samples.py::test_the_oldest_go_first",
    ),
    "koderz.quality.max_usd": "tests/quality/test_measuring.py::"
    "test_no_more_is_spent_than_the_limit",
    **dict.fromkeys(
        ("koderz.local.threads", "koderz.local.gpu_layers"),
        "tests/models/test_gguf.py::test_threads_and_layers_are_the_machines_or_as_set",
    ),
    "koderz.batch.poll_s": "tests/jobs/test_provider_batch_faults.py::"
    "test_looks_are_as_far_apart_as_the_setting_says",
    "koderz.local.folder": "tests/models/test_local_models.py::"
    "test_the_folders_models_are_listed_with_their_sizes",
    "koderz.local.memory_mb": "tests/models/test_gguf.py::"
    "test_the_context_is_the_longest_that_is_wanted_and_fits",
    "koderz.local.fetch": "tests/models/test_llamacpp_client.py::"
    "test_a_missing_file_says_how_to_get_it",
    "koderz.local.context_tokens": "tests/models/test_llamacpp_client.py::"
    "test_a_shorter_context_can_be_set",
    "koderz.local.parallel": "tests/models/test_llamacpp_client.py::"
    "test_many_questions_at_once_are_all_answered",
    "koderz.local.keep_loaded_s": "tests/models/test_llamacpp_client.py::"
    "test_an_idle_model_is_unloaded_and_loaded_again",
}


@pytest.mark.parametrize("key", PROOFS)
async def test_changing_a_key_changes_behaviour(key: str, tmp_path: Path) -> None:
    value, observe, others = PROOFS[key]
    places = [tmp_path / name for name in ("before", "after")]
    for place in places:
        place.mkdir()
    before = await observe(load(**others), places[0])
    after = await observe(load(**{**others, key: value}), places[1])
    assert before != after, f"{key} is read by nothing"


@pytest.mark.parametrize("task", sorted(CHORES))
@pytest.mark.parametrize(
    ("name", "value"), [("model", "gpt-4.1-nano"), ("max_tokens", 7), ("temperature", 0.9)]
)
async def test_changing_a_tasks_key_changes_that_task(
    task: TaskKind, name: str, value: object, tmp_path: Path
) -> None:
    observe = see_route(task)
    before = await observe(load(), tmp_path)
    assert before != await observe(
        load(**{f"agent.small_model.tasks.{task}.{name}": value}), tmp_path
    )


def test_every_key_has_its_proof() -> None:
    keys = {join_key(field.path) for field in list_fields()}
    fixed = {key for key in keys if ".tasks." not in key}
    assert fixed == PROOFS.keys() | PROVEN_ELSEWHERE.keys()
    for place in PROVEN_ELSEWHERE.values():
        file, _, name = place.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), place

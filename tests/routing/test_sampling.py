"""A share of the small models' accepted answers is kept, and no job is the worse for it."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from scripted import ASK, ScriptedClient, build_router, build_settings, say

from koderz.errors import StoreError
from koderz.ledger.store import Ledger
from koderz.routing.checks import Rejected, check_text
from koderz.routing.router import Router
from koderz.routing.sampling import KeptAnswer, Sampler
from koderz.types import TaskKind

MINI, MAIN = "gpt-4o-mini", "gpt-4o"
READ = TaskKind.LARGE_READ


def build(
    place: Path, share: float, keep: Any, *, seed: int = 0, **scripts: Any
) -> tuple[Router, Ledger]:
    clients = scripts or {MINI: ScriptedClient(say("42")), MAIN: ScriptedClient(say("42"))}
    router, ledger = build_router(place, clients, build_settings())
    router._sampler = Sampler(share, keep, rng=Random(seed))
    return router, ledger


async def ask_many(place: Path, share: float, seed: int = 0) -> list[int]:
    """The places of the answers, of 200, that were kept."""
    kept: list[KeptAnswer] = []
    places = []
    router, ledger = build(place, share, kept.append, seed=seed)
    with ledger:
        for at in range(200):
            before = len(kept)
            await router.ask(ASK, READ, check_text)
            places += [at] * (len(kept) - before)
    return places


async def test_the_same_seed_keeps_the_same_answers(tmp_path: Path) -> None:
    first = await ask_many(tmp_path, 0.1, seed=7)
    assert first == await ask_many(tmp_path, 0.1, seed=7)
    assert first != await ask_many(tmp_path, 0.1, seed=8)
    assert 8 < len(first) < 35


async def test_none_and_all_are_shares_too(tmp_path: Path) -> None:
    assert await ask_many(tmp_path, 0.0) == []
    assert await ask_many(tmp_path, 1.0) == list(range(200))


async def test_what_is_kept_is_the_whole_question_and_the_answer(tmp_path: Path) -> None:
    kept: list[KeptAnswer] = []
    router, ledger = build(tmp_path, 1.0, kept.append)
    with ledger:
        await router.ask(ASK, READ, check_text, build_facts=lambda: {"start": 1})
    (one,) = kept
    assert (one.task, one.model, one.answer) == (READ, MINI, "42")
    assert one.request.messages == ASK.messages
    assert one.request.max_tokens is not None
    assert one.facts == {"start": 1}


async def test_facts_are_built_only_for_what_is_kept(tmp_path: Path) -> None:
    def build_facts() -> dict[str, Any]:
        raise AssertionError

    router, ledger = build(tmp_path, 0.0, pytest.fail)
    with ledger:
        await router.ask(ASK, READ, check_text, build_facts=build_facts)


async def test_only_a_small_models_answer_to_a_small_job_is_kept(tmp_path: Path) -> None:
    kept: list[KeptAnswer] = []
    router, ledger = build(tmp_path, 1.0, kept.append)
    with ledger:
        await router.ask(ASK, TaskKind.MAIN, check_text)
        await router.ask(ASK, TaskKind.SPEC, check_text, models=(MINI,))
        await router.ask(ASK, TaskKind.QUALITY, check_text, models=(MINI,))
        await router.ask(ASK, READ, check_text, models=(MAIN,))
    assert kept == []


async def test_a_rejected_answer_is_not_kept(tmp_path: Path) -> None:
    kept: list[KeptAnswer] = []
    router, ledger = build(tmp_path, 1.0, kept.append)
    verdicts = iter([Rejected("no"), None])

    def check(completion: Any) -> Any:
        return next(verdicts) or check_text(completion)

    with ledger:
        await router.ask(ASK, READ, check)
    # The main model's word, which was accepted, is not a small model's.
    assert kept == []


async def test_an_answer_after_a_repeat_is_kept_with_the_question_as_it_was(tmp_path: Path) -> None:
    kept: list[KeptAnswer] = []
    router, ledger = build(tmp_path, 1.0, kept.append)
    verdicts = iter([Rejected("no"), None])

    def check(completion: Any) -> Any:
        return next(verdicts) or check_text(completion)

    with ledger:
        await router.ask(ASK, READ, check, tries_per_model=2)
    assert [one.request.messages for one in kept] == [ASK.messages]


async def test_a_full_disk_costs_no_job_its_answer(tmp_path: Path) -> None:
    def keep(_: KeptAnswer) -> None:
        raise StoreError("the disk is full")

    router, ledger = build(tmp_path, 1.0, keep)
    with ledger:
        answer = await router.ask(ASK, READ, check_text)
    assert answer.value == "42"
    assert router._sampler is not None
    assert router._sampler.failure == "the disk is full"

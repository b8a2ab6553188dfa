"""Prompt caching counts what was seen lately, as the providers describe it."""

from __future__ import annotations

from clocks import Clock

from koderz.simulator.caching import KEPT_S, MIN_TOKENS, CacheUse, PromptCache
from koderz.simulator.prompts import Prompt, build_prompt
from koderz.types import Message, Request, Tool

LONG = tuple(range(3000))


def test_a_marked_prefix_is_written_once_and_read_afterwards() -> None:
    cache = PromptCache()
    prompt = Prompt(LONG, stable=(2000,))
    assert cache.use_marked("m", prompt) == CacheUse(0, 2000)
    assert cache.use_marked("m", prompt) == CacheUse(2000, 0)
    assert cache.use_marked("other", prompt) == CacheUse(0, 2000)


def test_a_longer_marked_prefix_reads_the_shorter_one_and_writes_the_rest() -> None:
    cache = PromptCache()
    cache.use_marked("m", Prompt(LONG, stable=(1500,)))
    assert cache.use_marked("m", Prompt(LONG, stable=(1500, 2500))) == CacheUse(1500, 1000)


def test_what_differs_before_the_mark_is_another_prefix() -> None:
    cache = PromptCache()
    cache.use_marked("m", Prompt(LONG, stable=(2000,)))
    changed = Prompt((7, *LONG[1:]), stable=(2000,))
    assert cache.use_marked("m", changed) == CacheUse(0, 2000)


def test_short_or_unmarked_prefixes_are_not_cached() -> None:
    cache = PromptCache()
    for prompt in (Prompt(LONG), Prompt(LONG, stable=(MIN_TOKENS - 1,))):
        assert cache.use_marked("m", prompt) == cache.use_marked("m", prompt) == CacheUse()


def test_an_entry_lives_five_minutes_after_its_last_use() -> None:
    clock = Clock()
    cache = PromptCache(clock)
    prompt = Prompt(LONG, stable=(2000,))
    cache.use_marked("m", prompt)
    for _ in range(3):
        clock.now_s += KEPT_S - 1
        assert cache.use_marked("m", prompt).read_tokens == 2000
    clock.now_s += KEPT_S
    assert cache.use_marked("m", prompt).write_tokens == 2000


def test_automatic_caching_reads_whole_steps_of_the_longest_known_prefix() -> None:
    cache = PromptCache()
    assert cache.use_automatic("m", Prompt(LONG)) == CacheUse()
    assert cache.use_automatic("m", Prompt(LONG)) == CacheUse(1024 + 15 * 128)
    shared = Prompt((*LONG[:2000], -1 % 2**31, *range(500)))
    assert cache.use_automatic("m", shared) == CacheUse(1024 + 7 * 128)
    assert cache.use_automatic("m", Prompt(LONG[: MIN_TOKENS - 1])) == CacheUse()


def test_a_prompt_marks_what_its_request_marks_and_grows_with_each_turn() -> None:
    request = Request(
        messages=(Message.user("one", ends_stable_prefix=True), Message.user("two")),
        system="system",
        system_is_stable=True,
        tools=(Tool("search", "Looks things up", {"type": "object"}),),
    )
    prompt = build_prompt(request)
    assert len(prompt.stable) == 2
    assert 0 < prompt.stable[0] < prompt.stable[1] < len(prompt.ids)

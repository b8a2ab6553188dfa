"""Prompt caching as providers do it: which part of a prompt was seen a little while ago."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from hashlib import blake2b

import msgspec

from koderz.simulator.prompts import Prompt
from koderz.simulator.recent import Recent

# Anthropic keeps a marked prefix of at least 1,024 tokens for five minutes after its last use;
# OpenAI keeps any prefix of at least 1,024 tokens, in steps of 128, as long or longer.
MIN_TOKENS = 1024
STEP_TOKENS = 128
KEPT_S = 300.0

_MOST_PREFIXES = 100_000


class CacheUse(msgspec.Struct, frozen=True):
    """Tokens of one prompt that were read from the cache and written to it."""

    read_tokens: int = 0
    write_tokens: int = 0


class PromptCache:
    """Prefixes seen lately, by model; `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._expiry: Recent[bytes, float] = Recent(_MOST_PREFIXES)

    def use_marked(self, model: str, prompt: Prompt) -> CacheUse:
        """Read and write the prefixes that the request marks; the rest passes by."""
        lengths = [length for length in prompt.stable if length >= MIN_TOKENS]
        if not lengths:
            return CacheUse()
        read = self._use(model, prompt.ids, lengths)
        return CacheUse(read, lengths[-1] - read)

    def use_automatic(self, model: str, prompt: Prompt) -> CacheUse:
        """Read the longest known prefix; writing is free and not reported."""
        lengths = range(MIN_TOKENS, len(prompt.ids) + 1, STEP_TOKENS)
        return CacheUse(self._use(model, prompt.ids, lengths))

    def _use(self, model: str, ids: Sequence[int], lengths: Sequence[int]) -> int:
        now, longest = self._clock(), 0
        for length, key in zip(lengths, _keys(model, ids, lengths), strict=True):
            if self._expiry.get(key, now) > now:
                longest = length
            self._expiry[key] = now + KEPT_S
        return longest


def _keys(model: str, ids: Sequence[int], lengths: Sequence[int]) -> list[bytes]:
    digest = blake2b(model.encode() + b"\0", digest_size=16)
    keys: list[bytes] = []
    start = 0
    for length in lengths:
        digest.update(array("I", ids[start:length]).tobytes())
        keys.append(digest.copy().digest())
        start = length
    return keys

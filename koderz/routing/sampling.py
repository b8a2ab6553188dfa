"""A share of the small models' accepted answers, kept so that their quality can be measured later.

What is kept stays on this machine (`koderz.quality`); nothing is kept with a share of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeAlias

import msgspec

from koderz.errors import StoreError
from koderz.routing.routes import is_small
from koderz.types import CHORES, Completion, ModelInfo, Request, TaskKind

Facts: TypeAlias = Mapping[str, Any]
"""What a check was built from, as plain values: the same check can be built of it again."""

BuildFacts: TypeAlias = Callable[[], Facts]
"""Called only for an answer that is kept."""


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted answer of a small model with all that is needed to have it given again.

    `at` is aware; `answer` is its text. `facts` are empty where the job has none: then there is
    nothing but prose to compare.
    """

    at: datetime
    task: TaskKind
    model: str
    request: Request
    answer: str
    facts: Facts = {}
    is_simulated: bool = False


class Sampler:
    """Hands a random `share` of what it is offered to `keep`; the same ones for the same `rng`.

    An answer that cannot be kept is let go: the job that paid for it goes on.
    """

    def __init__(
        self, share: float, keep: Callable[[KeptAnswer], None], *, rng: Random | None = None
    ) -> None:
        self._share, self._keep = share, keep
        self._rng = rng or Random()  # noqa: S311 - a sample, not a secret
        self.failure = ""

    def offer(
        self,
        request: Request,
        completion: Completion,
        *,
        task: TaskKind,
        model: ModelInfo,
        build_facts: BuildFacts | None,
    ) -> None:
        """Keep the answer if it is a small model's to a small job, and its turn comes."""
        if task not in CHORES or not is_small(model.tier) or self._rng.random() >= self._share:
            return
        kept = KeptAnswer(
            at=datetime.now(UTC),
            task=task,
            model=model.name,
            request=request,
            answer=completion.text,
            facts=build_facts() if build_facts else {},
            is_simulated=completion.is_simulated,
        )
        try:
            self._keep(kept)
        except StoreError as error:
            self.failure = str(error)

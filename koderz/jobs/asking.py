"""A model's part in a job: each part of the input is asked about, some at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import msgspec

from koderz.errors import RequestRejectedError, RoutingError
from koderz.ledger.records import Attempt
from koderz.routing.checks import Check
from koderz.routing.routes import Route
from koderz.routing.sampling import Facts
from koderz.types import ModelInfo, Request, TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

P = TypeVar("P")
T = TypeVar("T")

TRIES_PER_MODEL = 2

# Other vendors' vocabularies cut the same text into more tokens than ours, and instructions and the
# schema take room as well.
CONTEXT_SHARE = 0.6


class PartAnswer(msgspec.Struct, Generic[P, T], frozen=True, kw_only=True):
    """What came of one part: a value, or None with the reason in `failure`."""

    part: P
    value: T | None
    attempts: tuple[Attempt, ...]
    failure: str = ""

    @property
    def model(self) -> str:
        """The model whose answer was accepted, "" where none was."""
        return "" if self.value is None else self.attempts[-1].model


class Asker(Generic[P, T]):
    """Asks a router about the parts of one job, which may cost `limit_usd` at most.

    `build_request` and `build_check` say what is asked of a part and what an answer must keep to;
    `build_facts` what that check is built of, as plain values (see `koderz.routing.sampling`).
    """

    def __init__(
        self,
        router: Router,
        task: TaskKind,
        *,
        build_request: Callable[[P], Request],
        build_check: Callable[[P], Check[T]],
        job_id: str,
        limit_usd: Decimal | None,
        build_facts: Callable[[P], Facts] | None = None,
    ) -> None:
        self._router, self._task = router, task
        self._build_request, self._build_check = build_request, build_check
        self._build_facts = build_facts
        self._job_id, self._limit_usd = job_id, limit_usd
        # The router's deadline runs from the moment of asking: a part asks when its turn comes.
        self._turns = asyncio.Semaphore(router.settings.koderz.routing.side_concurrency)

    async def ask_all(
        self, parts: Sequence[P], on_answer: Callable[[], None]
    ) -> tuple[PartAnswer[P, T], ...]:
        """An answer for every part, in order; `on_answer` is called as each one comes."""
        return tuple(await run_together([self._ask(part, on_answer) for part in parts]))

    async def _ask(self, part: P, on_answer: Callable[[], None]) -> PartAnswer[P, T]:
        try:
            async with self._turns:
                answer = await self._router.ask(
                    self._build_request(part),
                    self._task,
                    self._build_check(part),
                    job_id=self._job_id,
                    tries_per_model=TRIES_PER_MODEL,
                    limit_usd=self._limit_usd,
                    build_facts=partial(self._build_facts, part) if self._build_facts else None,
                )
        except (RoutingError, RequestRejectedError) as error:
            # No other model would do it: what needs no model still can.
            attempts = cast("tuple[Attempt, ...]", error.attempts)
            result = PartAnswer[P, T](part=part, value=None, attempts=attempts, failure=str(error))
        else:
            result = PartAnswer(part=part, value=answer.value, attempts=answer.attempts)
        on_answer()
        return result


def fit_prompt_tokens(wanted: int, route: Route) -> int:
    """Most tokens of a prompt's input: as wanted, fewer where the first model has less room."""
    context = route.models[0].context_tokens
    if context is None:
        return wanted
    return max(1, min(wanted, int((context - route.max_tokens) * CONTEXT_SHARE)))


async def run_together(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What they give, in order; if one fails, or we are cancelled, none of them is left running."""
    tasks = [asyncio.create_task(each) for each in coroutines]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def find_main_author(answers: Iterable[PartAnswer[P, T]], route: Route) -> ModelInfo | None:
    """The model that most accepted answers come from, the cheaper one of two; None without any."""
    counts = Counter(answer.model for answer in answers if answer.model)
    authors = [model for model in route.models if model.name in counts]
    return max(authors, key=lambda model: counts[model.name], default=None)


def list_attempts(answers: Iterable[PartAnswer[P, T]]) -> list[Attempt]:
    """All attempts that were made for these parts."""
    return [attempt for answer in answers for attempt in answer.attempts]

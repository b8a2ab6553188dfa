"""A model's part in a prompt over a list: some items at a time, each answered or with its error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

from koderz.errors import (
    ContentFilterError,
    ContextLengthError,
    KoderzError,
    RequestRejectedError,
    RoutingError,
)
from koderz.jobs.asking import TRIES_PER_MODEL, run_together
from koderz.jobs.map.checks import build_item_check, build_pack_check
from koderz.jobs.map.packing import Entry, Pack
from koderz.jobs.map.schemas import AnswerSchema
from koderz.jobs.map.tally import Tally
from koderz.jobs.results import name_author
from koderz.ledger.records import Attempt, Outcome
from koderz.prompts.map import Template, build_item_request, build_pack_request
from koderz.routing.checks import Check
from koderz.routing.sampling import Facts
from koderz.types import Request, TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Answer, Router

T = TypeVar("T")

ERROR_CHARS = 500


class Mapper:
    """Asks a router about the items of one job, which may cost `limit_usd` at most.

    `attempts` are all that were made; what comes of an item is settled in the tally.
    """

    def __init__(
        self,
        router: Router,
        tally: Tally,
        template: Template,
        schema: AnswerSchema | None,
        *,
        job_id: str,
        limit_usd: Decimal | None,
    ) -> None:
        self._router, self._tally = router, tally
        self._template, self._schema = template, schema
        self._job_id, self._limit_usd = job_id, limit_usd
        self._is_refused = False
        self.attempts: list[Attempt] = []

    @property
    def is_schema_refused(self) -> bool:
        """Whether a provider would not take the schema, so that it stood in the prompt alone."""
        return self._is_refused

    async def ask_all(
        self, packs: Sequence[Pack], *, at_once: int, on_settled: Callable[[], None]
    ) -> None:
        """Settle every item of these prompts, so many prompts at once.

        An item without an answer gets its error; raises only what no other item would be spared:
        a refused key, wrong settings, a store that cannot be written.
        """
        left = iter(packs)

        async def work() -> None:
            # The router's deadline runs from the moment of asking: each asks when its turn comes.
            for pack in left:
                await self._ask(pack)
                on_settled()

        await run_together([work() for _ in range(min(at_once, len(packs)))])

    async def _ask(self, pack: Pack) -> None:
        alone = pack
        if len(pack) > 1:
            alone = await self._ask_pack(pack)
        for entry in alone:
            await self._ask_one(entry)

    async def _ask_pack(self, pack: Pack) -> Pack:
        """Settle what the answer to a prompt about several can be used for; what is left over."""
        lines, schema = [entry.line for entry in pack], self._schema
        try:
            answer = await self._put(
                build_pack_request(self._template, lines, schema.schema if schema else None),
                build_pack_check([entry.code for entry in pack], schema),
                is_native=schema is None or schema.can_be_wrapped,
                codes=[entry.code for entry in pack],
            )
        except (RoutingError, RequestRejectedError) as error:
            if _may_do_better_alone(error):
                return pack
            for entry in pack:
                self._refuse(entry, error)
            return ()
        author = _name(answer)
        for entry in pack:
            if entry.code in answer.value:
                self._tally.settle(entry.prompt_id, value=answer.value[entry.code], by=author)
        return tuple(entry for entry in pack if entry.code not in answer.value)

    async def _ask_one(self, entry: Entry) -> None:
        schema = self._schema
        response = schema.response if schema else None
        try:
            answer = await self._put(
                build_item_request(self._template, entry.item.fields, response),
                build_item_check(schema),
                is_native=schema is not None and schema.is_native,
            )
        except (RoutingError, RequestRejectedError) as error:
            self._refuse(entry, error)
        else:
            self._tally.settle(entry.prompt_id, value=answer.value, by=_name(answer))

    def _refuse(self, entry: Entry, error: KoderzError) -> None:
        self._tally.settle(entry.prompt_id, error=" ".join(str(error).split())[:ERROR_CHARS])

    async def _put(
        self, request: Request, check: Check[T], *, is_native: bool, codes: Sequence[str] = ()
    ) -> Answer[T]:
        """The answer to a request; a provider that refuses its schema is asked without it."""
        in_words = msgspec.structs.replace(request, response_schema=None)
        if self._is_refused or not is_native:
            return await self._ask_router(in_words, check, codes)
        try:
            return await self._ask_router(request, check, codes)
        except RequestRejectedError as error:
            if isinstance(error, ContentFilterError | ContextLengthError):
                raise
        answer = await self._ask_router(in_words, check, codes)
        self._is_refused = True
        return answer

    async def _ask_router(
        self, request: Request, check: Check[T], codes: Sequence[str]
    ) -> Answer[T]:
        try:
            answer = await self._router.ask(
                request,
                TaskKind.BULK,
                check,
                job_id=self._job_id,
                tries_per_model=TRIES_PER_MODEL,
                limit_usd=self._limit_usd,
                build_facts=lambda: self._build_facts(codes),
            )
        except KoderzError as error:
            self.attempts += cast("tuple[Attempt, ...]", error.attempts)
            raise
        self.attempts += answer.attempts
        return answer

    def _build_facts(self, codes: Sequence[str]) -> Facts:
        """Of what the check is built; nothing where any text will do."""
        if self._schema is None and not codes:
            return {}
        return {"schema": self._schema and self._schema.schema, "codes": codes}


def _name(answer: Answer[T]) -> str:
    last = answer.attempts[-1]
    return name_author(last.model, is_simulated=last.is_simulated)


def _may_do_better_alone(error: KoderzError) -> bool:
    """Whether it was the content that failed: a refused prompt, or rejected answers."""
    attempts = cast("tuple[Attempt, ...]", error.attempts)
    is_rejected = any(attempt.outcome is Outcome.REJECTED for attempt in attempts)
    return is_rejected or isinstance(error, RequestRejectedError)

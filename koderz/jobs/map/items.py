"""One prompt over every item of a list: each with its answer or its error, in order.

    async with open_router() as router:
        result = await router.perform(MapItems(build_list(names), "Which country is {item} in?"))

Equal prompts are asked once. An answer is text, or a value that fits a JSON schema: one that does
not goes back with its reason, then to the next model of the route, the main model last. Items never
share a prompt unless they are packed, so one that gives orders has no say over others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from koderz.errors import JobError
from koderz.extract.lists import ListItem, list_fields
from koderz.jobs.map.asking import Mapper
from koderz.jobs.map.packing import pack_entries
from koderz.jobs.map.reports import build_plan, build_result
from koderz.jobs.map.results import MapPlan, MapResult, MapRow
from koderz.jobs.map.schemas import AnswerSchema
from koderz.jobs.map.tally import OnRows, Tally
from koderz.jobs.results import build_job_record
from koderz.prompts.map import Template
from koderz.routing.routes import Route
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

__all__ = ["ListItem", "MapItems", "MapPlan", "MapResult", "MapRow"]

SCHEMA_NOTE = "a provider refuses the schema: it stood in the prompt alone, and code held to it"


class MapItems(msgspec.Struct, frozen=True):
    """A job: `prompt` for each of `items`, its `{item}` and other fields filled in.

    `schema` is a JSON schema of the answers (None: text). `done` are rows of an earlier run, whose
    answers are kept. `pack` is the most items of one prompt, `max_concurrency` the most prompts at
    once (None: `[koderz.routing] side_concurrency`, which bounds it anyway), `max_usd` the most
    that the calls may cost (None: no limit but the budget). `on_plan` is told the price before
    anything is asked, `on_rows` of this run's rows as they are known, `on_progress` what is being
    done ("asking"), how many items are done, and out of how many.

    Raises:
        JobError: no items, an id twice, a prompt that names no field or one that there is not, no
            JSON schema, a limit out of range, or no model within reach.
        AuthenticationError: the provider refuses the key.
    """

    items: Sequence[ListItem]
    prompt: str
    schema: Mapping[str, Any] | None = None
    done: Sequence[MapRow] = ()
    pack: int = 1
    max_concurrency: int | None = None
    max_usd: Decimal | None = None
    on_plan: Callable[[MapPlan], None] | None = None
    on_rows: OnRows | None = None
    on_progress: Callable[[str, int, int], None] | None = None

    async def run(self, router: Router) -> MapResult:
        """Ask for the answers, and record what that saved."""
        self.check()
        schema = AnswerSchema(self.schema) if self.schema is not None else None
        route = router.route(TaskKind.BULK)
        tally = await asyncio.to_thread(self._build_tally, self.on_rows)
        tally.adopt(self.done)
        if tally.list_open() and not route.models:
            raise JobError(_say_no_model(route))
        tally.refuse_faulty()
        job_id = uuid4().hex
        template = Template(self.prompt)
        mapper = Mapper(router, tally, template, schema, job_id=job_id, limit_usd=self.max_usd)
        if tally.list_open():
            await self._ask(router, route, tally, mapper, schema)
        result = await asyncio.to_thread(
            build_result,
            router,
            route,
            tally,
            mapper.attempts,
            template=template,
            notes=[SCHEMA_NOTE] if mapper.is_schema_refused else [],
        )
        record = build_job_record(result, TaskKind.BULK, run_id=router.run_id, job_id=job_id)
        router.record_job(record)
        return result

    def list_prompt_ids(self) -> frozenset[str]:
        """What names each prompt as it is filled in, as the rows have it. Raises as the job."""
        self.check()
        return self._build_tally(None).prompt_ids

    def check(self) -> None:
        """Raise JobError for what the job cannot be done with."""
        for name, least in (("pack", self.pack), ("concurrency", self.max_concurrency)):
            if least is not None and least < 1:
                raise JobError(f"a {name} of {least} asks for nothing: give 1 or more")
        if self.max_usd is not None and not (self.max_usd.is_finite() and self.max_usd >= 0):
            raise JobError(f"a limit of ${self.max_usd} is none: give 0 or more")
        if not self.items:
            raise JobError("the list has no item")
        twice, count = Counter(item.id for item in self.items).most_common(1)[0]
        if count > 1:
            raise JobError(f"the id {twice!r} is that of {count} items: ids stand once")
        Template(self.prompt).check(list_fields(self.items))

    def _build_tally(self, on_rows: OnRows | None) -> Tally:
        return Tally(self.items, Template(self.prompt), self.schema, on_rows)

    async def _ask(
        self,
        router: Router,
        route: Route,
        tally: Tally,
        mapper: Mapper,
        schema: AnswerSchema | None,
    ) -> None:
        template, total = Template(self.prompt), len(self.items)
        packs = await asyncio.to_thread(pack_entries, tally.list_open(), template, route, self.pack)
        plan = await asyncio.to_thread(
            build_plan,
            router,
            route,
            packs,
            template=template,
            schema=schema,
            items=total,
            distinct=tally.distinct,
        )
        if self.on_plan:
            self.on_plan(plan)

        def report() -> None:
            if self.on_progress:
                self.on_progress("asking", tally.known, total)

        report()
        most = router.settings.koderz.routing.side_concurrency
        at_once = min(self.max_concurrency or most, most)
        await mapper.ask_all(packs, at_once=at_once, on_settled=report)


def _say_no_model(route: Route) -> str:
    return (
        f"no model is within reach ({route.reason}), and nothing else can do a prompt: set "
        "ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY, or start Ollama; `koderz doctor` "
        "shows what is missing"
    )

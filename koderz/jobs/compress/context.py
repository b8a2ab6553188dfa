"""A conversation within a budget: a summary of its earlier turns, the rest as it was.

    async with open_router() as router:
        result = await router.perform(CompressContext("conversation.json", budget_tokens=4000))
    messages = result.messages

Instructions, the user's last request and the recent tail stay verbatim, bodies of tools being cut
first. What was decided, touched, run, broken and left open is taken from the turns without a model
(`koderz.extract.chat`). A model adds a record of what they come to, which is used when it passes
its check (`koderz.jobs.compress.checks`); what it loses is put back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import msgspec

from koderz.config.settings import Settings
from koderz.errors import JobError
from koderz.extract.chat import Conversation, build_ledger, load_conversation, parse_messages
from koderz.extract.chat.turns import count_turns
from koderz.jobs.compress.models import Recorder
from koderz.jobs.compress.plans import Plan, build_plan
from koderz.jobs.compress.reports import (
    Draft,
    Outline,
    build_draft,
    build_result,
    pass_through,
    without_model,
)
from koderz.jobs.compress.results import CompressResult
from koderz.jobs.results import build_job_record
from koderz.routing.routes import Route
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

__all__ = ["CompressContext", "CompressResult", "compress_if_long"]

Source: TypeAlias = str | PathLike[str] | Sequence[Mapping[str, Any]] | Conversation
"""A conversation: its file, its messages, or itself as it was read."""


class CompressContext(msgspec.Struct, frozen=True):
    """A job: a conversation within `budget_tokens` (None: as the settings say).

    `source` is a list of messages in OpenAI's or Anthropic's format, or a file that holds one, an
    object with `messages`, or an agent's transcript as JSON lines. `max_usd` is the most that the
    calls may cost (None: as the settings say). Without `use_model` nothing is asked.

    Raises:
        JobError: no conversation, a message or line that is none, a budget that is too small.
        AuthenticationError: the provider refuses the key.
    """

    source: Source
    budget_tokens: int | None = None
    max_usd: Decimal | None = None
    use_model: bool = True

    async def run(self, router: Router) -> CompressResult:
        """Compress the conversation, and record what that saved."""
        self._check_limits()
        route = router.route(TaskKind.COMPRESSION)
        conversation = await asyncio.to_thread(load_source, self.source)
        job_id = uuid4().hex
        draft, outline = await self._compress(router, route, conversation, job_id)
        result = build_result(
            router,
            route,
            draft,
            outline,
            format=conversation.format,
            turns=len(conversation.turns),
        )
        router.record_job(
            build_job_record(result, TaskKind.COMPRESSION, run_id=router.run_id, job_id=job_id)
        )
        return result

    def _check_limits(self) -> None:
        if self.max_usd is not None and not (self.max_usd.is_finite() and self.max_usd >= 0):
            raise JobError(f"a limit of ${self.max_usd} is none: give 0 or more")
        if self.budget_tokens is not None and self.budget_tokens < 1:
            raise JobError(f"a budget of {self.budget_tokens} tokens is none: give 1 or more")

    async def _compress(
        self, router: Router, route: Route, conversation: Conversation, job_id: str
    ) -> tuple[Draft, Outline]:
        settings = router.settings.koderz.compress
        budget = self.budget_tokens or settings.budget_tokens
        tokens = await asyncio.to_thread(count_turns, conversation.turns)
        if budget is not None and tokens <= budget:
            reason = f"its {tokens:,} tokens are within the budget"
            ledger = build_ledger(conversation.turns)
            return pass_through(conversation, ledger, ""), without_model(reason)
        plan = await asyncio.to_thread(build_plan, conversation, budget, settings.tail_share)
        outline = await self._outline(router, route, plan, job_id)
        return await asyncio.to_thread(build_draft, plan, outline), outline

    async def _outline(self, router: Router, route: Route, plan: Plan, job_id: str) -> Outline:
        if not self.use_model:
            return without_model("no model was wanted")
        if not route.models:
            return without_model(route.reason)
        if not plan.old:
            return without_model("no earlier turns are left to sum up")
        limit_usd = self.max_usd
        if limit_usd is None:
            limit_usd = router.settings.koderz.compress.max_usd
        recorder = Recorder(router, plan, route, job_id=job_id, limit_usd=limit_usd)
        record = await recorder.ask()
        reason = route.reason
        if record.snapshot is None:
            reason = f"no model's record could be used: {record.failure}"
        return Outline(reason=reason, source=route.source, record=record)


def load_source(source: Source) -> Conversation:
    """The conversation of a job. Raises JobError."""
    if isinstance(source, (str, PathLike)):
        return load_conversation(Path(source))
    return source if isinstance(source, Conversation) else parse_messages(source)


async def compress_if_long(source: Source, router: Router) -> CompressResult | None:
    """The compressed conversation; None where it is short, or where settings switch it off."""
    if not is_wanted(router.settings) or not is_long(source, router.settings):
        return None
    return await router.perform(CompressContext(source))


def is_wanted(settings: Settings) -> bool:
    """Whether conversations are compressed under these settings."""
    small = settings.agent.small_model
    return small.enabled and small.use_for_compression


def is_long(source: Source, settings: Settings) -> bool:
    """Whether a conversation has messages enough to be compressed. Raises JobError."""
    least = settings.koderz.compress.min_messages
    if isinstance(source, (str, PathLike, Conversation)):
        return len(load_source(source).turns) >= least
    return len(source) >= least

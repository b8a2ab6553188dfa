"""The large read: a file's most telling lines within a budget, and what a model says of them.

    async with open_router() as router:
        result = await router.perform(ReadFile("build.log", "why did it fail?"))
    print(result.render())

The file is surveyed as a stream. With a model its most telling chunks are asked about, and each
quote of an answer is held against the lines it is said to come from (`koderz.jobs.quotes`);
a chunk without an accepted answer is read as everything is where there is no model: by severity,
rarity, the question, and a guaranteed tail (`koderz.extract`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from os import PathLike
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from koderz.errors import JobError
from koderz.extract import Survey, load_lines, load_survey
from koderz.extract.digest import LEAST_TOKENS
from koderz.jobs.read.chunks import Reader
from koderz.jobs.read.digests import ReadDigest, build_read_digest
from koderz.jobs.read.reports import Reading, build_result, find_author
from koderz.jobs.read.results import ReadResult, ReadSpan
from koderz.jobs.results import build_job_record
from koderz.routing.routes import Route, RouteSource
from koderz.tokens import count_tokens
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

__all__ = ["Progress", "ReadFile", "ReadResult", "ReadSpan"]

Progress = Callable[[str, int, int], None]
"""Told what is being done ("reading", "asking"), how much of it is done, and out of how much."""


class ReadFile(msgspec.Struct, frozen=True):
    """A job: the digest of a file, of at most `budget_tokens` tokens (None: as the settings say).

    Files up to `[koderz.read] min_size_kb`, and those that a digest would not make smaller, pass
    through as they are; `is_forced`, or a budget of its own, has small files read all the same.
    `max_usd` is the most that the calls may cost (None: as the settings say). Without `use_model`
    nothing is asked. `on_progress` may be called from another thread.

    Raises:
        JobError: the file is missing, empty, unreadable, a directory or binary, or a limit is
            out of its range.
        AuthenticationError: the provider refuses the key.
    """

    path: str | PathLike[str]
    question: str = ""
    budget_tokens: int | None = None
    is_forced: bool = False
    max_usd: Decimal | None = None
    use_model: bool = True
    on_progress: Progress | None = None

    async def run(self, router: Router) -> ReadResult:
        """Read the file and record what that saved."""
        budget_tokens = self._get_budget_tokens(router)
        route = router.route(TaskKind.LARGE_READ)
        survey = await self._load_survey()
        job_id = uuid4().hex
        if reason := self._say_why_whole(router, survey, budget_tokens):
            reading = await asyncio.to_thread(_load_whole, survey, reason)
        elif reason := self._say_why_no_model(route):
            reading = Reading(engine="extractive", reason=reason, source=RouteSource.NO_MODEL)
        else:
            reading = await self._ask_models(router, route, survey, job_id)
        body = reading.body or await self._reduce(survey, budget_tokens, reading, route)
        result = build_result(router, route, survey, reading, body)
        router.record_job(
            build_job_record(result, TaskKind.LARGE_READ, run_id=router.run_id, job_id=job_id)
        )
        return result

    async def _reduce(
        self, survey: Survey, budget_tokens: int, reading: Reading, route: Route
    ) -> ReadDigest:
        author = find_author(reading.answers, route)
        return await asyncio.to_thread(
            build_read_digest, survey, budget_tokens, reading.answers, author=author
        )

    def _get_budget_tokens(self, router: Router) -> int:
        budget_tokens = self.budget_tokens
        if budget_tokens is None:
            budget_tokens = router.settings.koderz.read.budget_tokens
        if budget_tokens < LEAST_TOKENS:
            raise JobError(
                f"a budget of {budget_tokens} tokens holds no line: give at least {LEAST_TOKENS}"
            )
        if self.max_usd is not None and not (self.max_usd.is_finite() and self.max_usd >= 0):
            raise JobError(f"a limit of ${self.max_usd} is none: give 0 or more")
        return budget_tokens

    async def _load_survey(self) -> Survey:
        path, is_left = Path(self.path), Event()

        def report(done_bytes: int) -> None:
            if is_left.is_set():
                raise InterruptedError
            self._report("reading", done_bytes, max(done_bytes, path.stat().st_size))

        try:
            return await asyncio.to_thread(load_survey, path, self.question, progress=report)
        except asyncio.CancelledError:
            # A thread cannot be cancelled: it ends at its next report.
            is_left.set()
            raise

    def _say_why_whole(self, router: Router, survey: Survey, budget_tokens: int) -> str:
        """Why the file passes through, "" where it does not."""
        if survey.tokens_in <= budget_tokens:
            return f"a digest would not be smaller: the file has {survey.tokens_in:,} tokens"
        limit_kb = router.settings.koderz.read.min_size_kb
        is_asked_for = self.is_forced or self.budget_tokens is not None
        if survey.size_bytes <= limit_kb * 1024 and not is_asked_for:
            return f"files up to {limit_kb} KB pass through unless a digest is asked for"
        return ""

    def _say_why_no_model(self, route: Route) -> str:
        if not self.use_model:
            return "no model was wanted"
        return "" if route.models else route.reason

    async def _ask_models(
        self, router: Router, route: Route, survey: Survey, job_id: str
    ) -> Reading:
        limit_usd = router.settings.koderz.read.max_usd if self.max_usd is None else self.max_usd
        reader = Reader(router, route, self.question, job_id=job_id, limit_usd=limit_usd)
        chunks, note = await reader.load_chunks(survey)
        answered = 0

        def count_answer() -> None:
            nonlocal answered
            answered += 1
            self._report("asking", answered, len(chunks))

        self._report("asking", 0, len(chunks))
        answers = await reader.ask_all(chunks, count_answer)
        return Reading.of(answers, route, note=note)

    def _report(self, what: str, done: int, total: int) -> None:
        if self.on_progress:
            self.on_progress(what, done, total)


def _load_whole(survey: Survey, reason: str) -> Reading:
    """The file as it is, which is what its digest would have been made of."""
    whole = load_lines(survey, 1, survey.line_count)
    span = ReadSpan(start=whole.start, end=whole.end, text=whole.text)
    body = ReadDigest(spans=(span,), gaps=(), paraphrase="", tokens_out=count_tokens(whole.text))
    return Reading(engine="passthrough", reason=reason, source="", body=body)

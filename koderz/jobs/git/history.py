"""The git history: every commit with its type and what decided it, grouped, with its receipt.

    async with open_router() as router:
        result = await router.perform(GitHistory("path/to/repo", "v1.2..HEAD"))
    print(result.render())

What messages and paths state is read without a model (`koderz.extract.git`). Only the commits that
this leaves uncategorised go to one, many a prompt; an answer is used when it gives every one of
them exactly one type of the set (`koderz.jobs.git.checks`), else they stay uncategorised.
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
from koderz.extract.git.commits import CommitType
from koderz.extract.git.groups import By
from koderz.extract.git.history import History, load_history
from koderz.jobs.git.batches import build_asker, build_batches
from koderz.jobs.git.rendering import Style
from koderz.jobs.git.reports import Judgement, build_result
from koderz.jobs.git.results import GitResult
from koderz.jobs.results import build_job_record
from koderz.routing.routes import Route
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

__all__ = ["GitHistory", "GitResult"]

DEFAULT_COUNT = 50


class GitHistory(msgspec.Struct, frozen=True):
    """A job: the newest `count` commits (None: all) of a repository's `range`, categorised.

    `repo` is any folder inside of it; a `range` is what git takes ("v1.2..HEAD", "main"; empty:
    what is checked out), `since` and `until` are dates as git understands them. `by` is what they
    are grouped by, `style` what `render` gives, `with_stats` adds changed files and lines.
    `max_usd` is the most that the calls may cost (None: as the settings say). Without `use_model`
    nothing is asked. `on_progress` is told what is being done ("reading", "asking"), how much is
    done, and out of how much; it may be called from another thread.

    Raises:
        JobError: no git, no repository, no commits, an unknown range, a date or limit out of range.
        AuthenticationError: the provider refuses the key.
    """

    repo: str | PathLike[str] = "."
    range: str = ""
    count: int | None = DEFAULT_COUNT
    since: str = ""
    until: str = ""
    by: By = "type"
    style: Style = "table"
    with_stats: bool = False
    max_usd: Decimal | None = None
    use_model: bool = True
    on_progress: Callable[[str, int, int], None] | None = None

    async def run(self, router: Router) -> GitResult:
        """Read and categorise the history, and record what that saved."""
        if self.max_usd is not None and not (self.max_usd.is_finite() and self.max_usd >= 0):
            raise JobError(f"a limit of ${self.max_usd} is none: give 0 or more")
        route = router.route(TaskKind.GIT_HISTORY)
        history = await self._load_history()
        job_id = uuid4().hex
        if reason := self._say_why_no_model(route, history):
            judgement = Judgement.without_model(reason)
        else:
            judgement = await self._ask_models(router, route, history, job_id)
        result = await asyncio.to_thread(
            build_result, router, route, history, judgement, by=self.by, style=self.style
        )
        router.record_job(
            build_job_record(result, TaskKind.GIT_HISTORY, run_id=router.run_id, job_id=job_id)
        )
        return result

    async def _load_history(self) -> History:
        is_left = Event()

        def report(done: int) -> None:
            if is_left.is_set():
                raise InterruptedError
            self._report("reading", done, max(done, self.count or done))

        try:
            return await asyncio.to_thread(
                load_history,
                Path(self.repo),
                self.range,
                count=self.count,
                since=self.since,
                until=self.until,
                with_stats=self.with_stats,
                progress=report,
            )
        except asyncio.CancelledError:
            # A thread cannot be cancelled: it ends at its next report.
            is_left.set()
            raise

    def _say_why_no_model(self, route: Route, history: History) -> str:
        if not any(commit.type is CommitType.UNCATEGORISED for commit in history.commits):
            return "messages and paths decide every commit"
        if not self.use_model:
            return "no model was wanted"
        return "" if route.models else route.reason

    async def _ask_models(
        self, router: Router, route: Route, history: History, job_id: str
    ) -> Judgement:
        settings = router.settings.koderz.git
        batches = await asyncio.to_thread(build_batches, history, route, settings.model_tokens)
        answered = 0

        def count_answer() -> None:
            nonlocal answered
            answered += 1
            self._report("asking", answered, len(batches))

        self._report("asking", 0, len(batches))
        limit_usd = settings.max_usd if self.max_usd is None else self.max_usd
        asker = build_asker(router, job_id=job_id, limit_usd=limit_usd)
        return Judgement.of(await asker.ask_all(batches, count_answer), route)

    def _report(self, what: str, done: int, total: int) -> None:
        if self.on_progress:
            self.on_progress(what, done, total)

"""A model's part in a git history: the commits that nothing decided, many a prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, cast

import msgspec

from koderz.errors import RequestRejectedError, RoutingError
from koderz.extract.git.commits import Commit, CommitType
from koderz.extract.git.history import History
from koderz.extract.git.messages import clip, flatten
from koderz.jobs.git_checks import Types, build_types_check
from koderz.ledger.records import Attempt
from koderz.prompts.git import OpenCommit, build_types_request, encode_commit
from koderz.routing.routes import Route
from koderz.tokens import count_tokens
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

TRIES_PER_MODEL = 2
PROMPT_TOKENS = 6000
SUBJECT_CHARS = 300
BODY_CHARS = 240
PATH_CHARS = 120

# Other vendors' vocabularies cut the same text into more tokens, and some models add white space.
ANSWER_MARGIN = 1.35
CONTEXT_SHARE = 0.6
_ANSWER_LINE = '    {\n      "hash": "HASH",\n      "type": "uncategorised"\n    },\n'


class Batch(msgspec.Struct, frozen=True):
    """The commits of one prompt: their hashes as shown, and the line of each."""

    hashes: tuple[str, ...]
    lines: tuple[str, ...]


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one prompt: types by hash as shown, or None with the reason in `failure`."""

    batch: Batch
    types: Types | None
    attempts: tuple[Attempt, ...]
    failure: str = ""

    @property
    def model(self) -> str:
        """The model whose answer was accepted, "" where none was."""
        return self.attempts[-1].model if self.types is not None else ""


def build_batches(history: History, route: Route) -> tuple[Batch, ...]:
    """The uncategorised commits in as few prompts as the caps on tokens allow, in their order."""
    open_commits = [each for each in history.commits if each.type is CommitType.UNCATEGORISED]
    most_commits = count_answerable(route.max_tokens, history.hash_chars)
    most_tokens = fit_prompt_tokens(route)
    batches: list[Batch] = []
    hashes: list[str] = []
    lines: list[str] = []
    tokens = 0
    for commit in open_commits:
        line = encode_commit(describe(commit, history))
        cost = count_tokens(line) + 1
        if lines and (len(lines) >= most_commits or tokens + cost > most_tokens):
            batches.append(Batch(tuple(hashes), tuple(lines)))
            hashes, lines, tokens = [], [], 0
        hashes.append(commit.hash[: history.hash_chars])
        lines.append(line)
        tokens += cost
    return (*batches, Batch(tuple(hashes), tuple(lines))) if lines else ()


def describe(commit: Commit, history: History) -> OpenCommit:
    """What a model is shown of a commit."""
    excerpt = history.excerpts[commit.hash]
    return OpenCommit(
        hash=commit.hash[: history.hash_chars],
        subject=clip(flatten(commit.subject), SUBJECT_CHARS),
        body=clip(flatten(" ".join(excerpt.body.split())), BODY_CHARS),
        paths=tuple(clip(flatten(path), PATH_CHARS) for path in excerpt.paths),
        path_count=excerpt.path_count,
    )


def count_answerable(max_tokens: int, hash_chars: int) -> int:
    """How many commits an answer of this many tokens has room for, however it is laid out."""
    line = _ANSWER_LINE.replace("HASH", ("0d9e8f7c6b5a4" * 5)[:hash_chars])
    return max(1, max_tokens // ceil(count_tokens(line) * ANSWER_MARGIN))


def fit_prompt_tokens(route: Route) -> int:
    """Most tokens of a prompt's commits: fewer where the first model's context is small."""
    context = route.models[0].context_tokens
    if context is None:
        return PROMPT_TOKENS
    return max(1, min(PROMPT_TOKENS, int((context - route.max_tokens) * CONTEXT_SHARE)))


class Categoriser:
    """Asks a router about batches of commits for one job, which may cost `limit_usd` at most."""

    def __init__(self, router: Router, *, job_id: str, limit_usd: Decimal | None) -> None:
        self._router, self._job_id, self._limit_usd = router, job_id, limit_usd
        # The router's deadline runs from the moment of asking: a batch asks when its turn comes.
        self._turns = asyncio.Semaphore(router.settings.koderz.routing.side_concurrency)

    async def ask_all(
        self, batches: Sequence[Batch], on_answer: Callable[[], None]
    ) -> tuple[BatchAnswer, ...]:
        """An answer for every batch, in order; `on_answer` is called as each one comes."""
        tasks = [asyncio.create_task(self._ask(batch, on_answer)) for batch in batches]
        try:
            return tuple(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _ask(self, batch: Batch, on_answer: Callable[[], None]) -> BatchAnswer:
        try:
            async with self._turns:
                answer = await self._router.ask(
                    build_types_request(batch.lines),
                    TaskKind.GIT_HISTORY,
                    build_types_check(batch.hashes),
                    job_id=self._job_id,
                    tries_per_model=TRIES_PER_MODEL,
                    limit_usd=self._limit_usd,
                )
        except (RoutingError, RequestRejectedError) as error:
            # No other model would do it: these commits stay as they are.
            attempts = cast("tuple[Attempt, ...]", error.attempts)
            result = BatchAnswer(batch=batch, types=None, attempts=attempts, failure=str(error))
        else:
            result = BatchAnswer(batch=batch, types=answer.value, attempts=answer.attempts)
        on_answer()
        return result

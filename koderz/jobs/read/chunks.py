"""A model's part in a large read: each chunk is asked about, some at a time, within a limit."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from koderz.extract import Span, Survey, load_chunks
from koderz.jobs.asking import Asker, PartAnswer
from koderz.jobs.read.findings import ChunkReading, build_reading_check, score_lines
from koderz.prompts.read import build_read_request
from koderz.routing.attempts import Call, estimate_cost_usd
from koderz.routing.checks import Check
from koderz.routing.requests import fill_limits, fit_to_model
from koderz.routing.routes import Route
from koderz.routing.sampling import Facts
from koderz.types import ModelInfo, Request, TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

# A line this grave that also says so is an error by its own words: a model that finds nothing has
# overlooked it. Marks alone (a `>` in front, a count) are not enough to reject an answer for.
MUST_KEEP_SEVERITY = 0.85
_SAYS_SO = re.compile(
    r"(?<![a-z])(?:errors?|err|fail(?:ed|ure|ures|s)?|fatal|exception|panic|critical|traceback"
    r"|abort(?:ed)?|killed|segfault)(?![a-z])|[a-z](?:Error|Exception|Failure)\b",
    re.IGNORECASE,
)

# Numbers before lines, the system prompt and other vendors' vocabularies take room in a context.
CONTEXT_SHARE = 0.6
LEAST_CHUNK_TOKENS = 500


ChunkAnswer: TypeAlias = PartAnswer[Span, ChunkReading]
"""What came of one chunk of a file."""


class Reader:
    """Asks a router about chunks of one file for one job, which may cost `limit_usd` at most."""

    def __init__(
        self,
        router: Router,
        route: Route,
        question: str,
        *,
        job_id: str,
        limit_usd: Decimal | None,
    ) -> None:
        self._router, self._route, self._question = router, route, question
        self._job_id, self._limit_usd = job_id, limit_usd

    async def load_chunks(self, survey: Survey) -> tuple[tuple[Span, ...], str]:
        """The chunks that the caps allow; with a note where money allows fewer than tokens do."""
        read = self._router.settings.koderz.read
        size = fit_chunk_tokens(read.chunk_tokens, self._route)
        chunks = await asyncio.to_thread(
            load_chunks, survey, chunk_tokens=size, max_chunks=read.max_chunks
        )
        affordable, note = self._count_affordable(chunks)
        if affordable >= len(chunks):
            return chunks, ""
        if not affordable:
            return (), note
        chunks = await asyncio.to_thread(
            load_chunks, survey, chunk_tokens=size, max_chunks=affordable
        )
        return chunks, note

    async def ask_all(
        self, chunks: Sequence[Span], on_answer: Callable[[], None]
    ) -> tuple[ChunkAnswer, ...]:
        """An answer for every chunk, in order; `on_answer` is called as each one comes."""
        asker = Asker(
            self._router,
            TaskKind.LARGE_READ,
            build_request=self._build_request,
            build_check=_build_check,
            build_facts=_build_facts,
            job_id=self._job_id,
            limit_usd=self._limit_usd,
        )
        return await asker.ask_all(chunks, on_answer)

    def _build_request(self, chunk: Span) -> Request:
        return build_read_request(self._question, chunk.start, chunk.lines)

    def _count_affordable(self, chunks: Sequence[Span]) -> tuple[int, str]:
        """How many chunks the limit covers, each asked about once at the first model."""
        model = self._route.models[0]
        if self._limit_usd is None or not chunks:
            return len(chunks), ""
        costs = [self._estimate_usd(chunk, model) for chunk in chunks]
        known = [cost for cost in costs if cost is not None]
        if len(known) < len(costs):
            return 0, f"the price of {model.name} is unknown, so it cannot be kept within a limit"
        dearest = max(known)
        count = int(self._limit_usd // dearest) if dearest else len(chunks)
        return count, (
            f"a limit of ${self._limit_usd:f} covers {count} of {len(chunks)} chunks "
            f"(up to ${dearest:.4f} each from {model.name})"
        )

    def _estimate_usd(self, chunk: Span, model: ModelInfo) -> Decimal | None:
        request = fill_limits(self._build_request(chunk), self._route)
        call = Call(
            request=fit_to_model(request, model, task=TaskKind.LARGE_READ),
            model=model,
            price=self._router.price(model),
            route=self._route,
            run_id=self._router.run_id,
            job_id=self._job_id,
        )
        return estimate_cost_usd(call)


def _build_check(chunk: Span) -> Check[ChunkReading]:
    return build_reading_check(chunk, must_keep_line=find_gravest_line(chunk))


def _build_facts(chunk: Span) -> Facts:
    """What the check of a chunk's answers is built of, as `koderz.quality.measures` reads it."""
    return {
        "start": chunk.start,
        "lines": chunk.lines,
        "must_keep_line": find_gravest_line(chunk),
    }


def fit_chunk_tokens(wanted: int, route: Route) -> int:
    """The tokens of a chunk: those wanted, or fewer where the first model's context is small."""
    context = route.models[0].context_tokens
    if context is None:
        return wanted
    room = int((context - route.max_tokens) * CONTEXT_SHARE)
    return min(wanted, max(room, LEAST_CHUNK_TOKENS))


def find_gravest_line(chunk: Span) -> int | None:
    """The number of the chunk's gravest line if it is an error by its own words, else None."""
    said = [number for number, line in enumerate(chunk.lines) if _SAYS_SO.search(line)]
    scored = [(score_lines([chunk.lines[number]]), -number) for number in said]
    grave, number = max(scored, default=(0.0, 0))
    return chunk.start - number if grave >= MUST_KEEP_SEVERITY else None

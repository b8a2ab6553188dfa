"""The receipt of a large read: who did it, why, at what cost, and what happened on the way."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import msgspec

from koderz.extract import Survey
from koderz.jobs.read_chunks import ChunkAnswer
from koderz.jobs.read_digests import ReadDigest
from koderz.jobs.read_results import ReadEngine, ReadResult, name_author, summarize_attempt
from koderz.jobs.receipts import build_bill
from koderz.ledger.records import Attempt, JobRecord
from koderz.routing.routes import Route
from koderz.tokens import VOCABULARY
from koderz.types import ModelInfo, TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Who read the file and why; `body` is there where it is known before any reduce."""

    engine: ReadEngine
    reason: str
    source: str
    answers: tuple[ChunkAnswer, ...] = ()
    body: ReadDigest | None = None
    note: str = ""

    @classmethod
    def of(cls, answers: tuple[ChunkAnswer, ...], route: Route, *, note: str) -> Self:
        """The reading that these answers amount to; `note` says what a limit left out."""
        accepted = [answer for answer in answers if answer.reading]
        engine: ReadEngine = "mixed" if accepted else "extractive"
        if len(accepted) == len(answers) > 0:
            engine = "model"
        failure = next((answer.failure for answer in answers), note)
        reason = route.reason if accepted else failure
        return cls(engine=engine, reason=reason, source=route.source, answers=answers, note=note)


def build_result(
    router: Router, route: Route, survey: Survey, reading: Reading, body: ReadDigest
) -> ReadResult:
    """The whole result of a read."""
    attempts = _list_attempts(reading.answers)
    bill = build_bill(
        router,
        route.main,
        tokens_in=survey.tokens_in,
        tokens_out=body.tokens_out,
        attempts=attempts,
    )
    model = find_main_reader(reading.answers, route)
    return ReadResult(
        path=_clean(os.fspath(survey.path)),
        question=_clean(survey.question),
        spans=body.spans,
        gaps=body.gaps,
        paraphrase=body.paraphrase,
        tokens_in=survey.tokens_in,
        tokens_out=body.tokens_out,
        vocabulary=VOCABULARY,
        engine=reading.engine,
        model=model.name if model else None,
        tier=model.tier if model else None,
        route_source=reading.source,
        reason=reading.reason,
        cost_usd=bill.cost_usd,
        baseline_usd=bill.baseline_usd,
        baseline=bill.baseline,
        digest_usd=bill.digest_usd,
        saved_usd=bill.saved_usd,
        attempts=tuple(map(summarize_attempt, attempts)),
        quotes_dropped=sum(each.reading.quotes_dropped for each in reading.answers if each.reading),
        notes=tuple(_list_notes(survey, reading, model)),
        simulated=any(attempt.is_simulated for attempt in attempts),
    )


def build_job_record(result: ReadResult, *, run_id: str, job_id: str) -> JobRecord:
    """The ledger's record of a finished read."""
    return JobRecord(
        at=datetime.now(UTC),
        run_id=run_id,
        job_id=job_id,
        task=TaskKind.LARGE_READ,
        engine="model" if result.engine == "mixed" else result.engine,
        tokens_in=result.tokens_in,
        tokens_out=result.tokens_out,
        baseline_usd=result.baseline_usd,
        digest_usd=result.digest_usd,
        baseline=result.baseline,
        is_simulated=result.simulated,
    )


def find_main_reader(answers: Iterable[ChunkAnswer], route: Route) -> ModelInfo | None:
    """The model that most accepted answers come from, the cheaper one of two; None without any."""
    counts = Counter(answer.model for answer in answers if answer.model)
    readers = [model for model in route.models if model.name in counts]
    return max(readers, key=lambda model: counts[model.name], default=None)


def find_author(answers: Sequence[ChunkAnswer], route: Route) -> str:
    """Who wrote the prose of these answers, as it stands above it."""
    model = find_main_reader(answers, route)
    is_simulated = any(attempt.is_simulated for attempt in _list_attempts(answers))
    return name_author(model.name if model else None, is_simulated=is_simulated)


def _list_attempts(answers: Iterable[ChunkAnswer]) -> list[Attempt]:
    return [attempt for answer in answers for attempt in answer.attempts]


def _list_notes(survey: Survey, reading: Reading, main: ModelInfo | None) -> Iterator[str]:
    """What a reader of the result should know of how it came about, a line each."""
    yield from survey.notes
    if not survey.is_tokens_exact:
        yield "the tokens of the whole file are estimated"
    if reading.note:
        yield reading.note
    covered = sum(answer.chunk.end - answer.chunk.start + 1 for answer in reading.answers)
    if 0 < covered < survey.line_count:
        yield f"{covered:,} of {survey.line_count:,} lines were shown to a model"
    others = Counter(answer.model for answer in reading.answers if answer.model)
    for model, count in others.items():
        if main and model != main.name:
            yield f"{count} of {len(reading.answers)} chunks were read by {model}"
    yield from _list_failures(reading.answers)


def _list_failures(answers: Iterable[ChunkAnswer]) -> Iterator[str]:
    failures: dict[str, list[str]] = {}
    for answer in answers:
        if not answer.reading:
            place = f"{answer.chunk.start}-{answer.chunk.end}"
            failures.setdefault(answer.failure, []).append(place)
    for failure, places in failures.items():
        yield f"lines {', '.join(places)} were read without a model: {failure}"


def _clean(text: str) -> str:
    """Text that can be written as UTF-8, whatever bytes a file's name is made of."""
    return text.encode(errors="replace").decode()

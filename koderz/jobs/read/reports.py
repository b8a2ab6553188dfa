"""The receipt of a large read: who did it, why, at what cost, and what happened on the way."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Self

import msgspec

from koderz.extract import Survey
from koderz.jobs.asking import find_main_author, list_attempts
from koderz.jobs.read.chunks import ChunkAnswer
from koderz.jobs.read.digests import ReadDigest
from koderz.jobs.read.results import ReadResult
from koderz.jobs.receipts import build_bill, build_receipt
from koderz.jobs.results import JobEngine, clean_text, name_author
from koderz.routing.routes import Route
from koderz.types import ModelInfo

if TYPE_CHECKING:
    from koderz.routing.router import Router


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Who read the file and why; `body` is there where it is known before any reduce."""

    engine: JobEngine
    reason: str
    source: str
    answers: tuple[ChunkAnswer, ...] = ()
    body: ReadDigest | None = None
    note: str = ""

    @classmethod
    def of(cls, answers: tuple[ChunkAnswer, ...], route: Route, *, note: str) -> Self:
        """The reading that these answers amount to; `note` says what a limit left out."""
        accepted = [answer for answer in answers if answer.value]
        engine: JobEngine = "mixed" if accepted else "extractive"
        if len(accepted) == len(answers) > 0:
            engine = "model"
        failure = next((answer.failure for answer in answers), note)
        reason = route.reason if accepted else failure
        return cls(engine=engine, reason=reason, source=route.source, answers=answers, note=note)


def build_result(
    router: Router, route: Route, survey: Survey, reading: Reading, body: ReadDigest
) -> ReadResult:
    """The whole result of a read."""
    attempts = list_attempts(reading.answers)
    bill = build_bill(
        router,
        route.main,
        tokens_in=survey.tokens_in,
        tokens_out=body.tokens_out,
        attempts=attempts,
    )
    model = find_main_author(reading.answers, route)
    return ReadResult(
        path=clean_text(os.fspath(survey.path)),
        question=clean_text(survey.question),
        spans=body.spans,
        gaps=body.gaps,
        paraphrase=body.paraphrase,
        engine=reading.engine,
        route_source=reading.source,
        reason=reading.reason,
        quotes_dropped=sum(each.value.quotes_dropped for each in reading.answers if each.value),
        notes=tuple(_list_notes(survey, reading, model)),
        **build_receipt(bill, attempts, model),
    )


def find_author(answers: Sequence[ChunkAnswer], route: Route) -> str:
    """Who wrote the prose of these answers, as it stands above it."""
    model = find_main_author(answers, route)
    is_simulated = any(attempt.is_simulated for attempt in list_attempts(answers))
    return name_author(model.name if model else None, is_simulated=is_simulated)


def _list_notes(survey: Survey, reading: Reading, main: ModelInfo | None) -> Iterator[str]:
    """What a reader of the result should know of how it came about, a line each."""
    yield from survey.notes
    if not survey.is_tokens_exact:
        yield "the tokens of the whole file are estimated"
    if reading.note:
        yield reading.note
    covered = sum(answer.part.end - answer.part.start + 1 for answer in reading.answers)
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
        if not answer.value:
            place = f"{answer.part.start}-{answer.part.end}"
            failures.setdefault(answer.failure, []).append(place)
    for failure, places in failures.items():
        yield f"lines {', '.join(places)} were read without a model: {failure}"

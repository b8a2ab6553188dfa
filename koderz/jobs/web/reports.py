"""The receipt of a web page: who read it, why, at what cost, and what that saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

import msgspec

from koderz.extract.web.excerpts import DroppedSection, PageSpan
from koderz.extract.web.pages import Page
from koderz.jobs.asking import PartAnswer, find_main_author
from koderz.jobs.read.results import render_paraphrase
from koderz.jobs.receipts import build_bill, build_receipt
from koderz.jobs.results import JobEngine, clean_text, name_author
from koderz.jobs.web.answers import PageAnswer, Shown
from koderz.jobs.web.results import WebResult
from koderz.jobs.web.sources import Source
from koderz.ledger.records import Attempt
from koderz.routing.routes import Route
from koderz.tokens import count_tokens

if TYPE_CHECKING:
    from koderz.routing.router import Router


class LoadedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page with what it weighs: as it came, and as plain Markdown."""

    source: Source
    page: Page
    tokens_raw: int
    tokens_markdown: int


class WebReading(msgspec.Struct, frozen=True, kw_only=True):
    """Who read the page, and why; `answers` is what came of asking: empty where nobody was."""

    engine: JobEngine
    reason: str
    source: str
    answers: tuple[PartAnswer[Shown, PageAnswer], ...] = ()

    @classmethod
    def of(cls, answers: tuple[PartAnswer[Shown, PageAnswer], ...], route: Route) -> Self:
        """The reading that an answer amounts to."""
        if answers[0].value is None:
            reason = f"no model's answer could be used: {answers[0].failure}"
            return cls(engine="extractive", reason=reason, source=route.source, answers=answers)
        return cls(engine="model", reason=route.reason, source=route.source, answers=answers)

    @property
    def answer(self) -> PageAnswer | None:
        """The accepted answer, None without one."""
        return next((each.value for each in self.answers), None)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every call that was made."""
        return tuple(attempt for each in self.answers for attempt in each.attempts)

    @property
    def is_simulated(self) -> bool:
        """Whether models of the simulator were asked."""
        return any(attempt.is_simulated for attempt in self.attempts)


class WebBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is given of the page: `paraphrase` in a model's words, `text` in the page's own."""

    paraphrase: str
    text: str
    spans: tuple[PageSpan, ...]
    dropped: tuple[DroppedSection, ...]


def build_result(
    router: Router,
    route: Route,
    loaded: LoadedPage,
    reading: WebReading,
    body: WebBody,
    *,
    path: str,
    question: str,
) -> WebResult:
    """The whole result of a web page."""
    text = render_text(reading, body, route)
    tokens_out = count_tokens(text)
    bill = build_bill(
        router,
        route.main,
        tokens_in=loaded.tokens_markdown,
        tokens_out=tokens_out,
        attempts=reading.attempts,
        remark=", which is the page as plain Markdown",
    )
    model = find_main_author(reading.answers, route)
    answer = reading.answer
    return WebResult(
        path=clean_text(path),
        url=clean_text(loaded.source.name),
        title=clean_text(loaded.page.title),
        question=clean_text(question),
        text=text,
        spans=body.spans,
        dropped=body.dropped,
        paraphrase=body.paraphrase,
        is_answered=answer.is_answered if answer else None,
        tokens_raw_html=loaded.tokens_raw,
        tokens_markdown=loaded.tokens_markdown,
        engine=reading.engine,
        route_source=reading.source,
        reason=reading.reason,
        quotes_dropped=answer.quotes_dropped if answer else 0,
        notes=tuple(_list_notes(loaded, reading)),
        **build_receipt(bill, reading.attempts, model),
    )


def render_text(reading: WebReading, body: WebBody, route: Route) -> str:
    """The text with the model's words, marked as such, on top."""
    model = find_main_author(reading.answers, route)
    author = name_author(model.name if model else None, is_simulated=reading.is_simulated)
    top = render_paraphrase(body.paraphrase, author)
    return "\n".join([*top, body.text]).rstrip("\n")


def _list_notes(loaded: LoadedPage, reading: WebReading) -> Iterator[str]:
    """What a reader of the result should know of how it came about, a line each."""
    yield from loaded.source.notes
    yield from loaded.page.notes
    if reading.answer and not reading.answer.is_answered:
        yield "the model says that the page does not answer the question"
    for each in reading.answers:
        if each.value is None:
            yield f"the page was read without a model: {each.failure}"

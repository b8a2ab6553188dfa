"""The web page: its subject without what stands around it, or what answers a question.

    async with open_router() as router:
        result = await router.perform(WebSummary("https://example.com/guide", "how is it set?"))
    print(result.text)

The page is cut down to its subject, and its sections are ranked by the question, without a model
(`koderz.extract.web`). With a model the question is answered from the subject alone, and each quote
of the answer is held against the lines that the model was shown (`koderz.jobs.web.answers`). Where
nothing is asked and the subject fits the budget, no model is needed and none is asked.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from decimal import Decimal
from os import PathLike
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from koderz.config.settings import WebSettings
from koderz.errors import JobError
from koderz.extract.web.choosing import (
    LEAST_TOKENS,
    build_page_digest,
    fit_blocks,
    rank_blocks,
    take_blocks,
)
from koderz.extract.web.excerpts import PageSpan
from koderz.extract.web.pages import Page, build_page
from koderz.jobs.asking import Asker
from koderz.jobs.results import build_job_record
from koderz.jobs.web.answers import (
    PageAnswer,
    Shown,
    build_answer_check,
    list_lines,
    list_places,
)
from koderz.jobs.web.reports import LoadedPage, WebBody, WebReading, build_result, render_text
from koderz.jobs.web.results import WebResult
from koderz.jobs.web.sources import load_source
from koderz.prompts.web import build_web_request
from koderz.routing.routes import Route, RouteSource
from koderz.tokens import count_tokens
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

__all__ = ["WebResult", "WebSummary"]

# Numbers before lines, the system prompt and other vendors' vocabularies take room in a context.
CONTEXT_SHARE = 0.6
PARAPHRASE_SHARE = 0.6
CLIP_STEP = 0.85
LEAST_MODEL_TOKENS = 500


class WebSummary(msgspec.Struct, frozen=True):
    """A job: what matters in the page `source`, a URL or a file, in `budget_tokens` at most.

    None takes the settings' budget: one for a page as it is, a smaller one for a `question`. Pages
    up to `[koderz.web] min_tokens`, and those that a digest would not make smaller, pass through as
    plain Markdown; `is_whole` asks for that of any page. `max_usd` is the most that the calls may
    cost; without `use_model` nothing is asked. `allow_private` lets pages come from this machine
    and private networks. None of these three means: as the settings say.

    Raises:
        JobError: the file is missing, empty or binary, the URL is none, or a limit out of range.
        FetchError: the page could not be had from its server.
        AuthenticationError: the provider refuses the key.
    """

    source: str | PathLike[str]
    question: str = ""
    budget_tokens: int | None = None
    is_whole: bool = False
    max_usd: Decimal | None = None
    use_model: bool = True
    allow_private: bool | None = None
    on_progress: Callable[[str, int, int], None] | None = None

    async def run(self, router: Router) -> WebResult:
        """Read the page and record what that saved."""
        settings = self._get_settings(router)
        budget_tokens = self._get_budget_tokens(settings)
        route = router.route(TaskKind.WEB_SUMMARY)
        self._report("fetching", 0)
        loaded = await self._load(settings)
        self._report("fetching", 1)
        job_id = uuid4().hex
        if reason := self._say_why_whole(settings, loaded):
            reading, body = _pass_through(loaded, reason)
        else:
            reading = await self._find_reading(router, route, loaded, budget_tokens, job_id=job_id)
            reading, body = await asyncio.to_thread(
                self._compose, loaded, reading, route, budget_tokens
            )
        result = build_result(
            router,
            route,
            loaded,
            reading,
            body,
            path=os.fspath(self.source),
            question=self.question,
        )
        record = build_job_record(result, TaskKind.WEB_SUMMARY, run_id=router.run_id, job_id=job_id)
        router.record_job(record)
        return result

    def _get_settings(self, router: Router) -> WebSettings:
        settings = router.settings.koderz.web
        if self.max_usd is not None and not (self.max_usd.is_finite() and self.max_usd >= 0):
            raise JobError(f"a limit of ${self.max_usd} is none: give 0 or more")
        if self.allow_private is None:
            return settings
        return msgspec.structs.replace(settings, allow_private=self.allow_private)

    def _get_budget_tokens(self, settings: WebSettings) -> int:
        default = settings.answer_tokens if self.question.strip() else settings.budget_tokens
        budget_tokens = default if self.budget_tokens is None else self.budget_tokens
        if budget_tokens < LEAST_TOKENS:
            raise JobError(
                f"a budget of {budget_tokens} tokens holds no line: give at least {LEAST_TOKENS}"
            )
        return budget_tokens

    async def _load(self, settings: WebSettings) -> LoadedPage:
        source = await load_source(self.source, settings)
        page = await asyncio.to_thread(build_page, source.text, source.kind)
        if not page.blocks:
            raise JobError(f"{source.name} holds no text: it may be built by scripts in a browser")
        return LoadedPage(
            source=source,
            page=page,
            tokens_raw=await asyncio.to_thread(count_tokens, source.text),
            tokens_markdown=await asyncio.to_thread(count_tokens, page.markdown),
        )

    def _say_why_whole(self, settings: WebSettings, loaded: LoadedPage) -> str:
        """Why the page passes through, "" where it does not."""
        if self.is_whole:
            return "the whole page was asked for"
        tokens = loaded.tokens_markdown
        is_within = self.budget_tokens is None or tokens <= self.budget_tokens
        if tokens <= settings.min_tokens and is_within:
            return f"pages of up to {settings.min_tokens:,} tokens pass through"
        return ""

    def _say_why_no_model(self, route: Route, loaded: LoadedPage, budget_tokens: int) -> str:
        if not self.use_model:
            return "no model was wanted"
        if not route.models:
            return route.reason
        if self.question.strip():
            return ""
        subject = sum(count_tokens(loaded.page.blocks[at].markdown) for at in loaded.page.subject)
        fits = subject <= budget_tokens
        return "nothing was asked, and the page's subject fits the budget" if fits else ""

    async def _find_reading(
        self, router: Router, route: Route, loaded: LoadedPage, budget_tokens: int, *, job_id: str
    ) -> WebReading:
        if reason := self._say_why_no_model(route, loaded, budget_tokens):
            return WebReading(engine="extractive", reason=reason, source=RouteSource.NO_MODEL)
        settings, page = router.settings.koderz.web, loaded.page
        room = fit_model_tokens(settings.model_tokens, route)
        asker = Asker[Shown, PageAnswer](
            router,
            TaskKind.WEB_SUMMARY,
            build_request=lambda shown: build_web_request(self.question, list_lines(page, shown)),
            build_check=lambda shown: build_answer_check(page, shown),
            build_facts=lambda shown: {
                "lines": list_lines(page, shown),
                "places": list_places(page, shown),
            },
            job_id=job_id,
            limit_usd=settings.max_usd if self.max_usd is None else self.max_usd,
        )
        shown = await asyncio.to_thread(self._choose_shown, page, room)
        self._report("asking", 0)
        answers = await asker.ask_all([shown], lambda: self._report("asking", 1))
        return WebReading.of(answers, route)

    def _choose_shown(self, page: Page, room_tokens: int) -> Shown:
        """The blocks that a model sees: what the question is near to, then the rest in order."""
        ranked = rank_blocks(page, self.question) if self.question.strip() else []
        return tuple(sorted(take_blocks(page, [*ranked, *page.subject], room_tokens)))

    def _compose(
        self, loaded: LoadedPage, reading: WebReading, route: Route, budget_tokens: int
    ) -> tuple[WebReading, WebBody]:
        """What is given of the page; all of it where a digest that cost nothing is not smaller."""
        page, answer = loaded.page, reading.answer
        said, room = "", budget_tokens
        if answer is not None:
            said = clip_words(answer.text, int(budget_tokens * PARAPHRASE_SHARE))
            words = WebBody(paraphrase=said, text="", spans=(), dropped=())
            room = max(budget_tokens - count_tokens(render_text(reading, words, route)) - 2, 1)
        if answer is None or not (answer.is_answered and answer.blocks):
            digest = build_page_digest(page, max(room, LEAST_TOKENS), self.question.strip())
        else:
            digest = fit_blocks(page, answer.blocks, room)
        body = WebBody(
            paraphrase=said, text=digest.text, spans=digest.spans, dropped=digest.dropped
        )
        is_smaller = count_tokens(render_text(reading, body, route)) < loaded.tokens_markdown
        if is_smaller or reading.attempts:
            return reading, body
        size = f"the page has {loaded.tokens_markdown:,} tokens as plain Markdown"
        return _pass_through(loaded, f"a digest would not be smaller: {size}")

    def _report(self, what: str, done: int) -> None:
        if self.on_progress:
            self.on_progress(what, done, 1)


def clip_words(text: str, room_tokens: int) -> str:
    """The text as it is where it fits, else as many of its first words as do."""
    words = text.split(" ")
    clipped = text
    while words and count_tokens(clipped) > room_tokens:
        words = words[: int(len(words) * CLIP_STEP)]
        clipped = f"{' '.join(words)} ..." if words else ""
    return clipped


def fit_model_tokens(wanted: int, route: Route) -> int:
    """The tokens of a page that are shown: those wanted, or fewer where a context is small."""
    context = route.models[0].context_tokens
    if context is None:
        return wanted
    return min(wanted, max(int((context - route.max_tokens) * CONTEXT_SHARE), LEAST_MODEL_TOKENS))


def _pass_through(loaded: LoadedPage, reason: str) -> tuple[WebReading, WebBody]:
    """The page as plain Markdown, with its links."""
    text = loaded.page.markdown
    span = PageSpan(heading="", start=1, end=text.count("\n") + 1, text=text)
    reading = WebReading(engine="passthrough", reason=reason, source="")
    return reading, WebBody(paraphrase="", text=text, spans=(span,), dropped=())

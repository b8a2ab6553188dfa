"""What a web page gives: its text, the places it comes from, what was left out, the receipt."""

from __future__ import annotations

from koderz.extract.web.excerpts import DroppedSection, PageSpan
from koderz.jobs.results import JobResult


class WebResult(JobResult, frozen=True, kw_only=True):
    """What matters in a page, and its receipt; the JSON of `koderz web --json` has these names.

    `path` is the source as it was named and `url` where it came from in the end. `text` is what a
    main model reads: `paraphrase` (a model's answer, "" without one) above the original `spans`,
    whose lines are those of the page as plain Markdown; `dropped` lists every other section.
    `is_answered` is what a model says of the question, None without one. `tokens_raw_html` counts
    the page as it came, `tokens_markdown` all of it as plain Markdown with its links, which is what
    an agent would have read and so the same as `tokens_in`; `tokens_out` counts `text`.
    `quotes_dropped` counts quotes of an accepted answer that stand nowhere.
    """

    path: str
    url: str
    title: str
    question: str
    text: str
    spans: tuple[PageSpan, ...]
    dropped: tuple[DroppedSection, ...]
    paraphrase: str
    is_answered: bool | None
    tokens_raw_html: int
    tokens_markdown: int
    quotes_dropped: int

    def render(self) -> str:
        """The digest as text: what `tokens_out` counts."""
        return self.text

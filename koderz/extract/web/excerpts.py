"""What is shown of a page: spans of original blocks in order, and what was left out of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

import msgspec

from koderz.extract.web.pages import Page
from koderz.tokens import count_tokens, get_tokenizer

NO_SUBJECT = "not the page's subject"
BEYOND_BUDGET = "beyond the budget"


class PageSpan(msgspec.Struct, frozen=True, kw_only=True):
    """Lines `start` to `end` (from 1, inclusive) of a page, under the headings `heading`.

    `text` is these lines as they stand in the page, without the targets of links; where `is_cut`
    it is their beginning only.
    """

    heading: str
    start: int
    end: int
    text: str
    is_cut: bool = False


class DroppedSection(msgspec.Struct, frozen=True, kw_only=True):
    """Lines `start` to `end` that were left out, under the headings `heading`, and why."""

    heading: str
    start: int
    end: int
    tokens: int
    reason: str


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a page: `text` says with its gaps what `spans` say without.

    `dropped` lists everything else, in order; the gaps of `text` are those of the page's subject.
    """

    spans: tuple[PageSpan, ...]
    dropped: tuple[DroppedSection, ...]
    text: str
    tokens_out: int


def build_excerpt(page: Page, kept: Collection[int], cuts: Mapping[int, str]) -> Excerpt:
    """The excerpt that these blocks make; `cuts` are the beginnings of blocks too long to show."""
    spans = build_spans(page, kept, cuts)
    text = render_spans(page, spans, kept)
    return Excerpt(
        spans=spans,
        dropped=list_dropped(page, kept),
        text=text,
        tokens_out=count_tokens(text),
    )


def build_spans(page: Page, kept: Collection[int], cuts: Mapping[int, str]) -> tuple[PageSpan, ...]:
    """Neighbouring blocks of one section as one span; a cut block stands alone."""
    places = sorted(kept)
    keys = [(at in cuts and at, page.paths[at][-1:], at - order) for order, at in enumerate(places)]
    groups = groupby(zip(keys, places, strict=True), key=lambda pair: pair[0])
    return tuple(_build_span(page, [at for _, at in group], cuts) for _, group in groups)


def _build_span(page: Page, run: Sequence[int], cuts: Mapping[int, str]) -> PageSpan:
    lines: list[str] = []
    for at in run:
        # Blank lines between blocks stand as they do in the page.
        lines += [""] * (page.starts[at] - page.starts[run[0]] - len(lines))
        lines += cuts.get(at, page.blocks[at].markdown).split("\n")
    return PageSpan(
        heading=page.get_heading(run[0]),
        start=page.starts[run[0]],
        end=page.get_end(run[-1]),
        text="\n".join(lines),
        is_cut=run[0] in cuts,
    )


def render_spans(page: Page, spans: Sequence[PageSpan], kept: Collection[int]) -> str:
    """The spans as Markdown; where more of the page's subject stood between, a line says so."""
    left_out = [at for at in page.subject if at not in kept]
    parts: list[str] = []
    last = 0
    for span in spans:
        parts += _render_gap(page, left_out, last, span.start)
        parts.append(f"{span.text} [...]" if span.is_cut else span.text)
        last = span.end
    parts += _render_gap(page, left_out, last, len(page.markdown) + 2)
    return "\n\n".join(parts)


def _render_gap(page: Page, left_out: Sequence[int], after: int, before: int) -> list[str]:
    gap = [at for at in left_out if after < page.starts[at] < before]
    if not gap:
        return []
    return [f"[lines {page.starts[gap[0]]}-{page.get_end(gap[-1])} left out]"]


def list_dropped(page: Page, kept: Collection[int]) -> tuple[DroppedSection, ...]:
    """Everything that is not kept, a run of blocks of one section at a time."""
    subject = frozenset(page.subject)
    missing = [at for at in range(len(page.blocks)) if at not in kept]
    keys = [(at - order, page.paths[at], at in subject) for order, at in enumerate(missing)]
    groups = [
        [at for _, at in group]
        for _, group in groupby(zip(keys, missing, strict=True), key=lambda pair: pair[0])
    ]
    texts = ["\n".join(page.blocks[at].markdown for at in group) for group in groups]
    counts = [len(ids) for ids in get_tokenizer().encode_batch(texts)] if texts else []
    return tuple(
        DroppedSection(
            heading=page.get_heading(group[0]),
            start=page.starts[group[0]],
            end=page.get_end(group[-1]),
            tokens=tokens,
            reason=BEYOND_BUDGET if group[0] in subject else NO_SUBJECT,
        )
        for group, tokens in zip(groups, counts, strict=True)
    )

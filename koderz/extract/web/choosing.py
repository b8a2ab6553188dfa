"""Which blocks of a page are shown under a budget of tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from koderz.errors import JobError
from koderz.extract.web.excerpts import Excerpt, build_excerpt, build_spans, render_spans
from koderz.extract.web.pages import Page
from koderz.extract.web.relevance import score_blocks
from koderz.tokens import count_tokens

LEAST_TOKENS = 40

_LEAD_SHARE = 0.4
_OPENINGS_SHARE = 0.8
# A block worth less than this part of the best one answers something else.
_LEAST_SHARE = 0.2
_GAP_TOKENS = 10
_SHRINK = 0.85
_LEAST_CUT_CHARS = 20
_LEAST_SPARE_TOKENS = 30


def build_page_digest(page: Page, budget_tokens: int, question: str = "") -> Excerpt:
    """The page's subject in at most `budget_tokens` tokens; with a question what answers it.

    All of it where it fits and nothing is asked. Else sections are ranked by the question, and
    without one every section gives its beginning. Headings come with what stands under them.

    Raises:
        JobError: the budget is below `LEAST_TOKENS`.
    """
    if budget_tokens < LEAST_TOKENS:
        raise JobError(
            f"a budget of {budget_tokens} tokens holds no line: give at least {LEAST_TOKENS}"
        )
    order = rank_blocks(page, question) if question else []
    if not order:
        whole = build_excerpt(page, page.subject, {})
        if whole.tokens_out <= budget_tokens:
            return whole
        order = list(_order_openings(page, budget_tokens))
    return fit_blocks(page, order, budget_tokens)


def rank_blocks(page: Page, question: str) -> list[int]:
    """The blocks that have to do with the question, those that have most first."""
    scores = score_blocks(page, page.subject, question)
    best = max(scores.values(), default=0.0)
    telling = [at for at in page.subject if scores[at] > 0 and scores[at] >= _LEAST_SHARE * best]
    return sorted(telling, key=lambda at: (-scores[at], at))


def take_blocks(page: Page, order: Sequence[int], room_tokens: int) -> dict[int, None]:
    """The blocks in this order that there is room for, each behind the headings above it."""
    kept: dict[int, None] = {}
    ranks = {at: rank for rank, at in enumerate(page.subject)}
    taken: set[int] = set()
    room_tokens -= _GAP_TOKENS
    for at in order:
        wanted = [each for each in (*page.paths[at], at) if each not in kept]
        cost = sum(_count(page, each) for each in wanted)
        cost += _GAP_TOKENS * _count_gaps(taken, [ranks[each] for each in wanted if each in ranks])
        if wanted and cost <= room_tokens:
            kept.update(dict.fromkeys(wanted))
            taken.update(ranks[each] for each in wanted if each in ranks)
            room_tokens -= cost
    return kept


def _count_gaps(taken: Collection[int], wanted: Sequence[int]) -> int:
    """How many gaps more there are with these too, below 0 where they close some."""
    neighbours = {*taken, *wanted}
    joints = sum(rank - 1 in neighbours for rank in wanted)
    return len(wanted) - joints - sum(rank + 1 in taken for rank in wanted)


def fit_blocks(page: Page, order: Sequence[int], budget_tokens: int) -> Excerpt:
    """An excerpt of the blocks in this order, as far as the budget goes.

    What room is left at the end goes to the beginning of the first block that is not shown whole.
    """
    kept = take_blocks(page, order, budget_tokens)
    while kept and _count_rendered(page, kept, {}) > budget_tokens:
        kept.popitem()
    spare = budget_tokens - _count_rendered(page, kept, {})
    cuts: dict[int, str] = {}
    if not kept or spare >= _LEAST_SPARE_TOKENS:
        at = next((at for at in order if at not in kept and _can_be_cut(page, at, kept)), None)
        cuts = {} if at is None else _cut_block(page, at, kept, budget_tokens)
    return build_excerpt(page, kept.keys() | cuts.keys(), cuts)


def _can_be_cut(page: Page, at: int, kept: Collection[int]) -> bool:
    """Whether a block's beginning says something, under headings that are shown."""
    is_text = page.blocks[at].kind in {"text", "item"} and set(page.paths[at]) <= set(kept)
    return is_text or not kept


def _cut_block(page: Page, at: int, kept: Collection[int], budget_tokens: int) -> dict[int, str]:
    """As much of a block's beginning as fits beside what is kept: nothing where that is too little.

    Where nothing is kept there is something in any case.
    """
    text, shown = page.blocks[at].markdown, {*kept, at}
    size = min(len(text), budget_tokens * 8)
    while size >= _LEAST_CUT_CHARS:
        cuts = {at: text[:size].rstrip()}
        if _count_rendered(page, shown, cuts) <= budget_tokens:
            return cuts
        size = int(size * _SHRINK)
    return {} if kept else {at: text[:_LEAST_CUT_CHARS]}


def _order_openings(page: Page, budget_tokens: int) -> Iterator[int]:
    """The page's beginning, the beginning of every section, then everything in order."""
    yield from _take(page, page.subject, int(budget_tokens * _LEAD_SHARE))
    openings: dict[tuple[int, ...], int] = {}
    for at in page.subject:
        if page.blocks[at].kind != "heading":
            openings.setdefault(page.paths[at], at)
    share = int(budget_tokens * (_OPENINGS_SHARE - _LEAD_SHARE))
    yield from _take(page, list(openings.values()), share)
    yield from page.subject


def _take(page: Page, positions: Sequence[int], room: int) -> Iterator[int]:
    for at in positions:
        room -= _count(page, at)
        if room < 0:
            return
        yield at


def _count(page: Page, at: int) -> int:
    return count_tokens(page.blocks[at].markdown) + 1


def _count_rendered(page: Page, kept: Collection[int], cuts: Mapping[int, str]) -> int:
    return count_tokens(render_spans(page, build_spans(page, kept, cuts), kept))

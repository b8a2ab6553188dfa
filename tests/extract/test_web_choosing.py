"""What is shown of a page under a budget: exact counts, places, gaps, what answers a question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_pages import ANSWER, CODE, build_html

from koderz.errors import JobError
from koderz.extract.web.choosing import LEAST_TOKENS, build_page_digest, rank_blocks
from koderz.extract.web.excerpts import BEYOND_BUDGET, NO_SUBJECT, Excerpt
from koderz.extract.web.pages import Page, build_page
from koderz.extract.web.relevance import split_terms
from koderz.tokens import count_tokens

PAGE = build_page(build_html())
QUESTION = "how many hours of changes does the journal keep?"


def check_places(page: Page, excerpt: Excerpt) -> None:
    """Spans are the page's lines, and every block is in a span or among what was dropped."""
    lines: dict[int, str] = {}
    for at, block in enumerate(page.blocks):
        lines |= enumerate(block.markdown.split("\n"), start=page.starts[at])
    covered = set()
    for span in excerpt.spans:
        numbers = range(span.start, span.end + 1)
        covered |= set(numbers)
        whole = "\n".join(lines.get(number, "") for number in numbers)
        assert whole.startswith(span.text) if span.is_cut else whole == span.text
        assert span.text in excerpt.text
    covered |= {n for each in excerpt.dropped for n in range(each.start, each.end + 1)}
    assert lines.keys() <= covered


def test_all_of_the_subject_is_shown_where_it_fits() -> None:
    excerpt = build_page_digest(PAGE, 5000)
    assert "left out" not in excerpt.text
    assert {each.reason for each in excerpt.dropped} == {NO_SUBJECT}
    check_places(PAGE, excerpt)


@given(
    st.integers(LEAST_TOKENS, 1500),
    st.sampled_from(["", QUESTION, "gateway?", "nothing of that kind"]),
)
def test_no_budget_is_passed_and_nothing_is_unaccounted_for(budget: int, question: str) -> None:
    excerpt = build_page_digest(PAGE, budget, question)
    assert excerpt.tokens_out == count_tokens(excerpt.text) <= budget
    assert excerpt.spans
    check_places(PAGE, excerpt)


def test_a_question_finds_what_answers_it_under_its_headings() -> None:
    excerpt = build_page_digest(PAGE, 120, QUESTION)
    assert ANSWER in excerpt.text
    assert "# The journal" in excerpt.text
    assert "left out]" in excerpt.text
    (span,) = [span for span in excerpt.spans if ANSWER in span.text]
    assert span.heading.startswith("The journal > About the ")
    assert BEYOND_BUDGET in {each.reason for each in excerpt.dropped}


def test_headings_count_for_what_stands_under_them() -> None:
    ranked = rank_blocks(PAGE, "what is said about the planner?")
    assert {PAGE.get_heading(at) for at in ranked[:6]} == {"The journal > About the planner"}


def test_code_is_found_by_its_words() -> None:
    assert CODE in build_page_digest(PAGE, 150, "open_journal").text


def test_without_a_question_every_section_gives_its_beginning() -> None:
    text = build_page_digest(PAGE, 800).text
    assert text.count("\n## About the ") >= 6


def test_a_question_without_a_match_is_as_none() -> None:
    assert build_page_digest(PAGE, 300, "zebra") == build_page_digest(PAGE, 300)


def test_one_block_that_is_too_long_is_cut_and_marked() -> None:
    page = build_page(f"<p>{'endless words go on ' * 500}</p>")
    excerpt = build_page_digest(page, 60)
    assert excerpt.text.endswith(" [...]")
    assert excerpt.spans[0].is_cut
    check_places(page, excerpt)


def test_dropped_sections_are_named_with_their_tokens() -> None:
    (first, *_) = build_page_digest(PAGE, 100, QUESTION).dropped
    assert (first.start, first.reason) == (1, NO_SUBJECT)
    assert first.tokens > 50


def test_a_budget_for_no_line_is_refused() -> None:
    with pytest.raises(JobError, match="a budget of 39 tokens holds no line"):
        build_page_digest(PAGE, 39)


@pytest.mark.parametrize(
    ("one", "other"),
    [("limits", "limit"), ("stores", "store"), ("waiting", "waited"), ("Queue", "queue")],
)
def test_endings_do_not_matter(one: str, other: str) -> None:
    assert split_terms(one)[0][:4] == split_terms(other)[0][:4]
    assert split_terms("日本語") == ["日本", "本語"]

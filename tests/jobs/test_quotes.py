"""A quote is kept where it stands in the source, and only there."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from koderz.jobs.quotes import MIN_QUOTE_CHARS, NEARBY_LINES, QuotedLines

LINES = [
    "collecting packages",
    "  error: cannot find  -lfoo",
    "",
    "collect2: ld returned 1",
    "ok",
    *["retrying in 5 s"] * 40,
    "make: *** [all] Error 2",
]
SOURCE = QuotedLines(100, LINES)


def locate(source: QuotedLines, quote: str, start: int, end: int) -> tuple[int, int] | None:
    place = source.locate(quote, start, end)
    return place and (place.start, place.end)


lines_of_text = st.lists(
    st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" \t"), max_size=30),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize(
    ("quote", "claimed", "place"),
    [
        pytest.param("collecting packages", (100, 100), (100, 100), id="exact"),
        pytest.param("cannot find", (101, 101), (101, 101), id="part of a line"),
        pytest.param("cannot find", (100, 145), (101, 101), id="a wide range is narrowed"),
        pytest.param("cannot find", (101, 100), (101, 101), id="a range turned round"),
        pytest.param("cannot find", (103, 103), (101, 101), id="close by"),
        pytest.param("cannot find", (9, 9), (101, 101), id="far away, but the only one"),
        pytest.param("error: cannot find -lfoo", (101, 101), (101, 101), id="white space"),
        pytest.param("-lfoo\n\ncollect2:", (101, 103), (101, 103), id="over several lines"),
        pytest.param("-lfoo collect2:", (101, 103), (101, 103), id="joined lines"),
        pytest.param("\n-lfoo\n", (101, 101), (101, 101), id="line ends around"),
        pytest.param("103| collect2: ld returned 1", (103, 103), (103, 103), id="its number"),
        pytest.param("101|   error: cannot\n", (101, 101), (101, 101), id="its number, no end"),
        pytest.param("ok", (104, 104), (104, 104), id="short, but a whole line"),
        pytest.param("retrying", (110, 112), (110, 110), id="the first in its range"),
        pytest.param("retrying", (90, 90), (105, 105), id="the nearest of many"),
        pytest.param("retrying", (300, 300), None, id="one of many, far away"),
        pytest.param("ol", (100, 100), None, id="too short to tell"),
        pytest.param("", (100, 100), None, id="empty"),
        pytest.param(" \n ", (100, 103), None, id="blank"),
        pytest.param("12| ", (100, 100), None, id="a number alone"),
        pytest.param("cannot find -lbar", (101, 101), None, id="another text"),
        pytest.param("cannot ... -lfoo", (101, 101), None, id="shortened"),
        pytest.param("Collecting packages", (100, 100), None, id="another case"),
    ],
)
def test_a_quote_is_kept_where_it_stands(
    quote: str, claimed: tuple[int, int], place: tuple[int, int] | None
) -> None:
    assert locate(SOURCE, quote, *claimed) == place


def test_close_by_is_a_stated_number_of_lines() -> None:
    lines = ["the same"] + ["-"] * 100 + ["the same"]
    source = QuotedLines(1, lines)
    assert locate(source, "the same", 1 + NEARBY_LINES, 1 + NEARBY_LINES) == (1, 1)
    assert locate(source, "the same", 2 + NEARBY_LINES, 2 + NEARBY_LINES) is None


@given(lines=lines_of_text, first=st.integers(1, 10**9), cut=st.data())
def test_any_quote_cut_from_the_lines_stands_in_its_true_range(
    lines: list[str], first: int, cut: st.DataObject
) -> None:
    text = "\n".join(lines)
    begin = cut.draw(st.integers(0, len(text)))
    end = cut.draw(st.integers(begin, len(text)))
    piece = text[begin:end]
    quote = piece.strip("\n")
    assume(len("".join(quote.split())) >= MIN_QUOTE_CHARS)
    begin += len(piece) - len(piece.lstrip("\n"))
    start = first + text.count("\n", 0, begin)
    true_range = (start, start + quote.count("\n"))
    assert locate(QuotedLines(first, lines), piece, *true_range) == true_range


@given(lines=lines_of_text, quote=st.text(min_size=1), start=st.integers(1, 20))
def test_what_is_kept_always_holds_the_quote(lines: list[str], quote: str, start: int) -> None:
    place = QuotedLines(1, lines).locate(quote, start, start)
    if place is not None:
        kept = " ".join("\n".join(lines[place[0] - 1 : place[1]]).split())
        bare = " ".join(quote.split())
        assert bare in kept or bare.partition("| ")[2] in kept


@given(lines=lines_of_text, at=st.integers(0, 11), shift=st.integers(-50, 50))
def test_a_changed_quote_is_dropped(lines: list[str], at: int, shift: int) -> None:
    line = lines[at % len(lines)]
    changed = f"{line}\N{SNOWMAN}altered"
    assume(not any("\N{SNOWMAN}" in other for other in lines))
    assert QuotedLines(1, lines).locate(changed, at + shift, at + shift) is None

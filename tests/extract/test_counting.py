"""Counts of blocks add up to the count of the whole text."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from koderz.extract.counting import TokenCounter
from koderz.tokens import count_tokens

PIECES = st.sampled_from(
    ["\n", "\n", " ", "  ", "\t", "/", "//x", "word", "Word's", "it'll", "12345", "é", "漢字", "🙂",
     "\u00a0", "\u2028", "\u3000", ":", "...", "}\n", "<|endoftext|>", "\r\n", "_", "ABC", "a1"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=60), st.lists(st.integers(0, 200), max_size=6))
def test_a_text_in_blocks_has_the_tokens_of_the_text(pieces: list[str], cuts: list[int]) -> None:
    text = "".join(pieces)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    counter = TokenCounter()
    for start, end in pairwise(places):
        counter.feed(text[start:end].encode())
    assert counter.finish() == count_tokens(text)
    assert counter.is_exact


def test_a_text_without_a_seam_is_estimated_in_bounded_memory() -> None:
    counter = TokenCounter()
    for _ in range(9):
        counter.feed(b"=" * 500_000)
    assert counter.finish() > 0
    assert not counter.is_exact

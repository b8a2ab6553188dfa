"""No text makes the extraction raise, and none makes it work out of proportion."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koderz.benchmarks import AssertTests, Problem, extract_code
from koderz.benchmarks.syntax import parse_module

PROBLEM = Problem(
    task_id="test/0",
    prompt='import math\n\ndef total(numbers):\n    """Add up."""\n',
    entry_point="total",
    tests=AssertTests(source=""),
)
SCRAPS = [
    "```", "```python\n", "~~~", "\n", "    ", "\t", "def total(numbers):\n", "    return 1\n",
    "<think>", "</think>", '"""', "'''", "total(", ")", ">>> ", "... ", "1: ", "> ", "“", "\u00a0",
    "import os\n", "from x import *\n", "class total:\n", "@", "\\", "\x00", "\ud800", "\r", "\x0c",
    "if __name__ == '__main__':\n", "print(total)\n", "prose. ", "total = 1\n", "\u2028", "&lt;",
]  # fmt: skip


@given(st.lists(st.sampled_from(SCRAPS), max_size=40).map("".join))
@settings(max_examples=300, deadline=None)
def test_no_heap_of_scraps_makes_it_raise(answer: str) -> None:
    extraction = extract_code(answer, PROBLEM)
    assert extraction.is_code == bool(extraction.code)


@given(st.text(max_size=200))
@settings(deadline=None)
def test_no_text_makes_it_raise(answer: str) -> None:
    extract_code(answer, PROBLEM)


@given(st.lists(st.sampled_from(SCRAPS), max_size=25).map("".join))
@settings(max_examples=200, deadline=None)
def test_what_is_found_in_whole_parses(answer: str) -> None:
    extraction = extract_code(answer, PROBLEM)
    if extraction.found.name in {"BLOCK", "JOINED", "CUT", "BODY"}:
        assert parse_module(extraction.code) is not None


LONG = {
    "backticks": "`" * 200_000,
    "fences": "```\n" * 50_000,
    "labels": "```python\n" * 20_000,
    "spaces before a fence": " " * 200_000 + "```",
    "spaces behind a fence": "```" + " " * 200_000 + "`",
    "thoughts": "<think>" * 30_000,
    "ends of thoughts": "</think>\n" * 20_000,
    "docstrings": '```python\n"""' * 20_000,
    "parentheses": "```python\ntotal = " + "(" * 100_000,
    "minus signs": "```python\ntotal = " + "-" * 100_000 + "1\n```",
    "imports": "import os is\n" * 10_000,
    "signatures": "def total(numbers):\n" * 5_000,
    "functions": "def total(numbers):\n    return 1\n\n" * 3_000,
    "blocks": "```python\ndef total(numbers):\n    return 1\n```\n" * 2_000,
    "numbers": "1 " * 100_000,
    "transcript": ">>> total\n" * 20_000,
    "tabs": "\t" * 100_000 + "x",
    "prose": "This is how it is done, isn't it? " * 5_000,
    "lines of prose": "return it then, isn't it?\n" * 5_000,
}


@pytest.mark.parametrize("answer", LONG.values(), ids=LONG)
def test_a_long_answer_is_parsed_a_bounded_number_of_times(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse, parsed = ast.parse, 0

    def count(source: str) -> ast.Module:
        nonlocal parsed
        parsed += len(source)
        return parse(source)

    monkeypatch.setattr(ast, "parse", count)
    extract_code(answer, PROBLEM)
    # Parsing is all of the work that could grow faster than the text.
    assert parsed <= 100 * (len(answer) + len(PROBLEM.prompt))

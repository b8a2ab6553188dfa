"""The starter set: complete, in three difficulties, and without a word of its solutions."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from koderz.benchmarks import AssertTests, Problem, get_benchmark

PROBLEMS = list(get_benchmark("starter").load_problems())


def count_assertions(source: str) -> int:
    return sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(source)))


def test_there_are_at_least_ten_problems_of_each_difficulty() -> None:
    counts = Counter(problem.difficulty for problem in PROBLEMS)
    assert set(counts) == {"easy", "medium", "hard"}
    assert min(counts.values()) >= 10
    assert str(len(PROBLEMS)) in get_benchmark("starter").description


def test_task_ids_and_entry_points_are_unique() -> None:
    assert len({problem.task_id for problem in PROBLEMS}) == len(PROBLEMS)
    assert len({problem.entry_point for problem in PROBLEMS}) == len(PROBLEMS)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.task_id)
def test_a_problem_has_all_of_its_parts(problem: Problem) -> None:
    (stub,) = ast.parse(problem.prompt).body
    assert isinstance(stub, ast.FunctionDef)
    assert stub.name == problem.entry_point
    assert ">>>" in (ast.get_docstring(stub) or "")
    assert problem.reference.startswith(problem.prompt)
    assert problem.requirements == ()
    assert isinstance(problem.tests, AssertTests)
    assert isinstance(problem.feedback, AssertTests)
    feedback, verdict = (
        count_assertions(each.source) for each in (problem.feedback, problem.tests)
    )
    assert 2 <= feedback < verdict
    assert verdict >= 7

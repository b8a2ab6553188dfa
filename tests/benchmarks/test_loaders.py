"""Loaders: small files of each format, and the public data where it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from koderz.benchmarks import AssertTests, InputTests, Problem, UnitTests, get_benchmark
from koderz.benchmarks.mbpp_inputs import decode_mbpp_inputs
from koderz.benchmarks.rules import get_humaneval_rule, get_mbpp_rule
from koderz.benchmarks.syntax import get_preamble
from koderz.errors import JobError

HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": "import math\n\ndef twice(n):\n    return 2 * n\n\ndef f(n):\n    '''Doc.'''\n",
    "entry_point": "f",
    "canonical_solution": "    return twice(n)\n",
    "test": "def check(candidate):\n    assert candidate(1) == 2\n",
}
EVALPLUS = {
    "task_id": "Mbpp/2",
    "prompt": '"""Shared elements."""\n',
    "entry_point": "similar_elements",
    "canonical_solution": "def similar_elements(a, b):\n    return set(a) & set(b)\n",
    "base_input": [[[1, 2], [2]]],
    "plus_input": [[[], []], [[3], [3]]],
    "atol": 0,
}
BIGCODEBENCH = {
    "task_id": "BigCodeBench/1",
    "complete_prompt": "import json\nimport numpy as np\n\ndef task_func():\n    '''Doc.'''\n",
    "entry_point": "task_func",
    "canonical_solution": "    import pandas\n    return 1\n",
    "test": "import unittest\nclass TestCases(unittest.TestCase):\n    pass\n",
    "libs": ["['json', 'sklearn']"],
}


def load(name: str, record: dict[str, Any], folder: Path) -> Problem:
    path = folder / "problems.jsonl"
    path.write_text(json.dumps(record) + "\n")
    (problem,) = get_benchmark(name).load_problems(path)
    return problem


def test_a_humaneval_problem(tmp_path: Path) -> None:
    problem = load("humaneval", HUMANEVAL, tmp_path)
    preamble = "import math\n\ndef twice(n):\n    return 2 * n\n\n"
    assert problem.tests == AssertTests(source=str(HUMANEVAL["test"]), preamble=preamble)
    assert problem.reference.endswith("    return twice(n)\n")
    assert (problem.feedback, problem.difficulty, problem.requirements) == (None, "", ())


def test_a_starter_problem_has_feedback_and_a_difficulty(tmp_path: Path) -> None:
    more = {"feedback_test": "def check(candidate):\n    pass\n", "difficulty": "easy"}
    problem = load("starter", HUMANEVAL | more, tmp_path)
    assert isinstance(problem.feedback, AssertTests)
    assert problem.feedback.source == more["feedback_test"]
    assert problem.difficulty == "easy"


def test_base_inputs_are_feedback_and_all_inputs_the_verdict(tmp_path: Path) -> None:
    problem = load("mbpp+", EVALPLUS, tmp_path)
    assert isinstance(problem.tests, InputTests)
    assert isinstance(problem.feedback, InputTests)
    assert problem.feedback.inputs == ([(1, 2), (2,)],)
    assert problem.tests.inputs == ([(1, 2), (2,)], [(), ()], [(3,), (3,)])
    assert "set(output) == set(expected)" in problem.tests.oracle
    assert problem.tests.reference == problem.reference


def test_a_bigcodebench_problem_says_what_it_needs(tmp_path: Path) -> None:
    problem = load("bigcodebench-hard", BIGCODEBENCH, tmp_path)
    assert problem.tests == UnitTests(source=str(BIGCODEBENCH["test"]))
    assert problem.requirements == ("numpy", "pandas", "sklearn")


@pytest.mark.parametrize("libs", ["['json', 'sklearn']", ["json", "sklearn"], "sklearn"])
def test_libraries_are_named_in_several_ways(tmp_path: Path, libs: object) -> None:
    problem = load("bigcodebench-hard", BIGCODEBENCH | {"libs": libs}, tmp_path)
    assert "sklearn" in problem.requirements


@pytest.mark.parametrize(
    ("name", "record", "change", "message"),
    [
        ("humaneval", HUMANEVAL, {"prompt": None}, "HumanEval/0: the field 'prompt' is missing"),
        ("humaneval", HUMANEVAL, {"test": 3}, "HumanEval/0: the field 'test' is no text"),
        ("starter", HUMANEVAL, {"task_id": None}, "the field 'task_id' is missing"),
        ("mbpp+", EVALPLUS, {"base_input": "x"}, "Mbpp/2: the field 'base_input' is no list"),
        ("mbpp+", EVALPLUS, {"plus_input": [[1, 2]]}, "'plus_input' cannot be decoded"),
        ("bigcodebench-hard", BIGCODEBENCH, {"test": None}, "the field 'test' is missing"),
    ],
)
def test_a_wrong_field_names_file_problem_and_field(
    tmp_path: Path, name: str, record: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(JobError, match=message) as raised:
        load(name, record | change, tmp_path)
    assert "problems.jsonl" in str(raised.value)


@pytest.mark.parametrize(
    ("task_id", "inputs", "decoded"),
    [
        ("Mbpp/2", [[[1], [2]]], [[(1,), (2,)]]),
        ("Mbpp/63", [[[[1, 2], [3, 4]]]], [[[(1, 2), (3, 4)]]]),
        ("Mbpp/75", [[[[1, 2]], 3]], [[[(1, 2)], 3]]),
        ("Mbpp/106", [[[1], [2]]], [[[1], (2,)]]),
        ("Mbpp/115", [[[[1], [], {}]]], [[[{1}, {}, {}]]]),
        ("Mbpp/124", [["0", "1j"]], [[0.0, 1j]]),
        ("Mbpp/250", [[[1, 2], 2]], [[(1, 2), 2]]),
        ("Mbpp/252", [["1+2j"]], [[1 + 2j]]),
        ("Mbpp/259", [[[[1], [2]]]], [[((1,), (2,))]]),
        ("Mbpp/278", [[[1, [2]]]], [[(1, (2,))]]),
        ("Mbpp/307", [[["a", [1]], 1, 2]], [[("a", [1]), 1, 2]]),
        ("Mbpp/580", [[[1, [2, [3]]]]], [[(1, (2, (3,)))]]),
        ("Mbpp/722", [[{"a": [1, 2]}, 3]], [[{"a": (1, 2)}, 3]]),
        ("Mbpp/3", [[[1]]], [[[1]]]),
    ],
)
def test_mbpp_inputs_become_what_they_stand_for(
    task_id: str, inputs: list[Any], decoded: list[Any]
) -> None:
    found = decode_mbpp_inputs(task_id, inputs)
    assert [list(each) for each in found] == decoded
    assert repr(list(found[0])) == repr(decoded[0])


@pytest.mark.parametrize(
    ("name", "atol", "inputs", "output", "expected", "is_right"),
    [
        ("find_zero", 1e-4, [[1, 2]], -0.5, 7.0, True),
        ("find_zero", 1e-4, [[1, 2]], -0.4, -0.5, False),
        ("Diff", 0, [[1], [2]], [2, 1], [1, 2], True),
        ("Diff", 0, [[1], [2]], [2], [1, 2], False),
        ("surface_Area", 0, [3, 4], 33, 33, True),
        ("surface_Area", 0, [3, 4], 35, 33, True),
        ("surface_Area", 0, [3, 4], 34, 33, False),
        ("digit_distance_nums", 0, [1, 100], 2, 3, True),
        ("digit_distance_nums", 0, [1, 100], 1, 3, False),
        ("sum_div", 0, [4], 0, 3, True),
        ("are_equivalent", 0, [1, 2], "anything", True, True),
    ],
)
def test_problems_with_a_rule_of_their_own(
    name: str, atol: float, inputs: object, output: object, expected: object, *, is_right: bool
) -> None:
    get_rule = get_humaneval_rule if name == "find_zero" else get_mbpp_rule
    names: dict[str, Any] = {}
    exec(get_rule(name, atol).oracle, names)
    assert bool(names["is_correct"](inputs, output, expected)) is is_right


def test_a_match_is_judged_by_whether_there_is_one() -> None:
    source = "import re\ndef check_str(text):\n    return re.match('a', text)\n"
    names: dict[str, Any] = {}
    exec(source + get_mbpp_rule("check_str", 0).adapter, names)
    assert [names["check_str"]("ab"), names["check_str"]("ba")] == [True, False]


@pytest.mark.parametrize(
    ("prompt", "preamble"),
    [
        ("def f(x):\n    pass\n", ""),
        ("import a\n\n\ndef f(x):\n", "import a\n\n\n"),
        ("import a\n@a.b\ndef f(x):\n", "import a\n"),
        ("def f(x):\n    return 1\n\ndef f(x, y):\n", "def f(x):\n    return 1\n\n"),
        ("def g(\n\ndef f(x):\n", ""),
        ("def ff(x):\n    return 1\n", ""),
        ("A = 1\nclass f:\n", "A = 1\n"),
        ("no code at all", ""),
    ],
)
def test_the_preamble_is_what_stands_before_the_entry_point(prompt: str, preamble: str) -> None:
    assert get_preamble(prompt, "f") == preamble


@pytest.mark.parametrize(
    ("name", "file", "count"),
    [
        ("humaneval", "HumanEval", 164),
        ("humaneval+mini", "HumanEvalPlus-Mini", 164),
        ("mbpp+", "MbppPlus", 378),
        ("bigcodebench-hard", "BigCodeBench-Hard", 148),
    ],
)
def test_the_public_benchmarks_load(data_dir: Path, name: str, file: str, count: int) -> None:
    path = data_dir / "benchmarks" / f"{file}.jsonl.gz"
    problems = {problem.task_id: problem for problem in get_benchmark(name).load_problems(path)}
    assert len(problems) == count
    assert all(problem.reference for problem in problems.values())


def test_32_problems_of_bigcodebench_need_only_the_standard_library(data_dir: Path) -> None:
    path = data_dir / "benchmarks" / "BigCodeBench-Hard.jsonl.gz"
    problems = list(get_benchmark("bigcodebench-hard").load_problems(path))
    assert sum(not problem.requirements for problem in problems) == 32
    needed = {name for problem in problems for name in problem.requirements}
    assert not needed & sys.stdlib_module_names


def test_the_inputs_of_the_mini_set_are_all_there(data_dir: Path) -> None:
    path = data_dir / "benchmarks" / "HumanEvalPlus-Mini.jsonl.gz"
    base = extra = 0
    for problem in get_benchmark("humaneval+mini").load_problems(path):
        assert isinstance(problem.tests, InputTests)
        assert isinstance(problem.feedback, InputTests)
        base += len(problem.feedback.inputs)
        extra += len(problem.tests.inputs) - len(problem.feedback.inputs)
    assert (base, extra) == (1570, 1107)

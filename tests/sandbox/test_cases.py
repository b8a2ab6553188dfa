"""Inputs with expected outputs: the rules of comparison, and what a program gives."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from koderz.sandbox import (
    CaseTests,
    Limits,
    Program,
    Sandbox,
    Status,
    Verdict,
    decode_values,
    encode_values,
)

LIMITS = Limits(cpu_s=5.0, wall_s=30.0)


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def judge(
    sandbox: Sandbox, source: str, inputs: Sequence[Any], expected: Sequence[Any], **rules: Any
) -> Verdict:
    tests = CaseTests(
        entry_point="f", inputs=encode_values(inputs), expected=encode_values(expected), **rules
    )
    return await sandbox.judge(Program(source=source, tests=tests), LIMITS)


async def test_the_first_failing_case_is_shown(sandbox: Sandbox) -> None:
    source = "def f(x, y):\n    return x + y if x != 2 else -1"
    verdict = await judge(sandbox, source, [[1, 1], [2, 1], [3, 1]], [2, 3, 4])
    assert verdict.status is Status.FAILED
    assert (verdict.tests_passed, verdict.tests_total) == (2, 3)
    assert verdict.failure is not None
    assert (verdict.failure.call, verdict.failure.expected, verdict.failure.actual) == (
        "f(2, 1)",
        "3",
        "-1",
    )


async def test_a_change_of_an_input_reaches_no_other_case(sandbox: Sandbox) -> None:
    shared = [1, 2]
    source = "def f(x):\n    x.append(0)\n    return len(x)"
    assert (await judge(sandbox, source, [[shared], [shared]], [3, 3])).is_passed


async def test_an_oracle_decides_alone(sandbox: Sandbox) -> None:
    oracle = "def is_correct(inputs, output, expected):\n    return output ** 2 == inputs[0]"
    passing = await judge(sandbox, "def f(x): return -2", [[4]], [2], oracle=oracle)
    assert passing.is_passed
    failing = await judge(sandbox, "def f(x): return 2", [[5]], [2], oracle=oracle)
    assert failing.status is Status.FAILED
    wrong_type = await judge(sandbox, "def f(x): return 'a'", [[5]], [2], oracle=oracle)
    assert wrong_type.status is Status.FAILED


async def test_an_expected_exception_has_to_come(sandbox: Sandbox) -> None:
    reference = "def f(x):\n    return 1 / x"
    inputs = encode_values([[1], [0]])
    given = await sandbox.run_cases(reference, "f", inputs, LIMITS)
    assert (given.status, given.count) == (Status.PASSED, 2)
    assert decode_values(given.outputs) == [1.0, "raised ZeroDivisionError: division by zero"]
    tests = CaseTests(entry_point="f", inputs=inputs, expected=given.outputs)
    assert (await sandbox.judge(Program(source=reference, tests=tests), LIMITS)).is_passed
    other = "def f(x):\n    return 1 / x if x else 0"
    verdict = await sandbox.judge(Program(source=other, tests=tests), LIMITS)
    assert (verdict.status, verdict.tests_passed) == (Status.FAILED, 1)


@pytest.mark.parametrize(
    ("source", "status", "count"),
    [
        ("def f(x): return x", Status.PASSED, 3),
        ("def f(x):\n    while x == 2: pass\n    return x", Status.TIMEOUT, 1),
        ("import os\ndef f(x):\n    if x == 3: os._exit(0)\n    return x", Status.CRASHED, 2),
        ("def f(x) return x", Status.SYNTAX_ERROR, 0),
        ("import nothing_of_the_name", Status.FAILED, 0),
    ],
)
async def test_a_reference_that_breaks_says_how(
    sandbox: Sandbox, source: str, status: Status, count: int
) -> None:
    inputs = encode_values([[1], [2], [3]])
    given = await sandbox.run_cases(source, "f", inputs, Limits(cpu_s=0.3))
    assert (given.status, given.count) == (status, count)
    assert bool(given.error) is (status is not Status.PASSED)


async def test_references_of_humaneval_plus_agree_with_themselves(
    sandbox: Sandbox, data_dir: Path
) -> None:
    with gzip.open(data_dir / "benchmarks" / "HumanEvalPlus-Mini.jsonl.gz", "rt") as lines:
        problems = [json.loads(line) for line in lines][::8]
    for problem in problems:
        source = problem["prompt"] + problem["canonical_solution"]
        inputs = encode_values(problem["base_input"] + problem["plus_input"])
        given = await sandbox.run_cases(source, problem["entry_point"], inputs, LIMITS)
        assert given.status is Status.PASSED, (problem["task_id"], given.error)
        tests = CaseTests(
            entry_point=problem["entry_point"],
            inputs=inputs,
            expected=given.outputs,
            atol=problem["atol"],
        )
        verdict = await sandbox.judge(Program(source=source, tests=tests), LIMITS)
        assert verdict.is_passed, (problem["task_id"], verdict)
        assert verdict.tests_total == given.count

"""Inputs with expected outputs: the rules of comparison, and what a program gives."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from koderz.errors import SandboxUnavailableError
from koderz.sandbox import (
    CaseTests,
    Limits,
    Program,
    Reference,
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


LONG = Reference(source="def f(n):\n    return [i / 7 for i in range(n)]", limits=LIMITS)


async def judge_long(
    sandbox: Sandbox, source: str, reference: Reference = LONG, **rules: Any
) -> Verdict:
    """Judge by outputs of which the second and third are known by their digests alone."""
    inputs = encode_values([[3], [500], [600]])
    expected = await sandbox.run_cases(reference.source, "f", inputs, LIMITS, whole=())
    assert len(expected.outputs) < 1500 < expected.size_bytes
    tests = CaseTests(
        entry_point="f", inputs=inputs, expected=expected.outputs, reference=reference, **rules
    )
    return await sandbox.judge(Program(source=source, tests=tests), LIMITS)


async def test_long_outputs_are_known_by_their_digests(sandbox: Sandbox) -> None:
    verdict = await judge_long(sandbox, LONG.source)
    assert (verdict.is_passed, verdict.tests_passed) == (True, 3)
    inputs = encode_values([[500], [600]])
    given = await sandbox.run_cases(LONG.source, "f", inputs, LIMITS, whole=[1])
    short, whole = decode_values(given.outputs)
    assert isinstance(short, str)
    assert short.startswith("[0.0, 0.14285714285714285, ")
    assert whole == [i / 7 for i in range(600)]


@pytest.mark.parametrize(
    ("value", "passed"),
    [
        ("[i / 7 + 1e-9 for i in range(n)]", 3),
        ("[-0.0] + [i / 7 for i in range(1, n)]", 3),
        ("[False] + [i / 7 for i in range(1, n)]", 3),
        ("[i / 7 + (i == 550) for i in range(n)]", 2),
        ("tuple(i / 7 for i in range(n))", 0),
        ("[i / 7 for i in range(n)] if n != 500 else 1 / 0", 2),
        ("[i / 7 for i in range(n)] if n != 500 else iter(())", 2),
        ("[i / 7 for i in range(n)] if n != 500 else 7", 2),
    ],
)
async def test_another_digest_decides_nothing(sandbox: Sandbox, value: str, passed: int) -> None:
    verdict = await judge_long(sandbox, f"def f(n):\n    return {value}")
    assert (verdict.tests_passed, verdict.tests_total) == (passed, 3)
    assert verdict.is_passed is (passed == 3)
    assert (verdict.failure is None) is (passed == 3)


async def test_a_rule_sees_whole_outputs_too(sandbox: Sandbox) -> None:
    oracle = "def is_correct(inputs, output, expected):\n    return output == expected[::-1]"
    verdict = await judge_long(sandbox, f"{LONG.source}[::-1]", oracle=oracle)
    assert (verdict.is_passed, verdict.tests_passed) == (True, 3)
    assert (await judge_long(sandbox, LONG.source, oracle=oracle)).tests_passed == 0


async def test_without_its_reference_another_digest_is_a_failure(sandbox: Sandbox) -> None:
    inputs = encode_values([[500]])
    expected = await sandbox.run_cases(LONG.source, "f", inputs, LIMITS, whole=())
    tests = CaseTests(entry_point="f", inputs=inputs, expected=expected.outputs)
    source = "def f(n):\n    return [i / 7 + 1e-9 for i in range(n)]"
    verdict = await sandbox.judge(Program(source=source, tests=tests), LIMITS)
    assert (verdict.status, verdict.tests_passed) == (Status.FAILED, 0)
    assert verdict.failure is not None
    assert verdict.failure.expected.startswith("[0.0, 0.142")


async def test_a_reference_that_gives_no_outputs_again_is_no_verdict(sandbox: Sandbox) -> None:
    inputs = encode_values([[500]])
    expected = await sandbox.run_cases(LONG.source, "f", inputs, LIMITS, whole=())
    broken = msgspec.structs.replace(LONG, source="def f(n): exit(n)\nimport nothing")
    tests = CaseTests(entry_point="f", inputs=inputs, expected=expected.outputs, reference=broken)
    with pytest.raises(SandboxUnavailableError, match="not again"):
        await sandbox.judge(Program(source="def f(n): return [n]", tests=tests), LIMITS)


_DIGEST_OF_THE_ANSWER = """
import hashlib, os
from inside import codec, frames
def f(n):
    frame = codec.encode([i / 7 for i in range(n)])
    for descriptor in range(3, 256):
        try:
            frames.write_frame(descriptor, frames.shorten(frame, "{words}"))
        except OSError:
            pass
    os._exit(0)
"""


async def test_a_digest_is_no_output(sandbox: Sandbox) -> None:
    inputs = encode_values([[500]])
    expected = await sandbox.run_cases(LONG.source, "f", inputs, LIMITS, whole=())
    (words,) = decode_values(expected.outputs)
    tests = CaseTests(entry_point="f", inputs=inputs, expected=expected.outputs, reference=LONG)
    source = _DIGEST_OF_THE_ANSWER.format(words=words)
    verdict = await sandbox.judge(Program(source=source, tests=tests), LIMITS)
    assert (verdict.status, verdict.tests_passed) == (Status.SUSPICIOUS, 0)


@pytest.mark.parametrize(
    ("output", "expected", "holds"),
    [
        ("True", 1, True),
        ("1.0", 1, True),
        ("-0.0", 0.0, True),
        ("float('nan')", math.nan, True),
        ("{2, 1, 99, -5}", {-5, 99, 1, 2}, True),
        ("dict([(2, 'b'), (1, 'a')])", {1: "a", 2: "b"}, True),
        ("10 ** 3000", 10**3000, True),
        ("10 ** 3000 + 1", 10**3000, False),
        ("bytearray(b'a')", b"a", True),
        ("__import__('array').array('b', b'a')", b"a", False),
        ("memoryview(b'a')", b"a", False),
        ("'1'", 1, False),
        ("b'a'", "a", False),
        ("(1, 2)", [1, 2], False),
        ("eval('[' * 80 + ']' * 80)", eval("[" * 80 + "]" * 80), True),
        ("eval('[' * 90 + '1' + ']' * 90)", eval("[" * 90 + "2" + "]" * 90), False),
    ],
)
async def test_other_bytes_may_be_the_same_value(
    sandbox: Sandbox, output: str, expected: object, *, holds: bool
) -> None:
    verdict = await judge(sandbox, f"def f(x): return {output}", [[0]], [expected])
    assert verdict.status is (Status.PASSED if holds else Status.FAILED)


async def test_a_value_nested_too_deeply_to_compare_fails(sandbox: Sandbox) -> None:
    loop = "    for _ in range(depth): value = [value]\n"
    source = f"def f(depth):\n    value = depth\n{loop}    return value"
    verdict = await judge(sandbox, source, [[300], [20_000], [0]], [[], [], 0])
    assert (verdict.status, verdict.tests_passed) == (Status.FAILED, 1)
    assert verdict.failure is not None
    assert verdict.failure.actual == "a value nested too deeply"


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

"""Tests that call the candidate across the pipe: what is counted, what is shown, what crosses."""

# ruff: noqa: E501, ISC004 - a small program reads best in one piece.

from __future__ import annotations

from importlib.util import find_spec

import pytest

from koderz.sandbox import CallTests, Isolation, Limits, Program, Sandbox, Status, Verdict

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = Limits(cpu_s=2.0, wall_s=20.0, memory_bytes=256 << 20)


async def judge(sandbox: Sandbox, source: str, tests: str, preamble: str = "") -> Verdict:
    asked = CallTests(source=tests, entry_point="f", preamble=preamble)
    return await sandbox.judge(Program(source=source, tests=asked), LIMITS)


DOUBLE = "def f(x):\n    return x * 2\n"

HONEST = {
    "check": (DOUBLE, "def check(candidate):\n    assert candidate(2) == 4"),
    "plain assertions": (DOUBLE, "assert f(2) == 4\nassert f('a') == 'aa'"),
    "a loop": (DOUBLE, "for n in range(50):\n    assert f(n) == 2 * n"),
    "a message": (DOUBLE, "assert f(2) == 4, 'doubles'"),
    "keywords": ("def f(a, *, b=1): return a - b", "assert f(3, b=2) == 1\nassert f(a=3) == 2"),
    "a helper": (DOUBLE + "def g(x): return f(x) + 1", "assert g(2) == 5"),
    "a whole float": ("def f(x): return x ** 0.5", "assert abs(f(2) - 1.41421356) < 1e-6"),
    "a huge int": ("def f(n): return 7 ** n", "assert f(9000) == 7 ** 9000"),
    "a change in place": ("def f(l): l.sort()", "l = [3, 1]\nassert f(l) is None\nassert l == [1, 3]"),
    "an exception": (
        "def f(x): raise ValueError('no', x)",
        "try:\n    f(1)\n    assert False\nexcept ValueError as error:\n    assert error.args == ('no', 1)",
    ),
    "an exception of its own": (
        "class Odd(KeyError): pass\ndef f(x): raise Odd(x)",
        "try:\n    f(1)\nexcept KeyError:\n    pass\nelse:\n    assert False\nassert True",
    ),
    "its own __eq__": (
        "class Point:\n    def __init__(self, x): self.x = x\n"
        "    def __eq__(self, other): return self.x == other.x\n"
        "def f(x): return Point(x) == Point(x + 0)",
        "assert f(3) is True",
    ),
    "a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\ndef f(x): return P(x).x",
        "assert f(3) == 3",
    ),
    "recursion": ("def f(n): return n and 1 + f(n - 1)", "assert f(900) == 900"),
    "much output": ("def f(x):\n    for _ in range(20_000): print('x' * 80)\n    return x", "assert f(1) == 1"),
    "a nap": ("import time\ndef f(x):\n    time.sleep(0.2)\n    return x", "assert f(1) == 1"),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def f(x):\n    with ThreadPoolExecutor(4) as pool: return sum(pool.map(abs, [x] * 10))",
        "assert f(-1) == 10",
    ),
    "asyncio": (
        "import asyncio\nasync def g(x): return x\ndef f(x): return asyncio.run(g(x))",
        "assert f(2) == 2",
    ),
    "files of its own": (
        "import tempfile\ndef f(x):\n    with tempfile.NamedTemporaryFile('w+') as file:\n"
        "        file.write(x); file.seek(0); return file.read()",
        "assert f('abc') == 'abc'",
    ),
    "eval": ("def f(x): return eval(x)", "assert f('1 + 1') == 2"),
    "a subclass's value": ("import collections\ndef f(x): return collections.Counter(x)", "assert f('aab') == {'a': 2, 'b': 1}"),
    "a main block": (DOUBLE + "if __name__ == '__main__':\n    raise SystemExit", "assert f(1) == 2"),
}  # fmt: skip


@pytest.mark.parametrize("case", HONEST)
async def test_an_honest_program_passes(sandbox: Sandbox, case: str) -> None:
    verdict = await judge(sandbox, *HONEST[case])
    assert verdict.is_passed, verdict
    assert verdict.tests_passed == verdict.tests_total > 0
    assert verdict.isolation is Isolation.SEPARATE
    assert verdict.failure is None


FAILING = {
    "wrong": (DOUBLE, "assert f(2) == 5", "failed", ("f(2)", "5", "4")),
    "wrong, the other way round": (DOUBLE, "assert 5 == f(2)", "failed", ("f(2)", "5", "4")),
    "a bound": (DOUBLE, "assert f(2) < 3", "failed", ("f(2)", "less than 3", "4")),
    "not true": (DOUBLE, "assert f(0)", "failed", ("f(0)", "a true value", "a false value")),
    "raising": (
        "def f(x): return [][x]",
        "assert f(1) == 1",
        "failed",
        ("f(1)", "1", "raised IndexError: list index out of range"),
    ),
    "missing": ("def g(x): return x", "assert f(1) == 1", "failed", ("f(1)", "1", "raised NameError: name 'f' is not defined")),
    "at load": ("1 / 0\n" + DOUBLE, "assert f(1) == 2", "failed", None),
    "syntax": ("def f(x) return x", "assert f(1) == 1", "syntax_error", None),
    "a null byte": ("def f(x): return x\0", "assert f(1) == 1", "syntax_error", None),
    "nothing tested": (DOUBLE, "def check(candidate):\n    candidate(1)", "failed", None),
    "a generator": ("def f(x): yield x", "assert list(f(1)) == [1]", "failed", ("f(1)", "[1]", "raised TypeError: a value of type generator cannot cross to the tests")),
    "no code": ("  \n", "assert f(1) == 1", "no_code", None),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILING)
async def test_a_failing_program_is_told_why(sandbox: Sandbox, case: str) -> None:
    source, tests, status, shown = FAILING[case]
    verdict = await judge(sandbox, source, tests)
    assert verdict.status == status, verdict
    if shown is not None:
        assert verdict.failure is not None
        failure = verdict.failure
        assert (failure.call, failure.expected, failure.actual) == shown
    else:
        assert verdict.error


async def test_every_assertion_is_counted_by_execution(sandbox: Sandbox) -> None:
    tests = (
        "def check(candidate):\n"
        "    for n in range(10):\n"
        "        assert candidate(n) == (2 * n if n != 3 else 0)\n"
        "    if candidate(1) == 99:\n"
        "        assert False\n"
        "    assert candidate('b') == 'bb'\n"
    )
    verdict = await judge(sandbox, DOUBLE, tests)
    assert (verdict.tests_passed, verdict.tests_total) == (10, 11)
    assert verdict.failure is not None
    assert verdict.failure.call == "f(3)"


async def test_an_error_shows_the_candidates_own_lines(sandbox: Sandbox) -> None:
    source = "def g(x):\n    return x / 0\n\ndef f(x):\n    return g(x)\n"
    verdict = await judge(sandbox, source, "assert f(1) == 1")
    assert verdict.error == (
        "ZeroDivisionError: division by zero\nline 5, in f: return g(x)\nline 2, in g: return x / 0"
    )


async def test_a_helper_of_the_preamble_is_not_the_candidates_to_redefine(
    sandbox: Sandbox,
) -> None:
    source = "def norm(x): return 0\ndef f(x): return x + 1000\n"
    tests = "assert norm(f(1)) == 0"
    assert (await judge(sandbox, source, tests)).is_passed
    trusted = "def norm(x):\n    return abs(x)\n"
    assert (await judge(sandbox, source, tests, trusted)).status is Status.FAILED


async def test_output_is_kept_up_to_its_limit(sandbox: Sandbox) -> None:
    limits = Limits(cpu_s=2.0, output_bytes=1000)
    source = "import sys\ndef f(x):\n    print('é' * 5000)\n    print('oops', file=sys.stderr)\n    return x"
    tests = CallTests(source="assert f(1) == 1", entry_point="f")
    verdict = await sandbox.judge(Program(source=source, tests=tests), limits)
    assert verdict.is_passed
    assert verdict.stdout == "é" * 500
    assert verdict.stderr == "oops\n"


async def test_what_was_passed_before_a_timeout_is_kept(sandbox: Sandbox) -> None:
    limits = Limits(cpu_s=0.3, wall_s=20.0)
    source = "def f(x):\n    while x == 2: pass\n    return x"
    tests = CallTests(source="for n in range(5):\n    assert f(n) == n", entry_point="f")
    verdict = await sandbox.judge(Program(source=source, tests=tests), limits)
    assert verdict.status is Status.TIMEOUT
    assert (verdict.tests_passed, verdict.tests_total) == (2, 3)
    assert verdict.failure is not None
    assert verdict.failure.call == "f(2)"
    assert 0.25 < verdict.cpu_s < 2


async def test_tests_that_leave_traces_do_not_share_a_process_with_the_next(
    sandbox: Sandbox,
) -> None:
    spoiling = "import math\nmath.pi = 3\nassert f(1) == 2"
    for _ in range(4):
        assert (await judge(sandbox, DOUBLE, spoiling)).is_passed
        clean = "import math\nassert f(math.pi) > 6.28"
        assert (await judge(sandbox, DOUBLE, clean)).is_passed


async def test_tests_that_never_end_are_the_programs_loss(sandbox: Sandbox) -> None:
    limits = Limits(cpu_s=0.2, wall_s=1.0)
    tests = CallTests(source="while f(1) == 2: pass", entry_point="f")
    verdict = await sandbox.judge(Program(source=DOUBLE, tests=tests), limits)
    assert verdict.status is Status.TIMEOUT
    assert (await judge(sandbox, DOUBLE, "assert f(1) == 2")).is_passed


@pytest.mark.skipif(find_spec("numpy") is None, reason="numpy is not installed")
async def test_packages_are_there_for_programs_that_ask_for_them(sandbox: Sandbox) -> None:
    source = "import numpy as np\ndef f(x):\n    return np.array(x).sum()\n"
    tests = CallTests(source="assert f([1, 2]) == 3", entry_point="f")
    asking = Program(source=source, tests=tests, use_arrays=True)
    assert (await sandbox.judge(asking, Limits())).is_passed
    verdict = await sandbox.judge(Program(source=source, tests=tests), Limits())
    assert verdict.status is Status.FAILED
    assert "No module named 'numpy'" in verdict.error

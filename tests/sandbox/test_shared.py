"""Tests that share a process with the candidate: what they can do, and what is held against it."""

# ruff: noqa: E501, ISC004 - a small program reads best in one piece.

from __future__ import annotations

import pytest

from koderz.sandbox import Isolation, Limits, Program, Sandbox, SharedTests, Status, Verdict

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = Limits(cpu_s=3.0, wall_s=20.0, memory_bytes=256 << 20)
RIGHT = "def f(x):\n    return x + 1\n"
SUITE = """
import unittest
from unittest.mock import ANY, patch

class Tests(unittest.TestCase):
    def setUp(self):
        self.number = 1

    def test_value(self):
        self.assertEqual(f(self.number), 2)

    def test_asserting(self):
        assert f(3) == 4

    def test_parts(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertEqual(f(number), number + 1)

    def test_patching(self):
        with patch("builtins.print") as mock:
            print(1)
        mock.assert_called_once_with(ANY)
        self.assertEqual(ANY, f(1))

    @unittest.skip("not now")
    def test_skipped(self):
        self.fail()
"""


async def judge(sandbox: Sandbox, source: str, tests: str) -> Verdict:
    asked = SharedTests(source=tests, entry_point="f")
    return await sandbox.judge(Program(source=source, tests=asked), LIMITS)


async def test_a_suite_counts_its_methods(sandbox: Sandbox) -> None:
    verdict = await judge(sandbox, RIGHT, SUITE)
    assert verdict.is_passed, verdict
    assert (verdict.tests_passed, verdict.tests_total) == (5, 5)
    assert verdict.isolation is Isolation.SHARED


async def test_a_failing_suite_names_the_first_failure(sandbox: Sandbox) -> None:
    verdict = await judge(sandbox, "def f(x):\n    return 2", SUITE)
    assert verdict.status is Status.FAILED
    assert (verdict.tests_passed, verdict.tests_total) == (3, 5)
    assert verdict.failure is not None
    assert verdict.failure.call == "Tests.test_asserting"


OBJECTS = {
    "a generator": ("def f(x):\n    yield from range(x)", "assert next(f(3)) == 0\nassert list(f(3)) == [0, 1, 2]"),
    "a function": ("def f(x):\n    return lambda y: x + y", "assert f(1)(2) == 3"),
    "a class": (
        "class Account:\n    def __init__(self): self.total = 0\n    def add(self, n): self.total += n",
        "account = Account()\naccount.add(3)\nassert account.total == 3",
    ),
    "an honest __eq__": (
        "class P:\n    def __init__(self, x): self.x = x\n"
        "    def __eq__(self, other): return isinstance(other, P) and self.x == other.x\n"
        "    def __hash__(self): return hash(self.x)",
        "assert P(1) == P(1)\nassert P(1) != P(2)\nassert {P(1), P(1)} == {P(1)}",
    ),
    "check": (RIGHT, "def check(candidate):\n    assert candidate is f\n    assert candidate(1) == 2"),
    "a named tuple": (
        "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\ndef f(x): return P(x)",
        "assert f(1) == (1,)",
    ),
    "an enum": ("import enum\nclass C(enum.Enum):\n    A = 1\ndef f(x): return C.A", "assert f(1) is C.A"),
    "a file": (
        "def f(x):\n    with open('a.txt', 'w') as file:\n        file.write(x)",
        "import os\nf('abc')\nassert os.path.getsize('a.txt') == 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OBJECTS)
async def test_the_candidates_own_objects_can_be_tested(sandbox: Sandbox, case: str) -> None:
    verdict = await judge(sandbox, *OBJECTS[case])
    assert verdict.is_passed, verdict
    assert verdict.tests_total > 0


FORGED = {
    "frames": "import sys\ndef f(x):\n    sys._getframe()\n    return x + 1",
    "frames, hidden": "import sys\ndef f(x):\n    getattr(sys, '_get' + 'frame')()\n    return x + 1",
    "frames of an error": (
        "def f(x):\n    try: 1 / 0\n    except ZeroDivisionError as e:\n"
        "        getattr(e.__traceback__, 'tb_' + 'frame')\n    return x + 1"
    ),
    "gc": "def f(x):\n    __import__('gc').get_objects()\n    return x + 1",
    "ctypes": "import ctypes\ndef f(x): return x + 1",
    "code from a file": "exec(compile('def f(x): return x + 1', '/usr/lib/a.py', 'exec'))",
    "unittest": "import unittest\nunittest.TestCase.assertEqual = print\ndef f(x): return x + 1",
    "a lying value": (
        "class V(int):\n    __eq__ = lambda self, other: not isinstance(other, bytes)\n"
        "    __hash__ = int.__hash__\ndef f(x): return V(9)"
    ),
}


@pytest.mark.parametrize("case", FORGED)
async def test_what_could_forge_a_pass_is_no_pass(sandbox: Sandbox, case: str) -> None:
    suite = (
        "import unittest\nclass T(unittest.TestCase):\n"
        "    def test(self):\n        self.assertEqual(f(1), 2)"
    )
    for tests in ("assert f(1) == 2", suite):
        verdict = await judge(sandbox, FORGED[case], tests)
        assert verdict.status is Status.SUSPICIOUS, verdict
        assert verdict.suspicions

"""The problem that attacks are set: give back the numbers plus one."""

from __future__ import annotations

from koderz.sandbox import CallTests, CaseTests, Limits, Program, SharedTests, encode_values
from koderz.sandbox.programs import Tests

LIMITS = Limits(cpu_s=0.2, wall_s=5.0, memory_bytes=128 << 20, disk_bytes=8 << 20)
CASES = (([1, 2], [2, 3]), ([5], [6]), ([0, 7, 9], [1, 8, 10]))
ASSERTS = "def check(candidate):\n" + "".join(
    f"    assert candidate({given}) == {wanted}\n" for given, wanted in CASES
)
UNITTEST = "import unittest\nclass Cases(unittest.TestCase):\n" + "".join(
    f"    def test_{index}(self):\n        self.assertEqual(add_one({given}), {wanted})\n"
    for index, (given, wanted) in enumerate(CASES)
)
MODES: dict[str, Tests] = {
    "calls": CallTests(source=ASSERTS, entry_point="add_one"),
    "cases": CaseTests(
        entry_point="add_one",
        inputs=encode_values([given] for given, _ in CASES),
        expected=encode_values(wanted for _, wanted in CASES),
    ),
    "shared": SharedTests(source=ASSERTS, entry_point="add_one"),
    "unittest": SharedTests(source=UNITTEST, entry_point="add_one"),
}
HONEST = Program(
    source="def add_one(numbers):\n    return [number + 1 for number in numbers]\n",
    tests=MODES["calls"],
)

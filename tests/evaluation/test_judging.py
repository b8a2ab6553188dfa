"""Problems made ready, expected outputs kept, samples judged in order; the sandbox records."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from koderz.benchmarks import AssertTests, Found, InputTests, Problem, Tests, UnitTests
from koderz.errors import JobError, SandboxUnavailableError
from koderz.evaluation.expected import open_expected_outputs
from koderz.evaluation.judging import NOT_RUN, Judge, judge_in_order
from koderz.evaluation.preparing import build_program, get_source, prepare
from koderz.evaluation.samples import Form, Sample
from koderz.sandbox import (
    CallTests,
    CaseOutputs,
    CaseTests,
    Limits,
    Program,
    SharedTests,
    Status,
    Verdict,
    decode_values,
    encode_values,
)

PROMPT = 'def f(n):\n    """One more."""\n'
CODE = "def f(n):\n    return n + 1\n"


class RecordingSandbox:
    """Passes everything, slower programs later; keeps what it was asked."""

    def __init__(self) -> None:
        self.programs: list[tuple[Program, Limits]] = []
        self.references: list[str] = []
        self.whole: list[Sequence[int] | None] = []
        self.outputs = CaseOutputs(
            outputs=encode_values([2]), count=1, status=Status.PASSED, cpu_s=5.0
        )
        self.under_way = self.most_under_way = 0

    async def judge(self, program: Program, limits: Limits = Limits()) -> Verdict:  # noqa: B008 - frozen.
        self.programs.append((program, limits))
        self.under_way += 1
        self.most_under_way = max(self.under_way, self.most_under_way)
        try:
            for _ in range(20 if "slow" in program.source else 1):
                await asyncio.sleep(0)
            if "endless" in program.source:
                await asyncio.Event().wait()
            if "broken" in program.source:
                raise SandboxUnavailableError("the sandbox is gone")
        finally:
            self.under_way -= 1
        return Verdict(status=Status.PASSED)

    async def run_cases(
        self,
        source: str,
        entry_point: str,
        inputs: bytes,
        limits: Limits = Limits(),  # noqa: B008 - as above.
        *,
        use_arrays: bool = False,
        whole: Sequence[int] | None = None,
    ) -> CaseOutputs:
        await asyncio.sleep(0)
        self.references.append(source)
        self.whole.append(whole)
        return self.outputs


def build_problem(tests: Tests, feedback: Tests | None = None) -> Problem:
    return Problem(
        task_id="t/0",
        prompt=PROMPT,
        entry_point="f",
        tests=tests,
        feedback=feedback,
        reference=CODE,
    )


INPUTS = InputTests(inputs=([1], [2]), reference=CODE, atol=0.5, oracle="o", adapter="\nx = 1\n")


@contextlib.asynccontextmanager
async def open_judge(
    sandbox: RecordingSandbox, problem: Problem, folder: Path
) -> AsyncIterator[Judge]:
    async with open_expected_outputs(sandbox, folder) as expected:
        problems = {"t/0": prepare(problem)}
        yield Judge(sandbox, problems, expected, timeout_s=3.0)


def test_a_form_of_sample_is_a_module() -> None:
    prepared = prepare(build_problem(AssertTests(source="")))
    forms = {
        Form.SOLUTION: CODE,
        Form.COMPLETION: "    return n + 1\n",
        Form.RAW: f"So:\n```python\n{CODE}```",
    }
    sources = {
        form: get_source(Sample("t/0", form, text), prepared) for form, text in forms.items()
    }
    assert sources[Form.SOLUTION].code == CODE
    assert sources[Form.COMPLETION].code == PROMPT + "    return n + 1\n"
    assert (sources[Form.RAW].code, sources[Form.RAW].found) == (CODE, Found.BLOCK)


def test_assertions_become_calls() -> None:
    prepared = prepare(build_problem(AssertTests(source="assert f(1) == 2", preamble="import re")))
    program = build_program(CODE, prepared)
    tests = CallTests(source="assert f(1) == 2", entry_point="f", preamble="import re")
    assert program == Program(source=CODE, tests=tests)


def test_inputs_become_cases_with_the_adapter_behind_the_code() -> None:
    expected = CaseOutputs(outputs=b"expected", count=2, status=Status.PASSED, cpu_s=3.0)
    program = build_program(CODE, prepare(build_problem(INPUTS)), expected)
    assert isinstance(program.tests, CaseTests)
    assert program.source == CODE + INPUTS.adapter
    assert decode_values(program.tests.inputs) == [[1], [2]]
    assert (program.tests.expected, program.tests.atol) == (b"expected", 0.5)
    assert program.tests.reference is not None
    assert (program.tests.reference.source, program.tests.reference.cpu_s) == (program.source, 3.0)
    assert build_program(" \n", prepare(build_problem(INPUTS))).source == " \n"


def test_unit_tests_share_a_process() -> None:
    program = build_program(CODE, prepare(build_problem(UnitTests(source="import unittest"))))
    assert program.tests == SharedTests(source="import unittest", entry_point="f")


@pytest.mark.parametrize(
    ("code", "uses"),
    [
        (CODE, False),
        ("import os, re\n", False),
        ("    import msgspec\n", True),
        ("import nix\n", False),
    ],
)
def test_installed_libraries_are_asked_for_where_they_are_imported(
    code: str, *, uses: bool
) -> None:
    prepared = prepare(build_problem(AssertTests(source="")))
    assert build_program(code, prepared).use_arrays is uses


def test_feedback_is_judged_by_its_own_tests() -> None:
    problem = build_problem(AssertTests(source="strict"), feedback=AssertTests(source="weak"))
    assert prepare(problem).tests == AssertTests(source="strict")
    assert prepare(problem, use_feedback=True).tests == AssertTests(source="weak")
    only = build_problem(AssertTests(source="strict"))
    assert prepare(only, use_feedback=True).tests == AssertTests(source="strict")


def test_inputs_that_are_no_plain_values_name_their_problem() -> None:
    tests = InputTests(inputs=([object()],), reference=CODE)
    with pytest.raises(JobError, match="t/0: the inputs cannot be used"):
        prepare(build_problem(tests))


async def test_expected_outputs_are_computed_once_and_kept(tmp_path: Path) -> None:
    sandbox = RecordingSandbox()
    sample = Sample("t/0", Form.SOLUTION, CODE)
    for _ in range(2):
        async with open_judge(sandbox, build_problem(INPUTS), tmp_path) as judge:
            await asyncio.gather(judge.judge(sample), judge.judge(sample))
    assert sandbox.references == [CODE + INPUTS.adapter]
    for file in tmp_path.iterdir():  # noqa: ASYNC240 - a folder of the test's own.
        file.write_bytes(b"damaged")
    async with open_judge(sandbox, build_problem(INPUTS), tmp_path) as judge:
        assert (await judge.judge(sample)).is_passed
    assert len(sandbox.references) == 2


async def test_outputs_are_digests_unless_a_rule_has_to_see_them(tmp_path: Path) -> None:
    sandbox = RecordingSandbox()
    for number, oracle in enumerate(("", "o")):
        tests = InputTests(inputs=([number],), reference=CODE, oracle=oracle)
        async with open_judge(sandbox, build_problem(tests), tmp_path) as judge:
            await judge.judge(Sample("t/0", Form.SOLUTION, CODE))
    assert sandbox.whole == [(), None]


@pytest.mark.parametrize(("size_bytes", "is_more"), [(1000, False), (100 << 20, True)])
async def test_long_expected_outputs_make_room_for_long_ones(
    tmp_path: Path, size_bytes: int, *, is_more: bool
) -> None:
    sandbox = RecordingSandbox()
    sandbox.outputs = msgspec.structs.replace(sandbox.outputs, size_bytes=size_bytes)
    async with open_judge(sandbox, build_problem(INPUTS), tmp_path) as judge:
        await judge.judge(Sample("t/0", Form.SOLUTION, CODE))
    disk_bytes = sandbox.programs[0][1].disk_bytes
    assert disk_bytes == Limits().disk_bytes + (4 * size_bytes if is_more else 0)


async def test_another_reference_has_outputs_of_its_own(tmp_path: Path) -> None:
    sandbox = RecordingSandbox()
    for reference in (CODE, CODE + "\n"):
        tests = InputTests(inputs=([1],), reference=reference)
        async with open_judge(sandbox, build_problem(tests), tmp_path) as judge:
            await judge.judge(Sample("t/0", Form.SOLUTION, CODE))
    assert len(sandbox.references) == 2


async def test_a_slow_reference_allows_four_times_as_much(tmp_path: Path) -> None:
    sandbox = RecordingSandbox()
    async with open_judge(sandbox, build_problem(INPUTS), tmp_path) as judge:
        await judge.judge(Sample("t/0", Form.SOLUTION, CODE))
    assert sandbox.programs[0][1].cpu_s == 20.0
    async with open_judge(sandbox, build_problem(AssertTests(source="")), tmp_path) as judge:
        await judge.judge(Sample("t/0", Form.SOLUTION, CODE))
    assert sandbox.programs[1][1].cpu_s == 3.0


async def test_a_reference_without_outputs_gives_no_verdict(tmp_path: Path) -> None:
    sandbox = RecordingSandbox()
    sandbox.outputs = CaseOutputs(outputs=b"", count=0, status=Status.TIMEOUT, error="too slow")
    async with open_judge(sandbox, build_problem(INPUTS), tmp_path) as judge:
        judgement = await judge.judge(Sample("t/0", Form.SOLUTION, CODE))
    assert (judgement.status, judgement.was_run, judgement.is_passed) == (NOT_RUN, False, False)
    assert judgement.reason == "the reference has no outputs (timeout) too slow"
    assert sandbox.programs == []
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - as above.


async def test_samples_come_back_in_order_and_few_are_under_way(tmp_path: Path) -> None:
    sandbox = RecordingSandbox()
    texts = ["slow" if number % 3 == 0 else "quick" for number in range(30)]
    samples = [Sample("t/0", Form.SOLUTION, f"{text} {n}") for n, text in enumerate(texts)]
    async with open_judge(sandbox, build_problem(AssertTests(source="")), tmp_path) as judge:
        judged = judge_in_order(judge, samples, window=4)
        assert [sample.text async for sample, _ in judged] == [each.text for each in samples]
    assert 1 < sandbox.most_under_way <= 4


async def test_what_is_under_way_ends_with_the_iteration(tmp_path: Path) -> None:
    sandbox = RecordingSandbox()
    samples = [Sample("t/0", Form.SOLUTION, text) for text in ("quick", "endless", "endless")]
    async with open_judge(sandbox, build_problem(AssertTests(source="")), tmp_path) as judge:
        async with contextlib.aclosing(judge_in_order(judge, samples, window=2)) as judged:
            async for sample, _ in judged:
                assert sample.text == "quick"
                break
        assert sandbox.under_way == 0


async def test_a_sandbox_that_fails_ends_the_iteration(tmp_path: Path) -> None:
    sandbox = RecordingSandbox()
    samples = [Sample("t/0", Form.SOLUTION, text) for text in ("broken", "endless")]
    async with open_judge(sandbox, build_problem(AssertTests(source="")), tmp_path) as judge:
        with pytest.raises(SandboxUnavailableError):
            async for _ in judge_in_order(judge, samples, window=2):
                pass
        assert sandbox.under_way == 0

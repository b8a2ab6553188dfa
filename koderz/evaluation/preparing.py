"""Problems made ready for the sandbox: what the benchmark says, in the sandbox's words."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from typing import Final

import msgspec

from koderz.benchmarks.answers import Found, extract_code
from koderz.benchmarks.problems import AssertTests, InputTests, Problem, Tests
from koderz.errors import JobError
from koderz.evaluation.samples import Form, Sample
from koderz.sandbox import (
    CallTests,
    CaseOutputs,
    CaseTests,
    Limits,
    Program,
    Reference,
    SharedTests,
    Status,
    encode_values,
)

_MIB: Final = 1024 * 1024
_REFERENCE_LIMITS: Final = Limits(cpu_s=600.0, wall_s=1800.0, disk_bytes=2048 * _MIB)
"""As much memory as samples have, so that an input too large for both is the same for both."""
NOTHING_EXPECTED: Final = CaseOutputs(outputs=b"", count=0, status=Status.PASSED)
_LIBRARIES: Final = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A problem whose inputs are packed: far smaller than as objects, and encoded once.

    `missing` are the modules it needs that are not installed; `uses_libraries` says that it
    needs any beyond the standard library.
    """

    problem: Problem
    tests: Tests
    inputs: bytes = b""
    missing: tuple[str, ...] = ()
    uses_libraries: bool = False


class Source(msgspec.Struct, frozen=True):
    """A module to judge, and how it was found where it came out of an answer."""

    code: str
    found: Found | None = None


def prepare(problem: Problem, *, use_feedback: bool = False) -> Prepared:
    """The problem made ready, with its verdict's tests, or with those for feedback.

    JobError where the inputs hold what cannot cross to another process.
    """
    tests = (problem.feedback or problem.tests) if use_feedback else problem.tests
    inputs = b""
    if isinstance(tests, InputTests):
        try:
            inputs = encode_values(tests.inputs)
        except ValueError as error:
            raise JobError(f"{problem.task_id}: the inputs cannot be used: {error}") from error
        tests = msgspec.structs.replace(tests, inputs=())
    return Prepared(
        problem=msgspec.structs.replace(problem, tests=tests, feedback=None),
        tests=tests,
        inputs=inputs,
        missing=tuple(name for name in problem.requirements if not is_installed(name)),
        uses_libraries=bool(problem.requirements),
    )


@cache
def is_installed(module: str) -> bool:
    """Whether a module of that name can be imported here; it is not imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def get_source(sample: Sample, prepared: Prepared) -> Source:
    """The module that a sample stands for."""
    problem = prepared.problem
    if sample.form is Form.SOLUTION:
        return Source(sample.text)
    if sample.form is Form.COMPLETION:
        return Source(problem.prompt + sample.text)
    extraction = extract_code(sample.text, problem)
    return Source(extraction.code, extraction.found)


def build_program(
    code: str, prepared: Prepared, expected: CaseOutputs = NOTHING_EXPECTED
) -> Program:
    """The program that the sandbox judges; `expected` are the outputs for problems of inputs."""
    tests, name = prepared.tests, prepared.problem.entry_point
    use_arrays = prepared.uses_libraries or needs_libraries(code)
    if isinstance(tests, AssertTests):
        calls = CallTests(source=tests.source, entry_point=name, preamble=tests.preamble)
        return Program(source=code, tests=calls, use_arrays=use_arrays)
    if isinstance(tests, InputTests):
        cases = CaseTests(
            entry_point=name,
            inputs=prepared.inputs,
            expected=expected.outputs,
            atol=tests.atol,
            oracle=tests.oracle,
            reference=build_reference(prepared, tests, expected.cpu_s),
        )
        return Program(source=adapt(code, tests), tests=cases, use_arrays=use_arrays)
    shared = SharedTests(source=tests.source, entry_point=name)
    return Program(source=code, tests=shared, use_arrays=use_arrays)


def build_reference(prepared: Prepared, tests: InputTests, cpu_s: float = 0.0) -> Reference:
    """The module that gives the expected outputs; it takes `cpu_s`, where that is known."""
    return Reference(
        source=adapt(tests.reference, tests),
        limits=_REFERENCE_LIMITS,
        use_arrays=prepared.uses_libraries or needs_libraries(tests.reference),
        cpu_s=cpu_s,
    )


def adapt(code: str, tests: InputTests) -> str:
    """The code with the problem's adapter behind it, where it has one and there is code."""
    return code + tests.adapter if code.strip() else code


def needs_libraries(code: str) -> bool:
    """Whether the code imports a module beyond the standard library that is installed."""
    import sys

    names = {name for name in _LIBRARIES.findall(code) if name not in sys.stdlib_module_names}
    return any(is_installed(name) for name in names)

"""What the sandbox is asked: a program, its tests, and what it may use."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

_MIB = 1024 * 1024


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one program may use.

    `cpu_s` is CPU time of the candidate's process over all its calls, so that a busy machine
    changes no verdict. `wall_s` ends a program that waits; such an end counts once it has come
    about a second time, with nothing else running. `output_bytes` of each of stdout and stderr
    are kept, `disk_bytes` is the size of the temporary folder and of any one file.
    """

    cpu_s: Annotated[float, Meta(gt=0, le=86_400)] = 10.0
    wall_s: Annotated[float, Meta(gt=0, le=86_400)] = 30.0
    memory_bytes: Annotated[int, Meta(ge=64 * _MIB)] = 1024 * _MIB
    output_bytes: Annotated[int, Meta(ge=0, le=_MIB)] = 64 * 1024
    disk_bytes: Annotated[int, Meta(ge=_MIB)] = 64 * _MIB
    processes: Annotated[int, Meta(ge=1, le=4096)] = 64


class CallTests(msgspec.Struct, frozen=True, kw_only=True, tag="calls"):
    """Assertions that call the candidate, run in a process of their own.

    `source` either defines `check(candidate)` or holds assertions at its top level; there
    `entry_point` names the candidate's function. `preamble` is trusted source that is run before
    it: imports, and functions that the tests rely on. A name that neither defines is the
    candidate's; so what must not be the candidate's to redefine belongs in the preamble.
    """

    source: str
    entry_point: str
    preamble: str = ""


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A trusted module that gives the expected outputs, and what it may use.

    `cpu_s` is what it took for all of them, where that is known.
    """

    source: str
    limits: Limits
    use_arrays: bool = False
    cpu_s: float = 0.0


class CaseTests(msgspec.Struct, frozen=True, kw_only=True, tag="cases"):
    """Inputs with their expected outputs, compared after the candidate's process has ended.

    `inputs` are lists of positional arguments and `expected` the outputs, both as
    `encode_values` gives them (or `CaseOutputs.outputs`). An output holds if it is equal, or if
    floats are expected and it is within `atol` (1e-6 where that is 0) plus 1e-7 of its size.
    `oracle` is the source of `is_correct(inputs, output, expected)`, for problems with another
    rule; it decides alone. `reference` is asked for the whole output where `expected` has but its
    digest (`Sandbox.run_cases` makes such outputs) and a candidate's output is another; without
    one, such a case fails.
    """

    entry_point: str
    inputs: bytes
    expected: bytes
    atol: float = 0.0
    oracle: str = ""
    reference: Reference | None = None


class SharedTests(msgspec.Struct, frozen=True, kw_only=True, tag="shared"):
    """Tests that need the candidate's own objects and so share a process with it.

    `source` holds unittest classes, or `check(candidate)`, or assertions at its top level.
    """

    source: str
    entry_point: str = ""


Tests = CallTests | CaseTests | SharedTests


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate: a whole module, and what it is tested with.

    `use_arrays` asks for a server that has numpy and pandas loaded and lets programs import
    whatever packages are installed beside Koderz.
    """

    source: str
    tests: Tests
    use_arrays: bool = False

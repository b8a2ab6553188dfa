"""Problems: what is asked, and the tests that decide whether an answer solves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec


class AssertTests(msgspec.Struct, frozen=True, kw_only=True):
    """Assertions about one function: HumanEval's form.

    `source` defines `check(candidate)`, or has its assertions at the top level; `preamble` is
    what the tests rely on and a candidate must not redefine: imports and the prompt's own
    functions.
    """

    source: str
    preamble: str = ""


class InputTests(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs on which a candidate has to give what the reference gives: EvalPlus's form.

    `inputs` are lists of positional arguments, plain values only; `reference` is the module that
    gives the expected outputs. `atol` is the absolute tolerance of numbers. `oracle` is the
    source of `is_correct(inputs, output, expected)` where equality is not the rule. `adapter` is
    put behind candidate and reference alike, where what they return is no plain value.
    """

    inputs: tuple[Sequence[object], ...]
    reference: str
    atol: float = 0.0
    oracle: str = ""
    adapter: str = ""


class UnitTests(msgspec.Struct, frozen=True, kw_only=True):
    """Classes of unittest that use the candidate's own objects: BigCodeBench's form."""

    source: str


Tests: TypeAlias = AssertTests | InputTests | UnitTests


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One problem of a benchmark. Known by its `task_id`: entry points are not unique.

    `tests` give the verdict. `feedback` are weaker tests that a model may learn from while it
    tries (None: there are none beside the verdict's). `reference` is a whole module that solves
    it (empty: none is known). `difficulty` is empty where nobody stated one. `requirements` are
    the modules beyond the standard library that the problem needs.
    """

    task_id: str
    prompt: str
    entry_point: str
    tests: Tests
    feedback: Tests | None = None
    reference: str = ""
    difficulty: str = ""
    requirements: tuple[str, ...] = ()

"""HumanEval's format: a prompt to be continued, and a function `check(candidate)`.

The starter set has it too, with two fields more: `feedback_test`, a second, weaker function of
the same kind, and `difficulty`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from koderz.benchmarks.files import find_problem_file, get_text, load_records
from koderz.benchmarks.problems import AssertTests, Problem
from koderz.benchmarks.syntax import get_preamble, list_foreign_modules


class HumanEvalFormat(msgspec.Struct, frozen=True, kw_only=True):
    """A benchmark whose file is in HumanEval's format."""

    name: str
    description: str
    filename: str

    def load_problems(self, path: Path | None = None) -> Iterator[Problem]:
        """Its problems as they are read."""
        file = find_problem_file(self.name, self.filename, path)
        for record in load_records(file):
            yield build_problem(record, file)


def build_problem(record: dict[str, Any], path: Path) -> Problem:
    """The problem of one line; JobError names `path`, problem and field where one is missing."""
    prompt, entry_point = get_text(record, "prompt", path), get_text(record, "entry_point", path)
    preamble = get_preamble(prompt, entry_point)
    tests = AssertTests(source=get_text(record, "test", path), preamble=preamble)
    feedback = None
    if "feedback_test" in record:
        source = get_text(record, "feedback_test", path)
        feedback = AssertTests(source=source, preamble=preamble)
    solution = record.get("canonical_solution") or ""
    return Problem(
        task_id=get_text(record, "task_id", path),
        prompt=prompt,
        entry_point=entry_point,
        tests=tests,
        feedback=feedback,
        reference=prompt + solution if solution else "",
        difficulty=record.get("difficulty") or "",
        requirements=list_foreign_modules([prompt, tests.source]),
    )


HUMANEVAL = HumanEvalFormat(
    name="humaneval",
    description="164 problems with assertions (OpenAI, MIT)",
    filename="HumanEval.jsonl.gz",
)

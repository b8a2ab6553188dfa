"""BigCodeBench: programs that use libraries, tested with unittest.

The libraries that a problem needs are those that it names and those that its prompt, its
reference or its tests import; a problem whose libraries are not installed cannot be judged.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from koderz.benchmarks.files import find_problem_file, get_text, load_records
from koderz.benchmarks.problems import Problem, UnitTests
from koderz.benchmarks.syntax import list_foreign_modules


class BigCodeBench(msgspec.Struct, frozen=True, kw_only=True):
    """A benchmark whose file is in BigCodeBench's format."""

    name: str
    description: str
    filename: str

    def load_problems(self, path: Path | None = None) -> Iterator[Problem]:
        """Its problems as they are read."""
        file = find_problem_file(self.name, self.filename, path)
        for record in load_records(file):
            yield _build_problem(record, file)


def _build_problem(record: dict[str, Any], path: Path) -> Problem:
    prompt, test = get_text(record, "complete_prompt", path), get_text(record, "test", path)
    solution = record.get("canonical_solution") or ""
    reference = prompt + solution if solution else ""
    named = _parse_libraries(record.get("libs")) - sys.stdlib_module_names
    return Problem(
        task_id=get_text(record, "task_id", path),
        prompt=prompt,
        entry_point=get_text(record, "entry_point", path),
        tests=UnitTests(source=test),
        reference=reference,
        requirements=tuple(sorted(named.union(list_foreign_modules([reference or prompt, test])))),
    )


def _parse_libraries(libs: object) -> set[str]:
    """The names in `libs`: a list, a list written as text, or a list that holds such a text."""
    if isinstance(libs, str):
        try:
            libs = ast.literal_eval(libs)
        except (ValueError, SyntaxError):
            return {libs} if isinstance(libs, str) and libs.isidentifier() else set()
    if not isinstance(libs, list | tuple):
        return set()
    return {name for each in libs if isinstance(each, str) for name in _parse_library(each)}


def _parse_library(text: str) -> set[str]:
    return _parse_libraries(text) if text.startswith("[") else {text.partition(".")[0]}


BIGCODEBENCH_HARD = BigCodeBench(
    name="bigcodebench-hard",
    description="148 problems with unittest suites, most need libraries (BigCode, Apache-2.0)",
    filename="BigCodeBench-Hard.jsonl.gz",
)

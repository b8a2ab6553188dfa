"""The starter set: problems that come with Koderz, so that it works with nothing downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import msgspec

from koderz.benchmarks.files import find_problem_file, load_records
from koderz.benchmarks.humaneval import build_problem
from koderz.benchmarks.problems import Problem


class Starter(msgspec.Struct, frozen=True, kw_only=True):
    """The bundled problems."""

    name: str = "starter"
    description: str = "36 problems in three difficulties, bundled (MIT)"
    filename: str = "starter.jsonl"

    def load_problems(self, path: Path | None = None) -> Iterator[Problem]:
        """Its problems; `path` names another file of the same format."""
        with as_file(files("koderz.benchmarks") / self.filename) as bundled:
            file = find_problem_file(self.name, self.filename, path or bundled)
            for record in load_records(file):
                yield build_problem(record, file)


STARTER = Starter()

"""The benchmarks there are: those that come with Koderz, and those that people bring.

A package brings its own with an entry point of the group `koderz.benchmarks` whose object is a
`Benchmark`:

    [project.entry-points."koderz.benchmarks"]
    ours = "our_package.problems:OURS"
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from koderz.benchmarks import bigcodebench, evalplus, humaneval, starter
from koderz.benchmarks.problems import Problem
from koderz.errors import ConfigError

GROUP: Final = "koderz.benchmarks"


@runtime_checkable
class Benchmark(Protocol):
    """A set of problems."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""

    @property
    def description(self) -> str:
        """What it holds, in a line."""

    def load_problems(self, path: Path | None = None) -> Iterator[Problem]:
        """Its problems as they are read: from `path`, else from where its file is looked for.

        ConfigError where there is no file, JobError where it cannot be read.
        """


_OWN: Final[tuple[Benchmark, ...]] = (
    starter.STARTER,
    humaneval.HUMANEVAL,
    evalplus.HUMANEVAL_PLUS,
    evalplus.HUMANEVAL_PLUS_MINI,
    evalplus.MBPP_PLUS,
    bigcodebench.BIGCODEBENCH_HARD,
)


def list_names() -> tuple[str, ...]:
    """The names of all benchmarks, those that come with Koderz first."""
    own = [benchmark.name for benchmark in _OWN]
    return (*own, *sorted(set(_get_entry_points()) - set(own)))


def get_benchmark(name: str) -> Benchmark:
    """The benchmark of that name; ConfigError with close names where there is none."""
    for benchmark in _OWN:
        if benchmark.name == name:
            return benchmark
    if entry := _get_entry_points().get(name):
        return _load_entry(entry)
    close = difflib.get_close_matches(name.lower(), list_names(), n=2, cutoff=0.5)
    hint = (
        f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(list_names())}"
    )
    raise ConfigError(f"unknown dataset {name!r}: {hint}")


@cache
def _get_entry_points() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _load_entry(entry: EntryPoint) -> Benchmark:
    where = f"the dataset {entry.name!r} ({entry.value})"
    try:
        benchmark = entry.load()
    except Exception as error:
        raise ConfigError(f"{where} cannot be loaded: {error}") from error
    if not isinstance(benchmark, Benchmark):
        raise ConfigError(f"{where} is no koderz.benchmarks.Benchmark")
    return benchmark

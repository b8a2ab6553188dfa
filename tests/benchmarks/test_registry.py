"""Benchmarks by name: the project's own, and those that a package brings."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from koderz.benchmarks import AssertTests, Benchmark, Problem, get_benchmark, list_names, registry
from koderz.errors import ConfigError


class Ours:
    name = "ours"
    description = "One problem."

    def load_problems(self, path: Path | None = None) -> Iterator[Problem]:
        yield Problem(task_id="ours/0", prompt="", entry_point="f", tests=AssertTests(source=""))


OURS = Ours()
NOTHING = 3


def bring(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry = EntryPoint("ours", value, registry.GROUP)
    monkeypatch.setattr(registry, "_get_entry_points", lambda: {"ours": entry})


def test_all_benchmarks_have_their_name() -> None:
    names = ("starter", "humaneval", "humaneval+", "humaneval+mini", "mbpp+", "bigcodebench-hard")
    assert list_names()[:6] == names
    for name in names:
        benchmark = get_benchmark(name)
        assert isinstance(benchmark, Benchmark)
        assert (benchmark.name, bool(benchmark.description)) == (name, True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("humanevl", "did you mean humaneval"),
        ("HumanEval+", r"did you mean humaneval\+"),
        ("mbpp", r"did you mean mbpp\+"),
        ("zzz", "there are starter, humaneval"),
    ],
)
def test_an_unknown_name_gets_close_ones(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        get_benchmark(name)


def test_a_package_brings_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "their_package", __import__("types"))
    monkeypatch.setattr(__import__("types"), "OURS", OURS, raising=False)
    bring(monkeypatch, "their_package:OURS")
    assert "ours" in list_names()
    (problem,) = get_benchmark("ours").load_problems()
    assert problem.task_id == "ours/0"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("no_such_package_here:OURS", "'ours' .* cannot be loaded"),
        ("math:pi", "'ours' .* is no koderz.benchmarks.Benchmark"),
    ],
)
def test_a_package_that_brings_no_benchmark_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str, message: str
) -> None:
    bring(monkeypatch, value)
    with pytest.raises(ConfigError, match=message):
        get_benchmark("ours")

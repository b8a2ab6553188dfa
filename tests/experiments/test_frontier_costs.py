"""`koderz frontier-costs`: what was measured of a problem, and how to measure what was not."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from made_calls import build_call, keep_experiment
from trials import CHEAP, FAILED

from koderz.cli import run_command
from koderz.experiments.documents import RunDocument, build_run_row
from koderz.experiments.plans import Key
from koderz.experiments.store import ExperimentStore


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty store that the commands read."""
    path = tmp_path / "experiments.sqlite"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KODERZ_EXPERIMENTS_PATH", str(path))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    with ExperimentStore(path) as opened:
        empty = RunDocument(dataset="starter", problem_ids=(), plans={})
        for run in ("one", "two"):
            opened.keep_run(build_run_row(run, "benchmark", empty))
        yield opened


def show(capsys: pytest.CaptureFixture[str], *options: str, code: int = 0) -> str:
    assert run_command(["frontier-costs", *options]) == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


def show_json(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    found = json.loads(show(capsys, *options, "--json"))["problems"]
    return {row["problem"]: row for row in found}


def keep(store: ExperimentStore, problem: str, *calls: Any, run: str = "one", **key: Any) -> None:
    verdict = key.pop("verdict", None)
    given = {"verdict": verdict} if verdict else {}
    keep_experiment(store, Key(run=run, problem=problem, **key), calls, **given)


def test_it_is_the_mean_of_what_frontier_models_alone_took(
    store: ExperimentStore, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(store, "starter/0", build_call(cost_usd="0.01"), build_call(cost_usd="0.01"))
    keep(store, "starter/0", build_call(cost_usd="0.04"), run="two", verdict=FAILED)
    keep(store, "starter/0", build_call(CHEAP, "0.001"), strategy="cheap")
    row = show_json(capsys)["starter/0"]
    assert row["real"] == {"cost_usd": 0.03, "samples": 2, "solved": 1, "models": ["gpt-4o"]}
    assert row["simulated"] is None
    assert "measure_with" not in row
    assert "starter/0  $0.0300        2       1  gpt-4o" in show(capsys)


def test_simulated_ones_stand_apart(
    store: ExperimentStore, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(store, "starter/0", build_call(cost_usd="0.04", is_simulated=True))
    keep(store, "starter/1", build_call(cost_usd="0.01"))
    rows = show_json(capsys)
    assert rows["starter/0"]["real"] is None
    assert rows["starter/0"]["simulated"]["cost_usd"] == 0.04
    page = show(capsys)
    assert "simulated" in page
    assert "1 of 2 problems have no real baseline; this measures it" in page


def test_an_unknown_price_stays_unknown(
    store: ExperimentStore, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(store, "starter/0", build_call(cost_usd="0.01"), build_call(cost_usd=None))
    assert show_json(capsys)["starter/0"]["real"]["cost_usd"] is None
    assert "unknown" in show(capsys)


def test_of_the_others_it_says_what_would_measure_them(
    store: ExperimentStore, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(store, "starter/3", build_call())
    rows = show_json(capsys, "--dataset", "starter")
    assert [name for name, row in rows.items() if row["real"]] == ["starter/3"]
    command = shlex.split(rows["starter/4"]["measure_with"])
    assert command[:4] == ["koderz", "run", "--problem-id", "starter/4"]
    page = show(capsys, "--dataset", "starter")
    assert "35 of 36 problems have no real baseline; this measures the first:" in page
    assert "koderz run --problem-id starter/0 --mode zero-shot --local-model" in page
    assert "none measured" in show(capsys, "--problem-id", "starter/4")


def test_the_command_that_it_names_lacks_a_key_at_most(
    store: ExperimentStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = show_json(capsys, "--problem-id", "starter/4")["starter/4"]
    command = shlex.split(row["measure_with"])
    assert run_command(command[1:]) == 2
    assert "no API key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dataset", "nosuch"], "unknown dataset 'nosuch'"),
        (["--problem-id", "starter/999"], "starter has no problem 'starter/999'"),
        (["--problem-id", "starter/0", "--dataset", "humaneval"], "koderz download-data humaneval"),
    ],
)
def test_bad_input_is_one_line(
    store: ExperimentStore, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert said in show(capsys, *options, code=2)


def test_before_anything_was_tried(
    store: ExperimentStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_json(capsys) == {}
    assert "no experiments yet" in show(capsys)

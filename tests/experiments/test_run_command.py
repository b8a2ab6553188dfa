"""`koderz run` and the commands that read what it left, as a person runs them."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from terminal import NOBODY, run_command, run_json, start, wait_for_line

from koderz import cli
from koderz.commands import run_work
from koderz.config.settings import Settings
from koderz.errors import SandboxUnavailableError
from koderz.ledger.store import Ledger, get_ledger_path
from koderz.models.registry import get_tier
from koderz.simulator import open_simulator
from koderz.types import Tier

NOTHING: dict[str, Any] = {"experiments": [], "runs": []}


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder to run in, with nobody within reach."""
    monkeypatch.chdir(tmp_path)
    for name, value in NOBODY.items():
        monkeypatch.setenv(name, value)


def test_with_nobody_in_reach_the_simulator_answers_and_it_says_so_first_and_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = run_command(capsys, "run", "--problem-id", "starter/0", "--seed", "1").splitlines()
    assert lines[0] == run_work.SIMULATED_START
    assert lines[-1] == run_work.SIMULATED_END
    page = "\n".join(lines)
    for said in ("spec: ", "iteration: ", "checkpoint: ", "iteration 1: ", "verdict: "):
        assert said in page
    assert "Cost Analysis:\n  Actual Total: $" in page
    assert "SIMULATED: models of the simulator answered" in page


def test_an_experiment_can_be_listed_analyzed_and_read_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = run_json(capsys, "run", "--problem-id", "starter/1", "--seed", "1")
    assert made["is_simulated"]
    (row,) = run_json(capsys, "results")["experiments"]
    assert (row["id"], row["ending"]) == (made["id"], made["ending"])
    assert made["id"] in run_command(capsys, "results")
    page = run_command(capsys, "analyze", made["id"], "--show-code")
    assert "verdict" in page
    assert "Frontier-Only Estimate" in page
    assert made["code"].strip() in page
    analyzed = run_json(capsys, "analyze", made["id"])
    assert analyzed["code"] == made["code"]
    assert analyzed["steps"][0]["type"] == "spec"
    assert "## Behaviour" in run_command(capsys, "show-spec", made["id"])
    spec = run_json(capsys, "show-spec", made["id"])
    assert spec["model"] == made["plan"]["spec_model"]


def test_another_baseline_gives_another_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    made = run_json(capsys, "run", "--problem-id", "starter/1", "--baseline-model", "gpt-4o-mini")
    assert made["cost"]["baseline"] == "gpt-4o-mini"
    again = run_json(capsys, "analyze", made["id"], "--baseline-model", "gpt-4o")
    small, large = (each["cost"]["savings"]["estimate_usd"] for each in (made, again))
    assert large > small > 0


SHORT = ("--max-iterations", "2")


def test_flags_make_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--problem-id", "starter/1", "--no-spec", "--no-cot"]
    flags += ["--max-iterations", "3", "--checkpoint-interval", "2", "--seed", "4"]
    flags += ["--temperature", "0.7", "--timeout", "3", "--max-cost", "1.5"]
    plan = run_json(capsys, "run", *flags)["plan"]
    assert plan.pop("checkpoint_model")
    assert plan | {"iteration_model": ""} == {
        "iteration_model": "",
        "spec_model": "",
        "max_iterations": 3,
        "checkpoint_interval": 2,
        "reuse_spec": False,
        "use_reasoning": False,
        "seed": 4,
        "temperature": 0.7,
        "timeout_s": 3.0,
        "answer_tokens": 4000,
        "max_cost_usd": 1.5,
        "cost_of": "",
    }


def test_without_reviews_nobody_reviews(capsys: pytest.CaptureFixture[str]) -> None:
    made = run_json(capsys, "run", "--problem-id", "starter/13", "--no-checkpoints", *SHORT)
    assert (made["plan"]["checkpoint_model"], made["checkpoints"]) == ("", 0)


def test_the_estimate_of_a_cheap_models_shot_takes_a_frontier_models_prices(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cost = run_json(capsys, "run", "--problem-id", "starter/0", "--mode", "zero-shot")["cost"]
    assert get_tier(cost["baseline"]) is Tier.FRONTIER
    assert cost["savings"]["estimate_usd"] > cost["total"]["cost_usd"]


def test_a_model_that_the_settings_no_longer_know_leaves_its_estimate_unknown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = tmp_path / "own.toml"
    settings.write_text(
        '[koderz.providers.mylab]\nbase_url = "http://127.0.0.1:9/v1"\nwire = "openai"\n'
    )
    options = ["--baseline-model", "mylab/great", "--config", str(settings)]
    made = run_json(capsys, "run", "--problem-id", "starter/0", *options)
    (row,) = run_json(capsys, "results")["experiments"]
    assert (row["id"], row["cost_usd"]) == (made["id"], made["cost_usd"])
    assert run_json(capsys, "analyze", made["id"])["cost"]["savings"]["estimate_usd"] is None


def test_a_zero_shot_is_one_attempt(capsys: pytest.CaptureFixture[str]) -> None:
    made = run_json(capsys, "run", "--problem-id", "starter/1", "--mode", "zero-shot")
    assert (made["iterations"], made["spec_model"], made["checkpoints"]) == (1, "", 0)


def test_debug_files_go_where_they_are_wanted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = run_json(
        capsys, "run", "--problem-id", "starter/1", "--debug", "--debug-dir", str(tmp_path / "d")
    )
    names = {file.name for file in (tmp_path / "d").iterdir()}
    assert {f"{made['id']}_spec.txt", f"{made['id']}_iteration01_code.py"} <= names


def test_a_spec_is_reused(capsys: pytest.CaptureFixture[str]) -> None:
    first = run_json(capsys, "run", "--problem-id", "starter/1")
    again = run_json(capsys, "run", "--problem-id", "starter/1", "--reuse-spec")
    assert again["spec_reused_from"] == first["id"]
    page = run_command(capsys, "analyze", again["id"])
    assert f"wrote it in {first['id']}: reused, free" in page


def test_without_a_sandbox_every_result_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    made = run_json(
        capsys, "run", "--problem-id", "starter/1", "--mode", "zero-shot", "--sandbox", "none"
    )
    assert made["isolation"] == "none"
    page = run_command(capsys, "analyze", made["id"])
    assert "nothing kept the programs apart" in page


def test_its_settings_are_gone_by(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {
        "EXPERIMENTS_PATH": str(tmp_path / "e.sqlite"),
        "EXPERIMENTS_ANSWER_TOKENS": "1234",
        "EXPERIMENTS_GPU_HOUR_USD": "3600",
        "MEMORY_PATH": str(tmp_path / "m.sqlite"),
        "MEMORY_CORTEX_COMMAND": "/nowhere/cortex --fast",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"KODERZ_{name}", value)
    assert cli.run_command(["run", "--problem-id", "starter/0", "--json"]) == 0
    captured = capsys.readouterr()
    made = json.loads(captured.out)
    assert (tmp_path / "e.sqlite").exists()
    assert (tmp_path / "m.sqlite").exists()
    assert "no Cortex server" in captured.err
    assert made["plan"]["answer_tokens"] == 1234
    assert made["cost"]["gpu_usd"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "--problem-id: name one, such as starter/0"),
        (["run", "--problem-id", "starter/99"], "did you mean starter/"),
        (["run", "--problem-id", "x", "--dataset", "startr"], "did you mean starter?"),
        (["run", "--problem-id", "HumanEval/0"], "koderz download-data humaneval"),
        (["run", "--problem-id", "starter/0", "--checkpoint-interval", "0"], "1 or more"),
        (["run", "--problem-id", "starter/0", "--max-iterations", "0"], "1 or more"),
        (["run", "--problem-id", "starter/0", "--max-cost", "-1"], "--max-cost: is no amount"),
        (["run", "--problem-id", "starter/0", "--local-model", "gpt-4oo"], "did you mean gpt-4o"),
        (["run", "--problem-id", "starter/0", "--local-model", "gpt-4o"], "OPENAI_API_KEY"),
        (["run", "--problem-id", "starter/0", "--mode", "twice"], "--mode"),
        (["run", "--problem-id", "starter/0", "--baseline-model", "gpt-4oo"], "did you mean gpt"),
        (["run", "--problem-id", "starter/0", "--timeout", "0.001"], "--timeout: has to be from"),
        (["run", "--problem-id", "starter/0", "--seed", "99999999999"], "--seed: is too large"),
        (["run", "--problem-id", "starter/0", "--debug-dir", "x"], "--debug-dir: is where"),
        (
            ["run", "--problem-id", "starter/0", "--mode", "zero-shot", "--max-iterations", "3"],
            "--mode: is one attempt, without spec and reviews: leave out --max-iterations",
        ),
        (
            ["run", "--problem-id", "starter/0", "--no-spec", "--reuse-spec"],
            "--no-spec: there is no spec then: leave out --reuse-spec",
        ),
        (["run", "--resume", "x", "--seed", "3"], "the run has its own: leave out --seed"),
        (["run", "--resume", "nothing"], "no run 'nothing': there is none"),
        (["run", "--resume", "x", "--problem-id", "starter/0"], "leave out --problem-id"),
        (["analyze", "nothing"], "no run 'nothing'"),
        (["show-spec", "nothing"], "no run 'nothing'"),
        (["results", "nothing"], "no run 'nothing'"),
        (["results", "--limit", "0"], "at least 1"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    error = run_command(capsys, *arguments, code=2)
    assert said in error
    assert error.count("\n") == 1
    assert cli.run_command(["results", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == NOTHING, "nothing was begun"


def test_no_sandbox_says_what_to_do_before_anything_is_paid(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise SandboxUnavailableError("no isolation here: use --sandbox none")

    monkeypatch.setattr("koderz.sandbox.opening._open", refuse)
    error = run_command(capsys, "run", "--problem-id", "starter/0", code=2)
    assert "--sandbox none" in error
    assert "--resume" not in error
    assert run_json(capsys, "results") == NOTHING


def test_a_limit_stops_and_a_higher_one_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    error = run_command(capsys, "run", "--problem-id", "starter/0", "--max-cost", "0.0001", code=1)
    assert "the limit of $0.0001 does not cover the next call" in error
    found = re.search(r"koderz run --resume (\S+) --max-cost USD", error)
    assert found
    page = run_command(capsys, "run", "--resume", found[1], "--max-cost", "5")
    assert page.splitlines()[0] == run_work.SIMULATED_START
    assert f"id        {found[1]}" in page


@pytest.fixture
async def slow_simulator() -> AsyncIterator[dict[str, str]]:
    """A simulator that takes its time."""
    async with open_simulator(latency_s=0.2, skills={"*": 0.0}) as simulator:
        yield {**simulator.environ(), **NOBODY}


async def test_ctrl_c_leaves_a_run_that_goes_on(
    slow_simulator: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in slow_simulator.items():
        monkeypatch.setenv(name, value)
    arguments = ["run", "--problem-id", "starter/0", "--local-model", "gpt-4o-mini"]
    arguments += ["--max-iterations", "4"]
    with start([sys.executable, "-m", "koderz", *arguments]) as process:
        await wait_for_line(process, "iteration 2:")
        process.send_signal(signal.SIGINT)
        _, error = await asyncio.to_thread(process.communicate, timeout=30)
    assert process.returncode == 130, error
    assert "Traceback" not in error
    found = re.search(r"go on with it: koderz run --resume (\S+)", error)
    assert found
    (row,) = run_json(capsys, "results")["experiments"]
    assert (row["id"], row["ending"]) == (found[1], "stopped")
    assert 2 <= row["iterations"] < 4
    made = await asyncio.to_thread(run_json, capsys, "run", "--resume", found[1])
    assert (made["ending"], made["iterations"]) == ("unsolved", 4)
    with Ledger(get_ledger_path(Settings())) as ledger:
        ((calls, cost),) = ledger.fetch("SELECT count(*), sum(cost_pusd) FROM attempts")
    assert made["cost"]["total"]["calls"] == calls, "the call that was cut off is counted as well"
    assert Decimal(str(made["cost_usd"])) == Decimal(cost).scaleb(-12)

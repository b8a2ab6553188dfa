"""`koderz benchmark` as a person runs it: what it says, refuses, keeps and goes on with."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from terminal import NOBODY, run_command, run_json, start, wait_for_line

from koderz import cli
from koderz.commands import run_work
from koderz.config.settings import Settings
from koderz.errors import SandboxUnavailableError
from koderz.experiments.store import ExperimentStore, get_store_path
from koderz.ledger.store import Ledger, get_ledger_path
from koderz.simulator import open_simulator

CHEAP, DEAR = "gpt-4o-mini", "gpt-4o"
MODELS = ["--local-model", CHEAP, "--frontier-spec-model", DEAR]
MODELS += ["--frontier-checkpoint-model", DEAR]
STRATEGIES = """
[strategy.quick]
mode = "zero-shot"
[strategy.patient]
max_iterations = 3
checkpoint_interval = 2
[strategy.control]
mode = "same-cost"
cost_of = "patient"
"""
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder to run in, with nobody within reach."""
    monkeypatch.chdir(tmp_path)
    for name, value in NOBODY.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def strategies(tmp_path: Path) -> str:
    """A file with three strategies."""
    path = tmp_path / "strategies.toml"
    path.write_text(STRATEGIES)
    return str(path)


@pytest.fixture
async def providers(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A simulator in every provider's place, as if it were they."""
    async with open_simulator(skills={CHEAP: 0.4}) as simulator:
        for name, value in {**simulator.environ(), **NOBODY}.items():
            monkeypatch.setenv(name, value)
        yield


async def benchmark(capsys: Capture, *arguments: str, code: int = 0) -> str:
    """What the command prints, while a simulator in this process answers it."""
    return await asyncio.to_thread(run_command, capsys, "benchmark", *arguments, code=code)


def get_run(capsys: Capture) -> str:
    """The latest run's name."""
    name: str = run_json(capsys, "results")["runs"][0]["run"]
    return name


def load_spent(run: str) -> Decimal:
    with Ledger(get_ledger_path(Settings())) as ledger:
        query = "SELECT sum(cost_pusd) FROM attempts WHERE job_id LIKE :run || '%'"
        ((total,),) = ledger.fetch(query, {"run": run})
    return Decimal(total or 0).scaleb(-12)


def test_with_nobody_in_reach_it_is_simulated_and_says_so_first_and_last(capsys: Capture) -> None:
    lines = run_command(capsys, "benchmark", "--end", "2", "--samples", "2").splitlines()
    assert lines[0] == run_work.SIMULATED_START
    assert lines[-1] == run_work.SIMULATED_END
    page = "\n".join(lines)
    for said in (
        "2 problems of starter, 2 samples each: 16 experiments",
        "expected cost: $",
        "an estimate (low: all solved at once",
        "supervised starter/1 sample 1: ",
        "(4 of 4)",
        "Against frontier",
    ):
        assert said in page


def test_with_json_the_report_alone_is_on_standard_output(capsys: Capture) -> None:
    assert cli.run_command(["benchmark", "--end", "1", "--mode", "zero-shot", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["strategies"][0]["strategy"] == "zero-shot"
    assert "expected cost: $" in captured.err
    assert captured.err.splitlines()[0] == run_work.SIMULATED_START


def test_simulated_samples_differ_and_the_same_run_gives_the_same(capsys: Capture) -> None:
    arguments = ["benchmark", "--mode", "zero-shot", "--end", "4", "--samples", "3"]
    runs = []
    for _ in range(2):
        run_command(capsys, *arguments)
        with ExperimentStore(get_store_path(Settings())) as store:
            histories = dict(store.load_histories(store.load_runs()[0].run))
        runs.append(
            [(key.problem, key.sample, h.trials[0].iteration.code) for key, h in histories.items()]
        )
    assert runs[0] == runs[1]
    assert len({code for _, _, code in runs[0]}) > 4, "samples of one problem differ"


def test_a_report_is_written_where_it_is_wanted(capsys: Capture, tmp_path: Path) -> None:
    out = tmp_path / "report.md"
    run_command(capsys, "benchmark", "--end", "1", "--mode", "zero-shot", "--out", str(out))
    assert "zero-shot" in out.read_text()


async def test_strategies_of_a_file_are_compared(
    providers: None, capsys: Capture, strategies: str
) -> None:
    page = await benchmark(capsys, strategies, "--end", "2", "--seed", "1", *MODELS)
    for said in ("quick", "patient", "control", f"{CHEAP}, independent attempts at the cost of"):
        assert said in " ".join(page.split())
    assert run_work.SIMULATED_START not in page, "nobody knows yet that providers are simulated"
    run = get_run(capsys)
    with ExperimentStore(get_store_path(Settings())) as store:
        histories = dict(store.load_histories(run))
    controls = {key: each for key, each in histories.items() if key.strategy == "control"}
    assert len(controls) == 2
    for key, history in controls.items():
        other = next(
            each
            for its, each in histories.items()
            if (its.strategy, its.problem) == ("patient", key.problem)
        )
        paid = sum(attempt.cost_usd or 0 for attempt in other.attempts)
        assert history.allowance
        assert history.allowance.cost_usd == paid
        spent = sum(attempt.cost_usd or 0 for attempt in history.attempts)
        assert len(history.trials) == 1 or spent <= paid * Decimal("1.2")


async def test_every_call_of_a_run_is_a_steps(
    providers: None, capsys: Capture, strategies: str
) -> None:
    await benchmark(capsys, strategies, "--end", "1", "--samples", "2", *MODELS)
    run = get_run(capsys)
    with ExperimentStore(get_store_path(Settings())) as store:
        costs = [a.cost_usd or 0 for _, each in store.load_histories(run) for a in each.attempts]
    assert sum(costs) == load_spent(run) > 0


async def test_results_and_analyze_know_runs_of_many(
    providers: None, capsys: Capture, strategies: str
) -> None:
    await benchmark(capsys, strategies, "--end", "1", *MODELS)
    (summary,) = run_json(capsys, "results")["runs"]
    assert (summary["judged"], summary["experiments"]) == (3, 3)
    run = summary["run"]
    page = run_command(capsys, "results")
    assert f"`koderz report {run}` compares strategies" in page
    listed = run_json(capsys, "results", run)["experiments"]
    assert {row["strategy"] for row in listed} == {"quick", "patient", "control"}
    for name in (run, run[:12]):
        assert cli.run_command(["analyze", name]) == 0
        captured = capsys.readouterr()
        assert all(row["id"] in captured.out for row in listed)
        assert f"`koderz report {run}`" in captured.err
    one = run_command(capsys, "analyze", f"{run}_control_starter-0_0")
    assert "what patient" in one
    assert "Cost Analysis:" in one
    assert "name one, such as" in run_command(capsys, "show-spec", run, code=2)
    assert "## " in run_command(capsys, "show-spec", f"{run}_patient_starter-0_0")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--start", "5", "--end", "3"], "--end: has to be more than --start (5)"),
        (["--end", "0"], "--end: has to be more than --start (0)"),
        (["--start", "99"], "--start: there is no problem 99: starter has 36"),
        (["--start", "-1"], "--start: the first problem is 0"),
        (["--problem-id", "starter/0", "--end", "3"], "name problems, or a range"),
        (["--problem-id", "starter/99"], "did you mean starter/9"),
        (["--dataset", "startr"], "did you mean starter?"),
        (["--dataset", "humaneval"], "koderz download-data humaneval"),
        (["nothing.toml"], "nothing.toml: cannot be read: no such file"),
        (["--samples", "0"], "--samples: has to be from 1 to 1000"),
        (["--concurrency", "0"], "--concurrency: has to be from 1 to 1024"),
        (["--max-cost", "-1"], "--max-cost: is no amount"),
        (["--max-cost", "nan"], "--max-cost: is no amount"),
        (["--resume", "x", "--max-cost", "-1"], "--max-cost: is no amount"),
        (["--max-iterations", "0"], "--max-iterations: has to be 1 or more"),
        (["--checkpoint-interval", "0"], "--checkpoint-interval: has to be 1 or more"),
        (["--temperature", "3"], "--temperature: lies between 0 and 2"),
        (["--out", "report.pdf"], "end it in .html"),
        (["--out", "nowhere/report.md"], "there is no folder nowhere"),
        (["--local-model", "gpt-4oo"], "did you mean gpt-4o"),
        (["--baseline-model", "gpt-4oo"], "did you mean gpt-4o"),
        (["--local-model", CHEAP], "OPENAI_API_KEY"),
        (["--mode", "twice"], "--mode"),
        (
            ["--mode", "zero-shot", "--checkpoint-interval", "3"],
            "--checkpoint-interval: means nothing to any of the strategies: leave it out",
        ),
        (["--problems", "/dev/null"], "/dev/null: there is no problem in it"),
        (["--resume", "nothing"], "no run 'nothing': there is none"),
        (["--resume", "x", "--mode", "iterative", "--start", "0"], "leave out --mode, --start"),
        (["x.toml", "--resume", "x"], "leave out STRATEGIES"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_begun(
    capsys: Capture, arguments: list[str], said: str
) -> None:
    error = run_command(capsys, "benchmark", *arguments, code=2)
    assert said in error
    assert error.count("\n") == 1
    assert run_json(capsys, "results")["runs"] == []


def test_a_file_and_a_mode_do_not_go_together(capsys: Capture, strategies: str) -> None:
    error = run_command(capsys, "benchmark", strategies, "--mode", "iterative", code=2)
    assert "has its own: leave it out" in error


def test_the_run_of_another_command_is_not_resumed(capsys: Capture) -> None:
    single = run_json(capsys, "run", "--problem-id", "starter/0", "--mode", "zero-shot")["id"]
    error = run_command(capsys, "benchmark", "--resume", single, code=2)
    assert f"was begun otherwise: `koderz run --resume {single}` goes on with it" in error
    run_command(capsys, "benchmark", "--mode", "zero-shot", "--end", "1")
    many = get_run(capsys)
    error = run_command(capsys, "run", "--resume", many, code=2)
    assert f"`koderz benchmark --resume {many}` goes on with it" in error


def test_no_sandbox_says_what_to_do_before_anything_is_begun(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise SandboxUnavailableError("no isolation here: use --sandbox none")

    monkeypatch.setattr("koderz.sandbox.opening._open", refuse)
    error = run_command(capsys, "benchmark", "--end", "1", code=2)
    assert "--sandbox none" in error
    assert run_json(capsys, "results")["runs"] == []


def test_an_unknown_price_is_told_and_refused_where_a_limit_is_set(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "fake")
    arguments = ["--mode", "zero-shot", "--local-model", "openai/brand-new", "--end", "1"]
    error = run_command(capsys, "benchmark", *arguments, "--max-cost", "1", code=2)
    assert "the price of openai/brand-new is unknown" in error
    assert '[koderz.prices."openai/brand-new"]' in error


def test_when_nobody_answers_it_stops_early_with_one_line(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "fake")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("KODERZ_HTTP_RETRIES", "0")
    error = run_command(capsys, "benchmark", *MODELS, "--concurrency", "2", code=1)
    assert error.count("cannot connect to 127.0.0.1:9") == 1
    first, second = error.splitlines()
    assert first.startswith("koderz: nothing could be judged: no model gave an accepted answer")
    assert second == f"koderz: go on with it: koderz benchmark --resume {get_run(capsys)}"


async def test_a_limit_leaves_out_what_does_not_fit_and_a_higher_one_goes_on(
    providers: None, capsys: Capture
) -> None:
    arguments = ["--end", "3", "--seed", "1", *MODELS]
    error = await benchmark(capsys, *arguments, "--max-cost", "0.045", code=1)
    assert "of $0.045 are spent" in error
    assert "left out: " in error
    run = get_run(capsys)
    assert 0 < load_spent(run) <= Decimal("0.045")
    assert f"go on with it: koderz benchmark --resume {run} --max-cost USD" in error
    page = await benchmark(capsys, "--resume", run, "--max-cost", "9")
    assert "of it spent" in page
    assert run_json(capsys, "results")["runs"][0]["judged"] == 12


async def test_a_limit_of_nothing_asks_nobody(providers: None, capsys: Capture) -> None:
    error = await benchmark(capsys, "--end", "1", *MODELS, "--max-cost", "0", code=1)
    assert "$0.0000 of $0.0 are spent" in error
    assert load_spent(get_run(capsys)) == 0


def test_a_finished_run_is_reported_again(capsys: Capture) -> None:
    run_command(capsys, "benchmark", "--end", "1")
    page = run_command(capsys, "benchmark", "--resume", get_run(capsys))
    assert "4 experiments were judged before" in page
    assert "Against frontier" in page


def test_two_processes_do_not_share_a_run(capsys: Capture) -> None:
    run_command(capsys, "benchmark", "--end", "1", "--mode", "zero-shot")
    run, path = get_run(capsys), get_store_path(Settings())
    with ExperimentStore(path) as store, store.hold_run(run):
        error = run_command(capsys, "benchmark", "--resume", run, code=2)
    assert f"another process is at the run {run}" in error
    run_command(capsys, "benchmark", "--resume", run)
    assert not list(path.parent.glob("*.lock"))


def test_a_full_disk_ends_the_run_and_it_goes_on(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = "PRAGMA max_page_count = 12"
    opened = ExperimentStore.__init__

    def open_full(store: ExperimentStore, path: Path) -> None:
        opened(store, path)
        store._database.fetch(limit)

    with monkeypatch.context() as patched:
        patched.setattr(ExperimentStore, "__init__", open_full)
        error = run_command(capsys, "benchmark", "--end", "6", code=1)
    assert "the disk is full" in error
    run = get_run(capsys)
    assert f"koderz benchmark --resume {run}" in error
    run_command(capsys, "benchmark", "--resume", run)
    (summary,) = run_json(capsys, "results")["runs"]
    assert summary["judged"] == summary["experiments"] == 24


@pytest.fixture
async def slow_providers(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Providers that take their time."""
    async with open_simulator(latency_s=0.1, skills={CHEAP: 0.2}) as simulator:
        for name, value in {**simulator.environ(), **NOBODY}.items():
            monkeypatch.setenv(name, value)
        yield


async def test_ctrl_c_leaves_a_run_that_goes_on(slow_providers: None, capsys: Capture) -> None:
    arguments = ["benchmark", "--end", "2", "--concurrency", "2", "--max-iterations", "4", *MODELS]
    with start([sys.executable, "-m", "koderz", *arguments]) as process:
        await wait_for_line(process, "supervised starter/")
        process.send_signal(signal.SIGINT)
        _, error = await asyncio.to_thread(process.communicate, timeout=30)
    assert process.returncode == 130, error
    assert "Traceback" not in error
    found = re.search(r"go on with it: koderz benchmark --resume (\S+)", error)
    assert found
    (summary,) = run_json(capsys, "results")["runs"]
    assert 1 <= summary["judged"] < summary["experiments"] == 8
    await benchmark(capsys, "--resume", found[1], "--concurrency", "8")
    with ExperimentStore(get_store_path(Settings())) as store:
        histories = dict(store.load_histories(found[1]))
    assert all(history.verdict for history in histories.values())
    costs = [each.cost_usd or 0 for history in histories.values() for each in history.attempts]
    assert sum(costs) == load_spent(found[1]), "the calls that were cut off are counted as well"


@pytest.mark.parametrize("command", ["run", "benchmark"])
def test_a_run_that_is_named_by_nothing_begins_none(command: str, capsys: Capture) -> None:
    # As an unset variable of a shell gives it.
    assert "no run ''" in run_command(capsys, command, "--resume", "", code=2)

"""`koderz quality` and `koderz calibrate` at the shell: what is said where, and bad input."""

from __future__ import annotations

import json
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from keeping import build_kept
from typer.testing import CliRunner, Result

from koderz.cli import build_app, run_command
from koderz.config.settings import QualitySettings
from koderz.quality.samples import SampleStore
from koderz.simulator import Simulator, open_simulator

LABELS = ("bug", "question", "praise")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with examples to stand in, and no local server whatever runs here."""
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("LMSTUDIO", "VLLM", "LLAMACPP"):
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("KODERZ_QUALITY_PATH", str(tmp_path / "answers.sqlite"))
    monkeypatch.chdir(tmp_path)
    rng = Random(0)
    words = ["alpha", "beta", "gamma", "delta", "omega", "sigma"]
    rows = [
        f"{' '.join(rng.sample(words, 3))} y{at} {LABELS[at % 3]} z{at},{LABELS[at % 3]}\n"
        for at in range(180)
    ]
    (tmp_path / "examples.csv").write_text("text,label\n" + "".join(rows))
    return tmp_path


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), list(arguments))


def run(*arguments: str) -> Result:
    result = invoke(*arguments)
    if result.exception:
        raise result.exception
    return result


def fail(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a run that ends with 2 says, in one line."""
    assert run_command(list(arguments)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    return said


def test_without_kept_answers_nothing_is_asked_and_it_says_so() -> None:
    result = run("quality")
    assert "no real answer is kept" in result.stderr
    document = json.loads(run("quality", "--json").stdout)
    assert document["run"] is None
    assert document["kept"]["answers"] == 0
    assert document["scores"] == []


def test_other_kept_answers_are_hinted_at(tmp_path: Path) -> None:
    with SampleStore(tmp_path / "answers.sqlite", QualitySettings()) as store:
        store.keep(build_kept(is_simulated=True))
    assert "--simulated" in run("quality").stderr


def test_a_switched_off_share_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KODERZ_QUALITY_SHARE", "0")
    assert "share is 0" in run("quality").stderr


def test_calibrating_without_a_model_prints_lines_that_are_settings() -> None:
    result = run("calibrate", "classify", "--examples", "examples.csv", "--no-model")
    values = tomllib.loads(result.stdout)["koderz"]["classify"]
    assert set(values) == {"escalate_below", "sure_above"}
    assert "n=180" in result.stdout
    assert "n=180" in result.stderr
    assert "95%" in result.stdout


def test_the_lines_are_written_and_then_in_force(folder: Path) -> None:
    result = run("calibrate", "classify", "--examples", "examples.csv", "--no-model", "--write")
    assert "written to koderz.toml" in result.stderr
    written = tomllib.loads((folder / "koderz.toml").read_text())["koderz"]["classify"]
    shown = json.loads(run("config", "show", "--json").stdout)
    assert str(written["sure_above"]) in json.dumps(shown)
    run("calibrate", "classify", "--examples", "examples.csv", "--no-model", "--out", "mine.toml")
    assert tomllib.loads((folder / "mine.toml").read_text())["koderz"]["classify"] == written


def test_too_few_examples_name_the_number_and_promise_nothing(folder: Path) -> None:
    few = (folder / "examples.csv").read_text().splitlines()[:61]
    (folder / "few.csv").write_text("\n".join(few) + "\n")
    result = run("calibrate", "classify", "--examples", "few.csv", "--no-model")
    values = tomllib.loads(result.stdout)["koderz"]["classify"]
    assert values == {"escalate_below": 1.0, "sure_above": 1.0}
    assert "149 examples would, and there are 60" in result.stderr
    assert "everything escalates" in result.stdout
    document = json.loads(
        run("calibrate", "classify", "--examples", "few.csv", "--no-model", "--json").stdout
    )
    assert document["result"]["needed"] == 149
    assert document["settings"]["escalate_below"] == 1.0


@pytest.fixture
async def simulated(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with open_simulator(skills={"gpt-4o-mini": 0.8, "gpt-4o": 1.0}) as simulator:
        for name, value in simulator.environ().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KODERZ_AGENT_DEFAULT_MODEL", "gpt-4o")
        yield simulator


async def test_from_a_job_to_its_score(
    simulated: Simulator, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    monkeypatch.setenv("KODERZ_QUALITY_SHARE", "1")
    (folder / "items.txt").write_text("".join(f"no {at} has a bug {at}\n" for at in range(30)))
    await asyncio.to_thread(run, "classify", "items.txt", "--labels", "bug,question")
    usage = await asyncio.to_thread(run, "usage")
    assert "not measured" in usage.stdout
    result = await asyncio.to_thread(run, "quality", "--simulated", "--max-usd", "1")
    assert "at most $1.0000" in result.stderr
    assert "(simulated)" in result.stderr
    assert "with gpt-4o" in result.stdout
    assert "n=30 labels, in 1 answers" in result.stdout
    usage = await asyncio.to_thread(run, "usage", "--json")
    document = json.loads(usage.stdout)
    assert document["scores"][0]["n"] == 30
    assert {task["name"] for task in document["tasks"]} == {"classification", "quality"}
    again = await asyncio.to_thread(run, "quality", "--simulated")
    assert "no simulated answer is kept" in again.stderr


async def test_calibrating_with_models_says_the_price_first(simulated: Simulator) -> None:
    import asyncio

    result = await asyncio.to_thread(
        run, "calibrate", "classify", "--examples", "examples.csv", "--no-linear"
    )
    lines = result.stderr.splitlines()
    assert lines[0].startswith("asking gpt-4o-mini and gpt-4o about 180 examples: about $")
    assert lines[1].startswith("SIMULATED")
    assert "simulated" in result.stdout
    assert "watched" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("calibrate", "git", "--examples", "examples.csv"), "only `classify` can"),
        (("calibrate", "classify", "--examples", "none.csv"), "none.csv"),
        (("calibrate", "classify", "--examples", "examples.csv", "--labels", "a,b"), "none of the"),
        (
            ("calibrate", "classify", "--examples", "examples.csv", "--max-loss", "0"),
            "cannot be promised",
        ),
        (
            ("calibrate", "classify", "--examples", "examples.csv", "--truth", "me"),
            "neither `labels` nor `main`",
        ),
        (
            ("calibrate", "classify", "--examples", "examples.csv", "--max-usd", "much"),
            "no amount of USD",
        ),
        (
            ("calibrate", "classify", "--examples", "examples.csv", "--write", "--out", "x.toml"),
            "choose one of",
        ),
        (("calibrate", "classify"), "examples"),
        (("quality", "--max-usd", "-1"), "give 0 or more"),
        (("quality", "--since", "yesterday"), "is no time"),
        (("quality", "--task", "spec"), "none of the small models'"),
    ],
)
def test_bad_input_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert words in fail(capsys, *arguments)


def test_a_broken_file_of_kept_answers_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "answers.sqlite").write_text("no database at all " * 100)
    assert run_command(["quality"]) == 1
    said = capsys.readouterr().err
    assert "koderz.quality" in said
    assert said.count("\n") == 1

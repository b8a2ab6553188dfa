"""`koderz report`, on a run of which a part is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_steps import keep_some

from koderz import cli


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose settings name the store of that run."""
    monkeypatch.chdir(tmp_path)
    path = keep_some(tmp_path)
    Path("koderz.toml").write_text(f'[koderz.experiments]\npath = "{path}"\n')
    return tmp_path


def run_report(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    got = cli.run_command(["report", *arguments])
    captured = capsys.readouterr()
    assert got == code, captured.err
    assert "Traceback" not in captured.err
    return captured.err if code else captured.out


def test_the_command_prints_a_report(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Report of benchmark run-1" in run_report(capsys)
    page = run_report(capsys, "run", "--baseline", "cheap")
    assert page.startswith("INCOMPLETE: 2 of 4 experiments have no verdict")
    assert "Against cheap" in page
    document = json.loads(run_report(capsys, "run-1", "--json"))
    assert document["subject"]["dataset"] == "starter"
    assert document["control"] == "cheap"


@pytest.mark.parametrize("suffix", [".html", ".csv", ".json", ".md"])
def test_the_command_writes_a_file(
    place: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    run_report(capsys, "run-1", "--out", f"report{suffix}")
    assert "supervised" in (place / f"report{suffix}").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "no run 'nothing'"),
        (["run-1", "--out", "report.pdf"], "says no form: end it in .html, .csv, .json, .md"),
        (["run-1", "--baseline", "chaep"], "did you mean cheap?"),
        (["run-1", "--baseline-model", "no-such-model"], "unknown model 'no-such-model'"),
    ],
)
def test_bad_input_is_one_clear_line(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    line = run_report(capsys, *arguments, code=2)
    assert said in line
    assert line.count("\n") == 1


def test_without_any_run_it_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "there is no run yet: `koderz benchmark" in run_report(capsys, code=2)

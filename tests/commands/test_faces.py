"""The command line as a person meets it: help, route, models, doctor, and one line for errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from koderz import __version__, cli
from koderz.errors import KoderzError
from koderz.types import TaskKind, Tier

COMMANDS = [
    "read",
    "git",
    "web",
    "compress",
    "classify",
    "map",
    "run",
    "results",
    "analyze",
    "show-spec",
    "evaluate",
    "list-problems",
    "download-data",
    "route",
    "models",
    "local",
    "speed-test",
    "usage",
    "config",
    "simulate",
    "doctor",
]


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder to stand in, and no local server whatever runs here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    for name in ("LMSTUDIO", "VLLM", "LLAMACPP"):
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:9/v1")


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.run_command([*arguments, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_examples(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command([command, "--help"]) == 0
    page = capsys.readouterr().out
    assert f"koderz {command}" in page
    assert "Examples:" in page or command == "config"


def test_without_a_command_it_shows_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command([]) == 0
    page = capsys.readouterr().out
    assert all(command in page for command in COMMANDS)


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["--version"]) == 0
    assert capsys.readouterr().out == f"koderz {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["route"], "Missing argument"),
        (["route", "nonsense"], "nonsense"),
        (["models", "--tier", "huge"], "huge"),
        (["route", "main", "--config", "missing.toml"], "missing.toml"),
        (["config"], "Missing command"),
        (["read"], "Missing argument"),
        (["read", "missing.log"], "missing.log"),
        (["usage", "--since", "yesterweek"], "yesterweek"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(arguments) == 2
    captured = capsys.readouterr()
    assert not captured.out
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_an_unknown_model_in_the_settings_names_close_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KODERZ_AGENT_DEFAULT_MODEL", "gpt-4oo")
    assert cli.run_command(["route", "large_read"]) == 2
    assert "gpt-4o" in capsys.readouterr().err


@pytest.mark.parametrize("task", list(TaskKind))
def test_a_route_is_explained_in_one_screen(
    task: TaskKind, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    monkeypatch.setenv("KODERZ_AGENT_DEFAULT_MODEL", "gpt-4o")
    assert cli.run_command(["route", task]) == 0
    page = capsys.readouterr().out
    assert "gpt-4o" in page
    assert "because" in page
    assert "KODERZ_AGENT_DEFAULT_MODEL" in page, "what was set is named with its origin"
    assert page.count("\n") < 24


def test_a_route_without_any_model_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["route", "large_read"]) == 0
    page = capsys.readouterr().out
    assert "no model" in page
    assert "ANTHROPIC_API_KEY" in page


def test_the_route_document_is_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    monkeypatch.setenv("KODERZ_AGENT_DEFAULT_MODEL", "gpt-4o")
    document = run_json(capsys, "route", "compression")
    assert [model["name"] for model in document["models"]] == ["gpt-4o-mini", "gpt-4o"]
    assert document["models"][0]["input_usd_per_mtok"] == 0.15
    assert document["temperature"] == 0.2
    assert document["source"] == "automatic sibling"


def test_models_are_listed_by_tier_provider_and_reach(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test")
    everything = run_json(capsys, "models")["models"]
    assert {model["tier"] for model in everything} == set(Tier)
    reachable = run_json(capsys, "models", "--reachable")["models"]
    assert {model["provider"] for model in reachable} == {"anthropic"}
    small = run_json(capsys, "models", "--tier", "small_frontier", "--provider", "openai")["models"]
    assert "gpt-4o-mini" in {model["name"] for model in small}
    assert all(model["provider"] == "openai" for model in small)
    paid = [model for model in everything if model["tier"] != "local"]
    assert all(model["input_usd_per_mtok"] != 0 for model in paid), "unknown is null, never 0"


def test_the_table_of_models_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["models", "--provider", "openai"]) == 0
    captured = capsys.readouterr()
    assert "gpt-4o-mini" in captured.out
    assert "unknown" in captured.out
    assert "No key is set" in captured.err


def test_the_doctor_names_variables_and_never_their_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-secret-secret")
    assert cli.run_command(["doctor"]) == 0
    page = capsys.readouterr().out
    assert "OPENAI_API_KEY is set" in page
    assert "set ANTHROPIC_API_KEY to use Anthropic" in page
    assert "secret" not in page
    findings = run_json(capsys, "doctor")["findings"]
    assert {finding["area"] for finding in findings} >= {
        "versions",
        "keys",
        "servers",
        "sandbox",
        "ledger",
    }
    assert all(finding["next"] for finding in findings if finding["state"] != "ok")


def test_the_doctor_ends_with_1_where_the_ledger_cannot_be_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("KODERZ_LEDGER_PATH", str(tmp_path / "file" / "ledger.sqlite"))
    assert cli.run_command(["doctor"]) == 1
    assert "[koderz.ledger] path" in capsys.readouterr().out


CUT_OFF = 141
"""What a shell says of a program whose reader left."""


@pytest.mark.parametrize(
    "arguments",
    [
        ["models"],
        ["models", "--json"],
        ["list-problems"],
        ["usage"],
        ["config", "show"],
        ["--help"],
        ["run", "--problem-id", "starter/0"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("has_notes", [True, False])
def test_a_command_whose_reader_left_ends_quietly(
    arguments: list[str], *, has_notes: bool, tmp_path: Path
) -> None:
    ended = end_early(arguments, tmp_path, has_notes=has_notes)
    assert ended.returncode == CUT_OFF
    assert not ended.stderr


def test_an_error_whose_reader_left_is_quiet_too(tmp_path: Path) -> None:
    assert end_early(["nonsense"], tmp_path, has_notes=False).returncode == CUT_OFF


def end_early(
    arguments: list[str], home: Path, *, has_notes: bool
) -> subprocess.CompletedProcess[str]:
    """How a command ends of whose output, and notes unless it `has_notes`, nobody reads a word."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return subprocess.run(
            [sys.executable, "-m", "koderz", *arguments],
            stdout=writing,
            stderr=subprocess.PIPE if has_notes else writing,
            text=True,
            check=False,
            env={**os.environ, "HOME": str(home)},
        )
    finally:
        os.close(writing)


def test_debug_after_the_command_is_the_commands_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run_command(["run", "--debug", "--problem-id", "starter/999"]) == 2
    assert "has no problem" in capsys.readouterr().err


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(KoderzError):
        cli.run_command(["--debug", "read", "missing.log"])

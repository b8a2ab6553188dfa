"""`koderz git` at the shell: what goes to which stream, and one line for every bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from made_repos import MadeCommit, make_repo
from typer.testing import CliRunner, Result

from koderz.commands.git import git
from koderz.commands.job_options import build_overrides
from koderz.errors import ConfigError, JobError, KoderzError
from koderz.tokens import count_tokens
from koderz.types import TaskKind

FIELDS = [
    "repo",
    "range",
    "commits",
    "groups",
    "by",
    "style",
    "hash_chars",
    "is_more",
    "tokens_in",
    "tokens_out",
    "vocabulary",
    "engine",
    "model",
    "tier",
    "route_source",
    "reason",
    "cost_usd",
    "baseline_usd",
    "baseline",
    "digest_usd",
    "saved_usd",
    "attempts",
    "notes",
    "simulated",
]


@pytest.fixture(autouse=True)
def repo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A small repository to stand in, and no local server whatever runs here."""
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    made = make_repo(
        tmp_path / "repo",
        ["feat(api): paging", "Rework", MadeCommit("Say more", {"README.md": "x"})],
    )
    monkeypatch.chdir(made)
    return made


def invoke(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(git)
    return CliRunner().invoke(app, list(arguments))


def run(*arguments: str) -> Result:
    """A run that ends well."""
    result = invoke(*arguments)
    if result.exception:
        raise result.exception
    return result


def run_json(*arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(*arguments).stdout)
    return document


def test_the_list_goes_out_as_counted_and_the_receipt_to_stderr() -> None:
    result = run("--no-model")
    document = run_json("--no-model", "--json")
    assert count_tokens(result.stdout.removesuffix("\n")) == document["tokens_out"]
    assert result.stdout.startswith("3 commits, 2026-01-01 to 2026-01-01\n\nfeat (1)\n")
    for word in ("tokens", "by", "cost", "baseline", "digest", "saved", "o200k_base"):
        assert word in result.stderr
    assert "1 of 3 commits are uncategorised" in result.stderr


def test_the_json_has_these_names() -> None:
    document = run_json("--json")
    assert sorted(document) == sorted(FIELDS)
    assert [(each["type"], each["source"]) for each in document["commits"]] == [
        ("docs", "paths"),
        ("uncategorised", "none"),
        ("feat", "prefix"),
    ]
    assert [group["name"] for group in document["groups"]] == ["feat", "docs", "uncategorised"]
    assert document == run_json("--format", "json")


def test_options_select_and_group() -> None:
    assert len(run_json("-n", "1", "--json")["commits"]) == 1
    assert len(run_json("HEAD~1..HEAD", "--json")["commits"]) == 1
    assert len(run_json("--since", "2026-01-01T00:02:30Z", "--json")["commits"]) == 1
    assert len(run_json("--until", "2026-01-01T00:02:30Z", "--json")["commits"]) == 2
    assert run_json("--by", "scope", "--json")["groups"][0]["name"] == "api"
    assert run_json("--stat", "--json")["commits"][0]["stat"] == {
        "files": 1,
        "added": 2,
        "removed": 0,
    }
    assert "### Features\n\n- **api:** paging (" in run("--format", "markdown").stdout


def test_any_folder_of_a_repository_will_do(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert len(run_json("--repo", str(repo / "deep" / "er"), "--json")["commits"]) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-n", "0"], "-n 0 asks for no commits"),
        (["no-such"], "no commit or range 'no-such'"),
        (["--", "--all"], "no commit or range '--all'"),
        (["--repo", "/no/such"], "does not exist"),
        (["--repo", "/"], "not in a git repository"),
        (["--since", "whenever"], "does not understand the date"),
        (["--max-cost", "-1"], "give 0 or more"),
        (["--max-cost", "nan"], "give 0 or more"),
        (["--model", "gpt-4o", "--no-model"], "choose one of"),
        (["--model", "no-such-model-at-all"], "unknown model"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: list[str], said: str) -> None:
    result = invoke(*arguments)
    error = result.exception
    assert isinstance(error, KoderzError)
    assert error.exit_code == 2
    assert said in str(error)
    assert len(str(error).splitlines()) == 1
    assert result.stdout == ""


def test_a_repository_without_commits_is_said(repo: Path, tmp_path: Path) -> None:
    empty = make_repo(tmp_path / "empty", [])
    error = invoke("--repo", str(empty)).exception
    assert isinstance(error, JobError)
    assert "no commits yet" in str(error)


def test_a_model_named_is_asked_first_even_where_small_models_are_off() -> None:
    overrides = build_overrides(TaskKind.GIT_HISTORY, "gpt-4o", Path("x.sqlite"))
    assert overrides["agent.small_model.tasks.git_history.model"] == "gpt-4o"
    assert overrides["agent.small_model.use_for_git_history"] is True
    assert overrides["koderz.ledger.path"] == "x.sqlite"
    assert build_overrides(TaskKind.GIT_HISTORY, None, None) == {}
    assert isinstance(invoke("--config", "no-such.toml").exception, ConfigError)


def test_the_settings_say_how_many_commits_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KODERZ_GIT_COUNT", "1")
    assert len(json.loads(invoke("--json").stdout)["commits"]) == 1
    assert len(json.loads(invoke("--json", "-n", "2").stdout)["commits"]) == 2

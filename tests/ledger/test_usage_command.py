"""`koderz usage` as a person and as a program see it."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
from ledger_rows import build_attempt, build_job
from typer.testing import CliRunner

from koderz.commands.usage import usage
from koderz.errors import ConfigError, StoreError
from koderz.ledger.records import Outcome
from koderz.ledger.store import Ledger
from koderz.types import TaskKind, Tier

NOW = datetime.now(UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of a few calls of the last hour, and one of last month."""
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.record(build_attempt(at=NOW, outcome=Outcome.REJECTED))
        ledger.record(build_attempt(at=NOW))
        ledger.record(
            build_attempt(
                at=NOW,
                tier=Tier.FRONTIER,
                model="claude-sonnet-4-5",
                task=TaskKind.MAIN,
                job_id="main",
                cost_usd=None,
            )
        )
        ledger.record(build_attempt(at=NOW - timedelta(days=30), job_id="old"))
        ledger.record_job(build_job(at=NOW))
    return path


def run(*arguments: object) -> str:
    """What the command prints; its errors are raised."""
    app = typer.Typer()
    app.command()(usage)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception:
        raise result.exception
    assert result.exit_code == 0
    return result.stdout


def load(*arguments: object) -> dict[str, Any]:
    """The command's JSON object."""
    document = json.loads(run(*arguments, "--json"), parse_float=Decimal)
    assert isinstance(document, dict)
    return document


def test_a_person_sees_every_figure_within_80_columns(path: Path) -> None:
    text = run("--ledger", path, "--since", "7d")
    assert max(len(line) for line in text.splitlines()) <= 80
    for words in (
        "3  (66.7% by small models, target 50%)",
        "at least $0.0020  (unknown for 1 call)",
        "$0.0265  (88% of the baseline)",
        "$0.0300 baseline - $0.0020 attempts - $0.0015 digests",
        "claude-sonnet-4-5 reading the whole file",
        "2  (100.0% got an accepted answer, 0.0% not from the first)",
        "50.0% of the small models' checked answers held",
        "small_frontier",
        "frontier",
        "large_read",
        "unknown",
    ):
        assert words in text


def test_the_json_object_has_stable_keys(path: Path) -> None:
    document = load("--ledger", path)
    assert set(document) == {
        "since",
        "until",
        "is_simulated",
        "real_calls",
        "simulated_calls",
        "calls",
        "total_tokens",
        "cost_usd",
        "unknown_cost_calls",
        "small",
        "savings",
        "asked_jobs",
        "success_rate",
        "escalation_rate",
        "tiers",
        "tasks",
        "models",
        "scores",
        "drifts",
    }
    assert document["calls"] == 4
    assert document["cost_usd"] == Decimal("0.003")
    assert document["savings"]["saved_usd"] == Decimal("0.0265")
    assert {tier["name"]: tier["cost_usd"] for tier in document["tiers"]} == {
        "small_frontier": Decimal("0.003"),
        "frontier": None,
    }


def test_since_and_until_choose_the_rows(path: Path) -> None:
    assert load("--ledger", path, "--since", "7d")["calls"] == 3
    assert load("--ledger", path, "--until", "7d")["calls"] == 1
    assert load("--ledger", path, "--since", "60d", "--until", "7d")["calls"] == 1
    day = f"{NOW - timedelta(days=1):%Y-%m-%d}"
    assert load("--ledger", path, "--since", day)["calls"] == 3


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("tier", ["small_frontier", "frontier"]),
        ("task", ["large_read", "main"]),
        ("model", ["gpt-4o-mini", "claude-sonnet-4-5"]),
    ],
)
def test_by_chooses_the_table(path: Path, by: str, names: list[str]) -> None:
    rows = list(csv.DictReader(run("--ledger", path, "--by", by, "--csv").splitlines()))
    assert [row[by] for row in rows] == names
    assert [row["cost_usd"] for row in rows] == ["0.003", ""]
    assert [row["unknown_cost_calls"] for row in rows] == ["0", "1"]
    text = run("--ledger", path, "--by", by)
    assert all(name in text for name in names)
    assert text.count("p95 s") == 1


def test_without_by_the_csv_goes_by_tier(path: Path) -> None:
    assert run("--ledger", path, "--csv").startswith("tier,calls,accepted,")


def test_simulated_calls_alone_are_shown_and_the_first_line_says_so(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.record(build_attempt(is_simulated=True))
        first, *_ = run("--ledger", path).splitlines()
        assert first == "Simulated calls only: no money was spent or saved."
        ledger.record(build_attempt())
        ledger.record(build_attempt())
    first, *rest = run("--ledger", path).splitlines()
    assert first == "1 simulated call left out (--simulated)."
    assert any(line.startswith("calls ") and " 2 " in line for line in rest)
    first, *_ = run("--ledger", path, "--simulated").splitlines()
    assert first.startswith("Simulated calls only")
    assert first.endswith("2 real calls left out.")
    assert load("--ledger", path, "--simulated")["calls"] == 1


def test_an_empty_ledger_says_so_and_what_to_do_next(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    text = " ".join(run("--ledger", path).split())
    assert text.startswith("Nothing is recorded in ")
    assert "koderz read FILE QUESTION" in text
    assert "Nothing is recorded since 2" in run("--ledger", path, "--since", "7d")
    assert load("--ledger", path)["calls"] == 0
    assert len(run("--ledger", path, "--csv").splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (["--since", "soon"], "--since"),
        (["--until", "2026-99-99"], "--until"),
        (["--since", "1d", "--until", "2d"], "--until"),
    ],
)
def test_a_bad_time_names_its_option(path: Path, arguments: list[str], key: str) -> None:
    with pytest.raises(ConfigError, match=f"^{key}: "):
        run("--ledger", path, *arguments)


def test_json_and_csv_at_once_are_refused(path: Path) -> None:
    with pytest.raises(ConfigError, match="choose one"):
        run("--ledger", path, "--json", "--csv")


def test_a_ledger_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no ledger"):
        run("--ledger", tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()


def test_the_ledger_is_that_of_the_settings(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load()["calls"] == 0
    settings = tmp_path / "koderz.toml"
    settings.write_text(f'[koderz.ledger]\npath = "{path}"\n')
    assert load()["calls"] == 4
    assert load("--config", settings)["calls"] == 4


def test_names_with_brackets_are_shown_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.record(build_attempt(model="phi[bold]"))
        ledger.record_job(build_job(baseline="prices from [koderz.prices]"))
    text = run("--ledger", path, "--by", "model")
    assert "phi[bold]" in text
    assert "prices from [koderz.prices]" in text

"""Drift: later agreement that is surely lower than what was calibrated is said, with what to do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ledger_rows import build_attempt
from typer.testing import CliRunner

from koderz.cli import build_app
from koderz.ledger.report import Window
from koderz.ledger.scores import CalibrationRecord, ScoreRecord
from koderz.ledger.store import Ledger
from koderz.quality.scores import load_quality
from koderz.types import TaskKind

NOW = datetime.now(UTC)
THEN = NOW - timedelta(days=3)


def build_score(agreed: float, units: int, **fields: Any) -> ScoreRecord:
    ordinary: dict[str, Any] = {
        "at": NOW,
        "job_id": "j",
        "task": TaskKind.CLASSIFICATION,
        "model": "gpt-4o-mini",
        "reference": "gpt-4o",
        "measure": "labels",
    }
    return ScoreRecord(agreed=agreed, units=units, **(ordinary | fields))


def build_calibration(**fields: Any) -> CalibrationRecord:
    ordinary: dict[str, Any] = {
        "at": THEN,
        "task": TaskKind.CLASSIFICATION,
        "model": "gpt-4o-mini",
        "reference": "gpt-4o",
        "truth": "the examples' labels",
        "examples": 800,
        "threshold": 0.6,
        "max_loss": 0.02,
        "loss_high": 0.018,
        "kept": 0.8,
        "compared": 800,
        "agreed": 760,
        "agreement_low": 0.935,
    }
    return CalibrationRecord(**(ordinary | fields))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def record(path: Path, *records: ScoreRecord | CalibrationRecord) -> None:
    with Ledger(path) as ledger:
        for each in records:
            if isinstance(each, ScoreRecord):
                ledger.record_score(each)
            else:
                ledger.record_calibration(each)


@pytest.mark.parametrize(
    ("calibration", "scores", "is_drift"),
    [
        ({}, [(80, 100)], True),
        ({}, [(93, 100)], False),
        # Too few to be sure of it.
        ({}, [(4, 5)], False),
        # Neither another model's, nor another reference's, nor what came before.
        ({"model": "other"}, [(10, 100)], False),
        ({"reference": "other"}, [(10, 100)], False),
        ({"at": NOW + timedelta(days=1)}, [(10, 100)], False),
        # Where the main model was not asked there is nothing to compare with.
        ({"compared": 0, "agreed": 0, "agreement_low": 0.0}, [(10, 100)], False),
    ],
)
def test_only_what_is_surely_lower_is_drift(
    path: Path, calibration: dict[str, Any], scores: list[tuple[int, int]], is_drift: bool
) -> None:
    record(path, build_calibration(**calibration), *(build_score(*each) for each in scores))
    assert bool(load_quality(path).drifts) is is_drift


def test_the_latest_calibration_counts(path: Path) -> None:
    record(path, build_calibration(), build_score(80, 100))
    assert load_quality(path).drifts
    record(path, build_calibration(agreement_low=0.7, at=THEN + timedelta(days=1)))
    assert load_quality(path).drifts == ()


def test_simulated_scores_contradict_no_real_calibration(path: Path) -> None:
    record(path, build_calibration(), build_score(10, 100, is_simulated=True))
    assert load_quality(path).drifts == ()
    assert load_quality(path, Window(is_simulated=True)).drifts == ()


def test_scores_are_by_task_model_and_reference(path: Path) -> None:
    record(
        path,
        build_score(9, 10),
        build_score(8, 10),
        build_score(5, 10, reference="other"),
        build_score(0.5, 1, task=TaskKind.LARGE_READ, measure="evidence"),
    )
    with Ledger(path) as ledger:
        ledger.record(build_attempt(task=TaskKind.GIT_HISTORY))
    scores = load_quality(path).scores
    assert [(each.task.value, each.reference, each.value, each.n) for each in scores] == [
        ("classification", "gpt-4o", 0.85, 20),
        ("classification", "other", 0.5, 10),
        ("git_history", "", None, 0),
        ("large_read", "gpt-4o", 0.5, 1),
    ]


def test_a_ledger_of_the_first_version_is_brought_up_to_date(path: Path) -> None:
    import sqlite3

    from koderz.ledger.schema import APPLICATION_ID, MIGRATIONS

    connection = sqlite3.connect(path)
    connection.executescript(MIGRATIONS[0])
    connection.execute("PRAGMA user_version = 1")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.close()
    record(path, build_score(1, 1))
    assert load_quality(path).scores[0].n == 1


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(build_app(), list(arguments), catch_exceptions=False)
    return result.exit_code, result.stdout


def test_usage_quality_and_doctor_say_it_with_the_next_step(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("KODERZ_LEDGER_PATH", str(path))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    for name in ("LMSTUDIO", "VLLM", "LLAMACPP"):
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:9/v1")
    record(path, build_calibration(), build_score(80, 100))
    with Ledger(path) as ledger:
        ledger.record(build_attempt(at=NOW, task=TaskKind.CLASSIFICATION))
    for command in ("usage", "quality", "doctor"):
        code, said = run(command)
        assert "agrees with gpt-4o on 80.0%" in said
        assert "n=100" in said
        assert "calibrated on at least 93.5% (n=800)" in said
        assert "koderz calibrate classify --examples FILE" in said
        assert code == (1 if command == "doctor" else 0)
    document = json.loads(run("usage", "--json")[1])
    assert document["drifts"][0]["calibrated_n"] == 800
    assert document["scores"][0]["n"] == 100

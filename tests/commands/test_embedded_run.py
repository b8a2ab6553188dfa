"""A whole experiment through a model inside Koderz, whose answers are noise: it fails cleanly."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import typer
from tiny_gguf import write_tiny_gguf
from typer.testing import CliRunner

from koderz.commands.run import run


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """The command, and a tiny random model as all that there is."""
    pytest.importorskip("xllamacpp", exc_type=ImportError)
    (tmp_path / "models").mkdir()
    write_tiny_gguf(tmp_path / "models" / "tiny.gguf", context_tokens=16_384)
    for name, value in {
        "KODERZ_LOCAL_FOLDER": str(tmp_path / "models"),
        "KODERZ_LOCAL_THREADS": "1",
        "KODERZ_LEDGER_PATH": str(tmp_path / "ledger.sqlite"),
        "KODERZ_EXPERIMENTS_PATH": str(tmp_path / "experiments.sqlite"),
        "KODERZ_EXPERIMENTS_ANSWER_TOKENS": "60",
        "KODERZ_MEMORY_PATH": str(tmp_path / "memory.sqlite"),
        "OLLAMA_HOST": "127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(run)
    return app


def test_a_whole_experiment_goes_through_it(app: typer.Typer, tmp_path: Path) -> None:
    arguments = ["--problem-id", "starter/0", "--max-iterations", "3", "--json"]
    result = CliRunner().invoke(app, [*arguments, "--checkpoint-interval", "2"])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    document = json.loads(result.stdout)
    assert not document["is_solved"]
    assert not document["is_simulated"]
    assert document["iterations"] == 3
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as ledger:
        rows = ledger.execute("SELECT provider, model, tier, outcome FROM attempts").fetchall()
    assert len(rows) >= 4
    assert {row[:3] for row in rows} == {("llamacpp", "llamacpp/tiny.gguf", "local")}
    assert {row[3] for row in rows} <= {"accepted", "rejected", "failed"}

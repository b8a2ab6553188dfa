"""A whole read through a model inside Koderz, whose answers are noise: it is handled cleanly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_gguf import write_tiny_gguf

from koderz import cli

FAULT = "12:20:00 ERROR disk full: cannot write /var/lib/app/state"
REASONS = ("rejected", "failed", "accepted")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A large log, and a tiny random model as all that there is to read it."""
    pytest.importorskip("xllamacpp", exc_type=ImportError)
    models = tmp_path / "models"
    models.mkdir()
    write_tiny_gguf(models / "tiny.gguf", context_tokens=16_384)
    for name, value in {
        "KODERZ_LOCAL_FOLDER": str(models),
        "KODERZ_LOCAL_THREADS": "1",
        "KODERZ_LEDGER_PATH": str(tmp_path / "ledger.sqlite"),
        "KODERZ_READ_CHUNK_TOKENS": "1000",
        "KODERZ_READ_MAX_CHUNKS": "2",
        "KODERZ_AGENT_SMALL_MODEL_MAX_TOKENS": "200",
        "OLLAMA_HOST": "127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    lines = [f"12:00:{second % 60:02d} INFO worker {second} done" for second in range(3000)]
    lines[1200] = FAULT
    path = tmp_path / "build.log"
    path.write_text("\n".join([*lines, ""]))
    return path


def read(log: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert cli.run_command(["read", str(log), "why did it fail?", "--json"]) == 0
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    document: dict[str, Any] = json.loads(captured.out)
    return document


def test_a_whole_read_goes_through_it_and_says_so(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = read(log, capsys)
    assert any(FAULT in span["text"] for span in digest["spans"])
    assert digest["attempts"]
    for attempt in digest["attempts"]:
        assert attempt["model"] == "llamacpp/tiny.gguf"
        assert attempt["tier"] == "local"
        assert attempt["outcome"] in REASONS
        assert attempt["reason"] or attempt["outcome"] == "accepted"
    lines = log.read_text().split("\n")
    for span in digest["spans"]:
        assert span["text"].split("\n") == lines[span["start"] - 1 : span["end"]]
    assert digest["cost_usd"] == 0
    assert not digest["simulated"]


def test_a_model_that_cannot_be_loaded_is_a_reason_and_no_end(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = log.parent / "models" / "tiny.gguf"
    model.write_bytes(model.read_bytes()[:-1000])
    digest = read(log, capsys)
    assert digest["engine"] == "extractive"
    assert "not within the file bounds" in digest["reason"]
    assert {attempt["outcome"] for attempt in digest["attempts"]} == {"failed"}
    assert any(FAULT in span["text"] for span in digest["spans"])


def test_every_route_says_that_it_runs_inside_koderz(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for task in ("large_read", "classification", "main"):
        assert cli.run_command(["route", task, "--json"]) == 0
        assert "so it runs inside Koderz" in json.loads(capsys.readouterr().out)["reason"]

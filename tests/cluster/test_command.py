"""`koderz benchmark --cluster`, with a scheduler and workers as people start them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_clusters import start_dask

from koderz.cli import run_command
from koderz.cluster import opening


def test_a_run_on_a_cluster_and_without_its_scheduler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    with start_dask(tmp_path) as (address, scheduler):
        command = ["benchmark", "--cluster", address, "--end", "3", "--seed", "1"]
        assert run_command([*command, "--json"]) == 0
        said = capsys.readouterr()
        report = json.loads(said.out)
        assert {row["judged"] for row in report["strategies"]} == {3}
        assert report["is_simulated"]
        assert "SIMULATED" in said.err
        scheduler.kill()
        scheduler.wait()
        monkeypatch.setattr(opening, "CONNECT_S", 0.5)
        assert run_command(command) == 2
        last = capsys.readouterr().err.splitlines()[-1]
    assert f"koderz: --cluster: no Dask scheduler answers at {address!r}" in last

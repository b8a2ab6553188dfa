"""The same experiment against llama.cpp's own server: a tiny random model fails it, cleanly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import run_command, run_json
from tiny_gguf import write_tiny_gguf
from trials import load_starter

from koderz.compose import open_orchestrator
from koderz.config.loading import load_settings
from koderz.experiments.performing import Experiment
from koderz.experiments.plans import Key, Plan
from koderz.experiments.results import Ending
from koderz.types import Tier

CONTEXT_TOKENS = 16_384
MODEL = "llamacpp/tiny"


@pytest.fixture
def server_url(tmp_path: Path) -> Iterator[str]:
    xllamacpp = pytest.importorskip("xllamacpp", exc_type=ImportError)
    params = xllamacpp.CommonParams()
    path = write_tiny_gguf(tmp_path / "tiny.gguf", context_tokens=CONTEXT_TOKENS)
    params.model.path = str(path)
    params.model_alias = {"tiny"}
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.warmup = False
    params.verbosity = 0
    server = xllamacpp.Server(params)
    yield server.listening_address
    del server  # It ends with its last reference.


async def test_a_random_model_fails_cleanly(server_url: str, tmp_path: Path) -> None:
    overrides = {
        f"koderz.{name}.path": str(tmp_path / f"{name}.sqlite")
        for name in ("ledger", "experiments", "memory")
    }
    loaded = load_settings(environ={"LLAMACPP_BASE_URL": f"{server_url}/v1"}, overrides=overrides)
    plan = Plan(
        iteration_model=MODEL,
        spec_model=MODEL,
        checkpoint_model=MODEL,
        max_iterations=3,
        checkpoint_interval=2,
        answer_tokens=40,
        seed=1,
    )
    async with open_orchestrator(loaded) as orchestrator:
        result = await orchestrator.run(
            Experiment(key=Key(run="r", problem="starter/0"), problem=load_starter(0), plan=plan)
        )
    assert result.ending is Ending.UNSOLVED
    assert (result.iterations, result.checkpoints, result.verdict_passed) == (3, 1, 0)
    assert not result.is_simulated
    assert result.cost.total.cost_usd == 0
    assert {tier.tier for tier in result.cost.tiers if tier.sum.calls} == {Tier.LOCAL}


def test_a_benchmark_of_a_random_model_fails_cleanly(
    server_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLAMACPP_BASE_URL", f"{server_url}/v1")
    monkeypatch.setenv("KODERZ_EXPERIMENTS_ANSWER_TOKENS", "20")
    arguments = ["benchmark", "--end", "1", "--local-model", MODEL, "--max-iterations", "2"]
    arguments += ["--frontier-spec-model", MODEL, "--frontier-checkpoint-model", MODEL]
    page = run_command(capsys, *arguments, "--checkpoint-interval", "1", "--max-cost", "1")
    assert "SIMULATED" not in page
    assert "same-cost: the model is free, so that no cost bounds it" in page
    assert "cheap and frontier do the same" in page
    (run,) = run_json(capsys, "results")["runs"]
    assert (run["judged"], run["solved"], run["cost_usd"]) == (4, 0, 0)
    experiments = run_json(capsys, "results", run["run"])["experiments"]
    iterations = {each["strategy"]: each["iterations"] for each in experiments}
    assert iterations == {"cheap": 1, "supervised": 2, "frontier": 1, "same-cost": 4}

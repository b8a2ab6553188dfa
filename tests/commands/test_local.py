"""`koderz local` and `koderz speed-test`: models are listed, fetched, measured and removed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fake_hub import FakeHub, open_fake_hub
from tiny_gguf import write_tiny_gguf
from typer.testing import CliRunner, Result

from koderz import errors
from koderz.commands import local
from koderz.commands.local import choose_hub_file, format_size
from koderz.commands.speed_test import speed_test
from koderz.models.local_names import get_offers

NAME = "acme/tiny-GGUF:tiny.gguf"

app = typer.Typer()
app.add_typer(local.app, name="local")
app.command("speed-test")(speed_test)


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder to stand in, a folder for models, and no server whatever runs here."""
    pytest.importorskip("xllamacpp", exc_type=ImportError)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KODERZ_LOCAL_FOLDER", str(tmp_path / "models"))
    monkeypatch.setenv("KODERZ_LOCAL_THREADS", "1")
    monkeypatch.setenv("KODERZ_LEDGER_PATH", str(tmp_path / "ledger.sqlite"))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    for name in ("LMSTUDIO", "VLLM", "LLAMACPP"):
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:9/v1")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with open_fake_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.files[NAME] = write_tiny_gguf(tmp_path / "made.gguf").read_bytes()
        yield hub


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def run_json(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.exception
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_a_model_is_pulled_listed_measured_and_removed(hub: FakeHub, tmp_path: Path) -> None:
    pulled = run_json("local", "pull", NAME)
    path = tmp_path / "models" / "acme" / "tiny-GGUF" / "tiny.gguf"
    assert pulled == {"model": f"llamacpp/{NAME}", "path": str(path)}
    assert path.read_bytes() == hub.files[NAME]
    listed = run_json("local", "list")
    assert listed["models"] == [{"model": f"llamacpp/{NAME}", "size_bytes": path.stat().st_size}]
    measured = run_json("speed-test", f"llamacpp/{NAME}", "--runs", "2", "--max-tokens", "16")
    assert measured["models"][0]["tokens_per_s"] > 0
    removed = run_json("local", "remove", f"llamacpp/{NAME}")
    assert removed["freed_bytes"] == len(hub.files[NAME])
    assert run_json("local", "list")["models"] == []
    assert not path.parent.exists()


def test_what_is_on_offer_is_shown_with_size_memory_and_licence() -> None:
    for arguments in (["local", "list"], ["local", "pull"]):
        result = run(*arguments)
        assert result.exit_code == 0
        assert "No model is here yet" in result.stderr
        for offer in get_offers().values():
            assert offer.name in result.stdout
            assert f"{offer.size_gb:.1f} GB" in result.stdout
            assert offer.licence.split()[0] in result.stdout
    offers = run_json("local", "list")["offers"]
    assert {"name", "model", "size_gb", "memory_gb", "licence", "good_for", "is_here"} == set(
        offers[0]
    )


def test_a_pulled_name_is_what_is_printed(hub: FakeHub) -> None:
    assert run("local", "pull", f"llamacpp/{NAME}").stdout == f"llamacpp/{NAME}\n"
    assert "acme/tiny-GGUF" in run("local", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (["pull", "nonsense"], errors.ConfigError, "qwen2.5-coder-1.5b"),
        (["pull", "acme/tiny-GGUF:none.gguf"], errors.ModelNotFoundError, "no file none.gguf"),
        (["remove", "none.gguf"], errors.ConfigError, "koderz local list"),
        (["pull", "ollama/acme:7b"], errors.ConnectionFailedError, "ollama serve"),
        (["remove", "ollama/acme:7b"], errors.ConnectionFailedError, "ollama serve"),
    ],
)
def test_what_cannot_be_done_is_one_error_that_says_why(
    hub: FakeHub, arguments: list[str], kind: type[Exception], said: str
) -> None:
    raised = run("local", *arguments).exception
    assert isinstance(raised, kind)
    assert said in str(raised)
    assert "\n" not in str(raised)


def test_offline_it_says_where_to_put_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    raised = run("local", "pull", "qwen2.5-coder-1.5b").exception
    assert isinstance(raised, errors.ConnectionFailedError)
    offer = get_offers()["qwen2.5-coder-1.5b"]
    assert str(tmp_path / "models" / offer.repo / offer.file) in str(raised)


def test_names_on_offer_stand_for_files_of_the_hub() -> None:
    for name, offer in get_offers().items():
        assert str(choose_hub_file(name)) == f"{offer.repo}:{offer.file}"


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(0, "unknown"), (4_680_000_000, "4.7 GB"), (199_000, "0.2 MB")]
)
def test_sizes_are_for_people(size_bytes: int, text: str) -> None:
    assert format_size(size_bytes) == text


def test_the_speed_of_several_models_is_a_table_and_what_fails_is_said(tmp_path: Path) -> None:
    models = [write_tiny_gguf(tmp_path / f"{name}.gguf") for name in ("a", "b")]
    missing = tmp_path / "none.gguf"
    names = [f"llamacpp/{path}" for path in (*models, missing)]
    result = run("speed-test", *names, "--runs", "1", "--max-tokens", "8")
    assert result.exit_code == 1
    assert "tokens/s" in result.stdout
    assert "none.gguf" not in result.stdout
    assert "check the path" in result.stderr
    with sqlite3.connect(tmp_path / "ledger.sqlite") as ledger:
        count = ledger.execute("SELECT COUNT(*) FROM attempts").fetchone()[0]
    ledger.close()
    assert count == 2 * 2 + 1

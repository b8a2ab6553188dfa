"""The doctor finds what runs models on this machine: servers on their ports, and files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from scripted_server import ScriptedServer, open_scripted_server, reply_json

from koderz.config.loading import load_settings
from koderz.diagnosis import Finding, diagnose
from koderz.models.registry import list_providers

NOWHERE = "http://127.0.0.1:9"
VARIABLES = {
    "LM Studio": "LMSTUDIO_BASE_URL",
    "vLLM": "VLLM_BASE_URL",
    "llama.cpp's server": "LLAMACPP_BASE_URL",
    "Ollama": "OLLAMA_HOST",
}


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with open_scripted_server() as server:
        yield server


async def find(tmp_path: Path, **environ: str) -> dict[str, Finding]:
    usual = dict.fromkeys(VARIABLES.values(), NOWHERE)
    usual["KODERZ_LOCAL_FOLDER"] = str(tmp_path / "models")
    usual["KODERZ_LEDGER_PATH"] = str(tmp_path / "ledger.sqlite")
    findings = await diagnose(load_settings(tmp_path, environ={**usual, **environ}))
    return {finding.name: finding for finding in findings if finding.area == "servers"}


@pytest.mark.parametrize("title", ["LM Studio", "vLLM", "llama.cpp's server"])
async def test_a_server_of_openais_format_is_found_with_its_models(
    server: ScriptedServer, tmp_path: Path, title: str
) -> None:
    server.play(reply_json({"object": "list", "data": [{"id": "b"}, {"id": "a"}]}))
    found = await find(tmp_path, **{VARIABLES[title]: f"{server.url}/v1"})
    assert found[title].state == "ok"
    assert found[title].detail == f"answers at {server.url}/v1: 2 models (a, b)"
    assert server.seen[0].path == "/v1/models"
    others = [other for name, other in found.items() if name in VARIABLES and name != title]
    assert {other.state for other in others} == {"absent"}
    assert all("start" in other.next for other in others)


async def test_several_hosts_of_ollama_are_one_finding(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.play(reply_json({"models": [{"name": "acme:7b", "size": 1}]}))
    found = await find(tmp_path, OLLAMA_HOST=f"127.0.0.1:9,{server.url}")
    assert found["Ollama"].state == "ok"
    assert "1 models (acme:7b)" in found["Ollama"].detail
    assert server.url in found["Ollama"].detail


async def test_models_inside_koderz_are_a_finding_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    title = "llama.cpp inside Koderz"
    found = await find(tmp_path)
    assert (found[title].state, found[title].detail) == ("absent", "no model is here")
    assert "koderz local list" in found[title].next
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.gguf").write_bytes(b"x")
    found = await find(tmp_path)
    assert (found[title].state, found[title].detail) == ("ok", "1 models (m.gguf)")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = await find(tmp_path)
    assert found[title].state == "absent"
    assert "pip install 'koderz[local]'" in found[title].next


def test_the_usual_ports_are_those_of_the_servers() -> None:
    ports = {row.title: row.base_url for row in list_providers() if row.title in VARIABLES}
    assert ports == {
        "LM Studio": "http://localhost:1234/v1",
        "vLLM": "http://localhost:8000/v1",
        "llama.cpp's server": "http://localhost:8080/v1",
        "Ollama": "http://localhost:11434",
    }

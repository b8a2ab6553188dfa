"""`koderz compress` at the shell: what goes to which stream, and one line for every bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from made_chats import LAST, check_openai, make_openai, to_anthropic, write_events
from typer.testing import CliRunner, Result

from koderz.commands.compress import compress
from koderz.commands.job_options import build_overrides
from koderz.errors import JobError, KoderzError
from koderz.types import TaskKind

FIELDS = {
    "messages",
    "ledger",
    "format",
    "turns",
    "summarized_turns",
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
}


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with a conversation, and no local server whatever runs here."""
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chat.json").write_text(json.dumps(make_openai()))
    (tmp_path / "broken.jsonl").write_text('{"role": "user", "content": "a"}\n{"role": ')
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "other.json").write_text('{"a": 1}')
    return tmp_path


def invoke(*arguments: str, given: str = "") -> Result:
    app = typer.Typer()
    app.command()(compress)
    return CliRunner().invoke(app, list(arguments), input=given)


def run(*arguments: str, given: str = "") -> Result:
    """A run that ends well."""
    result = invoke(*arguments, given=given)
    if result.exception:
        raise result.exception
    return result


def run_json(*arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(*arguments, "--json").stdout)
    return document


def test_messages_go_out_and_the_receipt_to_stderr() -> None:
    result = run("chat.json", "--budget", "1500", "--no-model")
    messages = json.loads(result.stdout)
    check_openai(messages)
    assert messages[-1]["content"] == LAST
    for word in ("tokens", "by", "cost", "baseline", "digest", "saved", "o200k_base"):
        assert word in result.stderr


def test_the_json_has_these_names() -> None:
    document = run_json("chat.json", "--budget", "1500")
    assert set(document) == FIELDS
    assert document["ledger"]["files"][0]["path"] == "src/app/parser.py"
    assert document["tokens_out"] <= 1500 < document["tokens_in"]
    assert document["messages"] == json.loads(run("chat.json", "--budget", "1500").stdout)


def test_standard_input_and_its_own_output_are_taken(place: Path) -> None:
    text = (place / "chat.json").read_text()
    once = run("-", "--budget", "1500", given=text).stdout
    assert once == run("chat.json", "--budget", "1500").stdout
    again = json.loads(run("-", "--budget", "1000", given=once).stdout)
    check_openai(again)
    assert json.dumps(again).count("[koderz summary of turns") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.json"], "cannot read missing.json"),
        (["broken.jsonl"], "broken.jsonl: line 2 is not JSON"),
        (["empty.json"], "empty.json is empty"),
        (["other.json"], "other.json is not a conversation"),
        (["chat.json", "--budget", "0"], "give 1 or more"),
        (["chat.json", "--budget", "50"], "too small"),
        (["chat.json", "--max-cost", "-1"], "give 0 or more"),
        (["chat.json", "--model", "gpt-4o", "--no-model"], "choose one of"),
        (["chat.json", "--model", "no-such-model-at-all"], "unknown model"),
        (["chat.json", "--config", "missing.toml"], "missing.toml"),
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


def test_an_empty_standard_input_is_said() -> None:
    error = invoke("-").exception
    assert isinstance(error, JobError)
    assert str(error).startswith("standard input is empty")


def test_a_model_named_is_asked_first_even_where_small_models_are_off() -> None:
    overrides = build_overrides(TaskKind.COMPRESSION, "gpt-4o", Path("x.sqlite"))
    assert overrides["agent.small_model.tasks.compression.model"] == "gpt-4o"
    assert overrides["agent.small_model.use_for_compression"] is True
    assert overrides["koderz.ledger.path"] == "x.sqlite"
    assert build_overrides(TaskKind.COMPRESSION, None, None) == {}


def test_standard_input_gives_what_the_same_file_does(place: Path) -> None:
    events = write_events(to_anthropic(make_openai()))
    (place / "session.jsonl").write_text(events)
    options = ("--budget", "1500", "--no-model", "--json")
    told = json.loads(invoke("session.jsonl", *options).stdout)
    piped = json.loads(invoke("-", *options, given=events).stdout)
    assert piped == told
    assert any("side conversations" in note for note in piped["notes"])

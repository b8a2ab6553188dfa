"""`koderz read` at the shell: what goes to which stream, and one line for every bad input."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from reading import FAILED_AT, LINE_COUNT

from koderz import cli
from koderz.tokens import count_tokens

FIELDS = [
    "path",
    "question",
    "spans",
    "gaps",
    "paraphrase",
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
    "quotes_dropped",
    "notes",
    "simulated",
]


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)


def feed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def read_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.run_command(["read", *arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


def test_the_digest_goes_out_as_counted_and_the_receipt_to_stderr(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["read", str(log), "why did it fail?", "--budget", "300"]) == 0
    out, err = capsys.readouterr()
    assert f"{FAILED_AT}:ld: error: undefined reference" in out
    assert f"{LINE_COUNT}:make: *** [Makefile:12: all] Error 2" in out
    count = count_tokens(out.rstrip("\n"))
    assert f" in, {count} out (o200k_base)" in err
    assert count <= 300
    for said in ("no model", "no key is set", "cost      $0.0000", "a reference", "saved     $0."):
        assert said in err


def test_the_json_object_has_the_names_of_the_docs(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = read_json(capsys, str(log), "why?")
    assert sorted(document) == sorted(FIELDS)
    assert document["path"] == str(log)
    assert document["question"] == "why?"
    assert (document["engine"], document["model"], document["tier"]) == ("extractive", None, None)
    assert document["simulated"] is False
    assert document["saved_usd"] > 0
    assert list(document["spans"][0]) == ["start", "end", "text", "finding", "column", "is_cut"]
    assert list(document["gaps"][0]) == ["start", "end"]
    page = Path(__file__).parents[2] / "docs" / "read.md"
    documented = page.read_text()
    assert all(f"| `{name}` |" in documented for name in FIELDS)


def test_standard_input_is_read_under_its_own_name(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(monkeypatch, log.read_bytes())
    document = read_json(capsys, "-", "--no-model")
    assert document["path"] == "-"
    assert document["tokens_in"] > 10_000
    assert document["reason"] == "no model was wanted"


def test_a_small_file_comes_out_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.log").write_text("one\ntwo\n")
    assert cli.run_command(["read", "small.log"]) == 0
    out, err = capsys.readouterr()
    assert out == "one\ntwo\n"
    assert "the file as it is" in err


def test_force_and_budget_make_a_digest_of_a_small_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.log").write_text("".join(f"line {number}\n" for number in range(2000)))
    assert read_json(capsys, "small.log")["engine"] == "passthrough"
    assert read_json(capsys, "small.log", "--force")["engine"] == "extractive"
    assert read_json(capsys, "small.log", "--budget", "50")["tokens_out"] <= 50


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.log"], "missing.log does not exist"),
        (["."], "is a directory"),
        (["empty.log"], "is empty"),
        (["binary.log"], "is binary"),
        (["build.log", "--budget", "0"], "a budget of 0 tokens"),
        (["build.log", "--budget", "-1"], "a budget of -1 tokens"),
        (["build.log", "--max-cost", "-1"], "a limit of $-1"),
        (["build.log", "--model", "m", "--no-model"], "choose one"),
        (["build.log", "--model", "nobody-knows"], "unknown model"),
        (["build.log", "--config", "missing.toml"], "missing.toml"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    log: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    log.with_name("empty.log").touch()
    log.with_name("binary.log").write_bytes(bytes(range(256)) * 40)
    assert cli.run_command(["read", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_empty_standard_input_is_called_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(monkeypatch, b"")
    assert cli.run_command(["read", "-"]) == 2
    assert "standard input is empty" in capsys.readouterr().err


def test_the_model_named_is_asked_first_whatever_the_settings_say(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.with_name("koderz.toml").write_text("[agent.small_model]\nenabled = false\n")
    document = read_json(capsys, str(log), "--model", "gpt-4o-mini")
    assert "OPENAI_API_KEY is not set" in document["reason"]


def test_the_ledger_named_is_written(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_json(capsys, str(log), "--ledger", "account.sqlite")
    assert log.with_name("account.sqlite").stat().st_size

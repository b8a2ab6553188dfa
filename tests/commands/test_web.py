"""`koderz web` at the shell: what goes to which stream, and one line for every bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from web_pages import ANSWER, CODE, build_html

from koderz import cli
from koderz.tokens import count_tokens

NAMES = {
    *("path", "url", "title", "question", "text", "spans", "dropped", "paraphrase", "is_answered"),
    *("tokens_raw_html", "tokens_markdown", "tokens_in", "tokens_out", "vocabulary", "engine"),
    *("model", "tier", "route_source", "reason", "cost_usd", "baseline_usd", "baseline"),
    *("digest_usd", "saved_usd", "attempts", "quotes_dropped", "notes", "simulated"),
}


@pytest.fixture(autouse=True)
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A page in the working directory, and no server of models."""
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "page.html"
    path.write_text(build_html(), encoding="utf-8")
    return path


def read_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.run_command(["web", *arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


def test_the_text_goes_out_as_counted_and_the_receipt_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run_command(["web", "page.html", "how many hours?", "--budget", "300"]) == 0
    out, err = capsys.readouterr()
    assert ANSWER in out
    count = count_tokens(out.rstrip("\n"))
    assert f" in, {count} out (o200k_base)" in err
    assert count <= 300
    for said in ("of the page as plain Markdown", "tokens that the page came in", "left out"):
        assert said in err


def test_the_json_object_has_the_names_of_the_docs(capsys: pytest.CaptureFixture[str]) -> None:
    document = read_json(capsys, "page.html", "--no-model")
    assert set(document) == NAMES
    assert CODE in document["text"]
    assert document["tokens_raw_html"] > document["tokens_markdown"] > document["tokens_out"]
    assert list(document["spans"][0]) == ["heading", "start", "end", "text", "is_cut"]
    assert list(document["dropped"][0]) == ["heading", "start", "end", "tokens", "reason"]
    documented = (Path(__file__).parents[2] / "docs" / "web.md").read_text()
    assert all(f"| `{name}` |" in documented for name in NAMES)


def test_the_whole_page_comes_as_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["web", "page.html", "--whole"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("- [queue overview](/queue)\n")
    assert "nobody" in err


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (["missing.html"], "missing.html does not exist", 2),
        (["."], "is a directory", 2),
        (["empty.html"], "is empty", 2),
        (["ftp://example.com/"], "only http and https", 2),
        (["http://127.0.0.1:9/"], "on a private network", 1),
        (["http://127.0.0.1:9/", "--allow-private"], "cannot connect to 127.0.0.1:9", 1),
        (["http://nowhere.invalid/"], "no address is known", 1),
        (["page.html", "--budget", "0"], "a budget of 0 tokens", 2),
        (["page.html", "--max-cost", "-1"], "a limit of $-1", 2),
        (["page.html", "--model", "m", "--no-model"], "choose one", 2),
        (["page.html", "--model", "nobody-knows"], "unknown model", 2),
    ],
)
def test_bad_input_is_one_line(
    page: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str, code: int
) -> None:
    page.with_name("empty.html").touch()
    assert cli.run_command(["web", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_the_ledger_named_is_written(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_json(capsys, "page.html", "--ledger", "account.sqlite")
    assert page.with_name("account.sqlite").stat().st_size

"""`koderz list-problems` and `koderz download-data` as a person and as a program see them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from koderz.benchmarks import downloads
from koderz.benchmarks.downloads import Source
from koderz.commands.download_data import download_data
from koderz.commands.list_problems import list_problems
from koderz.errors import ConfigError


def run(command: Any, *arguments: str) -> str:
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, list(arguments))
    if result.exception:
        raise result.exception
    return result.stdout


def test_the_starter_set_is_listed() -> None:
    text = run(list_problems)
    assert "starter/0" in text
    assert "hard" in text


def test_the_list_as_json() -> None:
    listed = json.loads(run(list_problems, "--json", "--limit", "2"))
    assert listed == {
        "dataset": "starter",
        "problems": [
            {"task_id": "starter/0", "entry_point": "badge_initials", "difficulty": "easy"},
            {"task_id": "starter/1", "entry_point": "shelf_gaps", "difficulty": "easy"},
        ],
    }


def test_one_problem_in_full() -> None:
    text = run(list_problems, "--problem-id", "starter/3", "--full")
    assert "def receipt_line" in text
    assert "# feedback" in text
    (problem,) = json.loads(run(list_problems, "--problem-id", "starter/3", "--full", "--json"))[
        "problems"
    ]
    assert problem["prompt"].startswith("def receipt_line")
    assert "def check(candidate)" in problem["tests"]


def test_inputs_are_counted_not_printed(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KODERZ_DATA", str(data_dir))
    arguments = ["--dataset", "humaneval+mini", "--limit", "1", "--full", "--json"]
    (problem,) = json.loads(run(list_problems, *arguments))["problems"]
    assert problem["tests"].startswith("19 inputs")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "started"], "did you mean starter"),
        (["--limit", "0"], "--limit: must be at least 1"),
        (["--problem-id", "starter/99"], "starter has no problem 'starter/99'"),
        (["--dataset", "mbpp+"], r"koderz download-data mbpp\+"),
        (["--problems", "/no/file"], "there is no file /no/file"),
    ],
)
def test_what_is_not_there_is_told(arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(list_problems, *arguments)


@pytest.fixture
def url() -> Iterator[str]:
    """A server in a thread of its own: the command has its own loop."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"problems")

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/x"
        server.shutdown()
        thread.join()


def test_a_download_lands_in_the_data_folder(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KODERZ_DATA", str(tmp_path))
    sha256 = hashlib.sha256(b"problems").hexdigest()
    source = Source(filename="X.jsonl", version="1", page="", url=url, sha256=sha256)
    monkeypatch.setattr(downloads, "SOURCES", {"x": source})
    assert run(download_data, "x").strip() == str(tmp_path / "X.jsonl")
    assert (tmp_path / "X.jsonl").read_bytes() == b"problems"


def test_an_unknown_download_is_told() -> None:
    with pytest.raises(ConfigError, match="nothing to download for 'gsm8k'"):
        run(download_data, "gsm8k")

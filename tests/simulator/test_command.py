"""`koderz simulate` as a person runs it: it says where it is, notes requests and ends cleanly."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from koderz import cli


@contextmanager
def run_simulate(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "koderz", "simulate", "--port", "0", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ask(base_url: str) -> bytes:
    turns = [{"role": "user", "content": "Why?"}]
    body = json.dumps({"model": "gpt-4o-mini", "messages": turns}).encode()
    headers = {"authorization": "Bearer any", "content-type": "application/json"}
    request = urllib.request.Request(f"{base_url}/v1/chat/completions", body, headers)
    with urllib.request.urlopen(request) as response:
        content: bytes = response.read()
        return content


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_the_variables_notes_requests_and_ends_cleanly(number: int) -> None:
    with run_simulate("--fault", "empty:gpt-4o-mini") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        base_url = first.partition(" at ")[2].split()[0]
        assert ask(base_url)
        process.send_signal(number)
        # Not `communicate`, which leaves out what the first read has buffered.
        assert process.stderr is not None
        output, notes = process.stdout.read(), process.stderr.read()
        assert process.wait(timeout=10) == 0
    assert f"export OPENAI_BASE_URL={base_url}/v1\n" in output
    assert "export ANTHROPIC_API_KEY=simulated\n" in output
    (line,) = notes.splitlines()
    assert line.startswith("openai gpt-4o-mini: 200")
    assert line.endswith("fault=empty")


def test_it_prints_one_json_object_on_request() -> None:
    with run_simulate("--json", "--seed", "3", "--skill", "gpt*=1") as process:
        assert process.stdout is not None
        lines = list(itertools.takewhile(lambda line: line != "}\n", process.stdout))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    document = json.loads("".join(lines) + "}")
    assert document["simulated"] is True
    assert document["environ"]["ANTHROPIC_BASE_URL"] == document["base_url"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fault", "typo"], "unknown fault 'typo'"),
        (["--skill", "gpt-4o-mini=2"], "between 0 and 1"),
        (["--skill", "gpt-4o-mini"], "MODEL=SKILL"),
        (["--port", "70000"], "--port"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["simulate", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_a_taken_port_is_one_clear_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with run_simulate() as process:
        assert process.stdout is not None
        port = process.stdout.readline().partition(" (")[0].rpartition(":")[2]
        assert cli.run_command(["simulate", "--port", port]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"koderz: --port: port {port} is taken: choose another one, or 0 for any that is free"
    ]


def test_importing_the_simulator_is_light() -> None:
    code = "import sys, koderz.simulator; print('aiohttp' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"

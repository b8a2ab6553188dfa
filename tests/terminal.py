"""Commands as a person runs them: in this process, or in one that can be interrupted."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from koderz import cli

NOBODY = {"OLLAMA_HOST": "127.0.0.1:9"}
"""The variables under which no model is within reach."""
ROOT = Path(cli.__file__).resolve().parent.parent


def run_command(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What a command prints; with another code than 0 what it says on stderr."""
    got = cli.run_command(list(arguments))
    captured = capsys.readouterr()
    assert got == code, captured.err
    assert "Traceback" not in captured.err
    return captured.err if code else captured.out


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The JSON object that a command prints."""
    document: dict[str, Any] = json.loads(run_command(capsys, *arguments, "--json"))
    return document


@contextmanager
def start(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that runs a command; it is gone at the end."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def wait_for_line(process: subprocess.Popen[str], beginning: str) -> None:
    """Read the process's output up to a line, while the simulator in this process answers it."""
    assert process.stdout
    while line := await asyncio.to_thread(process.stdout.readline):
        if line.startswith(beginning):
            return
    pytest.fail(f"no line begins with {beginning!r}: {process.communicate()[1]}")

"""Commands in processes that can be killed: started from one that has loaded what they need."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

FOLDER = Path(__file__).parent


def open_context() -> ForkServerContext:
    """Where such processes come from; PYTHONPATH has to hold `FOLDER` when the first begins."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["preloaded"])
    return context


def start_command(
    context: ForkServerContext, arguments: Sequence[str], environ: Mapping[str, str], log: Path
) -> ForkServerProcess:
    """A process that runs a command of ours in the log's folder; what it says goes to the log."""
    process = context.Process(target=perform, args=(list(arguments), dict(environ), str(log)))
    process.start()
    return process


def perform(arguments: list[str], environ: dict[str, str], log: str) -> None:
    """Be that process."""
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(Path(log).parent)
    with Path(log).open("a", encoding="utf-8") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        from koderz.cli import run_command

        code = run_command(arguments)
        sys.stdout.flush()
        os._exit(code)

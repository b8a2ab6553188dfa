"""The main job on a real log, and an experiment, on simulated models. No key, no server.

The log is made on the spot: this project is built, compiled and tested, with one failure planted
among the tests. Every figure is what the commands print; nothing here is canned.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from koderz.errors import SandboxUnavailableError
from koderz.sandbox import open_sandbox
from koderz.simulator import Fault, open_simulator

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "why did it fail?"
LEAST_BYTES = 50 * 1024
# Under this seed the simulated coder fails until a review tells it why.
PROBLEM = "starter/13"
PLANTED = """
from decimal import Decimal


def test_the_account_balances():
    recorded = [Decimal("0.0123"), Decimal("0.0073"), Decimal("0.0050")]
    assert sum(recorded) == Decimal("0.0247"), "attempts and total differ"
"""


def main() -> None:
    """Show the large read with no model and with one that misquotes, then an experiment."""
    with tempfile.TemporaryDirectory(prefix="koderz-demo-") as folder:
        place = Path(folder)
        log = place / "build.log"
        say("A real log: building, compiling and testing this project, with one failure planted")
        write_log(log, place)
        say(f"1. No key, no server, no model ({log.stat().st_size:,} bytes)")
        koderz(["read", str(log), QUESTION], build_environ(place))
        asyncio.run(show_simulated(log, place))
        say("4. An experiment: can a cheap model, tests and a reviewer do it? (all simulated)")
        show_experiment(place)


async def show_simulated(log: Path, place: Path) -> None:
    """The same through the simulator, whose small model misquotes in its first two answers."""
    faults = [Fault("misquote", model="*haiku*", times=2)]
    # With their usual skill the models overlook a line now and then, another one in every log.
    async with open_simulator(faults=faults, skills={"*": 1.0}) as simulator:
        # One call at a time, so that both misquotes meet the same part of the log.
        one_by_one = {"KODERZ_ROUTING_SIDE_CONCURRENCY": "1"}
        environ = build_environ(place, {**simulator.environ(), **one_by_one})
        say(
            "2. Through the simulator's small model, which first quotes what is not in the file:\n"
            "   rejected, asked again, rejected again, so that the main model reads that part"
        )
        await asyncio.to_thread(koderz, ["read", str(log), QUESTION], environ)
        say("3. The account: every attempt is a row, the rejected ones too")
        await asyncio.to_thread(koderz, ["usage", "--simulated"], environ)


def show_experiment(place: Path) -> None:
    """One problem, its code judged in the sandbox; a machine that has none is told so."""
    try:
        asyncio.run(check_sandbox())
    except SandboxUnavailableError as error:
        print(f"left out: {error}", flush=True)
        return
    koderz(["run", "--problem-id", PROBLEM, "--seed", "0"], build_environ(place))


async def check_sandbox() -> None:
    """Whether untrusted code can be run here; raises SandboxUnavailableError where it cannot."""
    async with open_sandbox(workers=1):
        pass


def write_log(log: Path, place: Path) -> None:
    """Build, compile and test the project, all verbose, into one log."""
    planted = place / "test_planted.py"
    planted.write_text(PLANTED)
    python = [sys.executable, "-m"]
    wheel = ["--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(place)]
    # The planted failure stands in the middle: neither the first nor the last lines tell it.
    tests = ["tests/routing/test_routes.py", str(planted), "tests/models/test_registry.py"]
    steps = [
        [*python, "pip", "wheel", "-vvv", *wheel, "."],
        [*python, "compileall", "-f", "koderz"],
        [*python, "pytest", "-vv", "--setup-show", "-c", "pyproject.toml", *tests],
    ]
    with log.open("wb") as output:
        for step in steps:
            output.write(f"$ {shlex.join(step)}\n".encode())
            output.flush()
            subprocess.run(step, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=False)
    if log.stat().st_size < LEAST_BYTES:
        sys.exit(f"the log is smaller than {LEAST_BYTES} bytes: see {log}")


def build_environ(place: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment with no key, no settings and a home of its own; `more` is added."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LANG", "TERM", "COLUMNS") if name in os.environ
    }
    return {
        **kept,
        "HOME": str(place),
        "OLLAMA_HOST": "127.0.0.1:9",  # Nobody answers there, whatever runs on this machine.
        "KODERZ_LEDGER_PATH": str(place / "ledger.sqlite"),
        **(more or {}),
    }


def koderz(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run one command as a person would."""
    print(f"$ koderz {shlex.join(arguments)}\n", flush=True)
    command = [sys.executable, "-m", "koderz", *arguments]
    done = subprocess.run(command, cwd=environ["HOME"], env=dict(environ), check=False)
    if done.returncode:
        sys.exit(done.returncode)


def say(text: str) -> None:
    """Print a heading."""
    print(f"\n=== {text}\n", flush=True)


if __name__ == "__main__":
    main()

"""`koderz classify --provider-batch` at the shell: left, killed and gone on with."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from batch_bills import HAIKU, MINI, fetch_bill
from reading import list_rows

from koderz.simulator import Simulator, open_simulator

COMMAND = "import sys; from koderz.cli import run_command; sys.exit(run_command(sys.argv[1:]))"
# The process is killed, as by the system, once the provider has the batch and nobody knows it.
KILLED = (
    "import os, signal\nfrom koderz.ledger.submissions import Submissions\n"
    "Submissions.move = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n" + COMMAND
)
SETTINGS = '[koderz.batch]\npoll_s = 0.02\n[agent]\ndefault_model = "{main}"\n'


@dataclass
class Ended:
    code: int
    out: str
    err: str


class Shell:
    """A folder with items, and commands in it that ask the simulator."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder, self.simulator = folder, simulator

    async def classify(self, *more: str, script: str = COMMAND) -> Ended:
        arguments = ("classify", "items.txt", "--labels", "refund,travel,food", *more)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            script,
            *arguments,
            cwd=self.folder,
            env=self._build_environ(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())

    def _build_environ(self) -> Mapping[str, str]:
        home = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        return home | self.simulator.environ()

    def write_settings(self, main: str) -> None:
        (self.folder / "koderz.toml").write_text(SETTINGS.format(main=main))

    def read_labels(self) -> list[str]:
        lines = (self.folder / "labels.jsonl").read_text().splitlines()
        return [json.loads(line)["label"] for line in lines]


BATCH = ("--provider-batch", "--out", "labels.jsonl", "--ledger", "ledger.sqlite")
LABELS = ["refund", "travel", "food"] * 4


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    texts = [f"no {at} wants {label}" for at, label in enumerate(LABELS)]
    (tmp_path / "items.txt").write_text("\n".join(texts) + "\n")
    async with open_simulator(skills={"*": 1.0}) as simulator:
        yield Shell(tmp_path, simulator)


async def test_it_submits_waits_and_tells_the_price_and_the_batch(shell: Shell) -> None:
    shell.write_settings("gpt-4o")
    ended = await shell.classify(*BATCH, "--json")
    assert ended.code == 0, ended.err
    assert shell.read_labels() == LABELS
    assert "at the price of batches" in ended.err
    assert "submitted batch batch_sim" in ended.err
    assert "most are done within an hour" in ended.err
    (receipt,) = [json.loads(line) for line in ended.out.splitlines()]
    assert receipt["receipt"]["decided"] == 12
    assert receipt["receipt"]["simulated"]


async def test_no_wait_leaves_and_the_same_command_goes_on(shell: Shell) -> None:
    shell.write_settings("claude-sonnet-4-5")
    shell.simulator.batch_delay_s = 1_000
    left = await shell.classify(*BATCH, "--no-wait", "--json")
    assert left.code == 0, left.err
    pending = json.loads(left.out)["pending"]
    assert pending["batch_ids"] == ["msgbatch_sim00000001"]
    assert "koderz classify items.txt" in pending["command"] in left.err
    again = await shell.classify(*BATCH, "--no-wait")
    assert "found again batch msgbatch_sim00000001" in again.err
    assert "not paid for again" in again.err
    (run,) = [each for each in shell.simulator.requests if each.path.endswith("/batches")][:1]
    assert run.status == 200


@pytest.mark.parametrize(("small", "main"), [(HAIKU, "claude-sonnet-4-5"), (MINI, "gpt-4o")])
async def test_a_run_that_is_killed_after_it_submitted_is_gone_on_with(
    shell: Shell, small: str, main: str
) -> None:
    shell.write_settings(main)
    killed = await shell.classify(*BATCH, script=KILLED)
    assert killed.code == -9
    ledger = shell.folder / "ledger.sqlite"
    assert list_rows(ledger, "SELECT state, batch_id FROM submissions") == [("intended", "")]
    ended = await shell.classify(*BATCH)
    assert ended.code == 0, ended.err
    assert shell.read_labels() == LABELS
    ((count, cost),) = list_rows(ledger, "SELECT count(*), sum(cost_pusd) FROM attempts")
    assert count == 1
    assert cost == int((await fetch_bill(shell.simulator)).scaleb(12))
    assert list_rows(ledger, "SELECT count(*), min(state) FROM submissions") == [(1, "closed")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--provider-batch"], "name a file for the labels (--out FILE)"),
        (["--no-wait"], "--no-wait goes with --provider-batch"),
        ([*BATCH, "--no-model"], "choose one of the two"),
        ([*BATCH, "--model", "gemini-2.5-flash"], "known are those of Anthropic and OpenAI"),
    ],
)
async def test_bad_input_is_one_line_and_exit_code_2(
    shell: Shell, options: list[str], said: str
) -> None:
    shell.write_settings("gpt-4o")
    ended = await shell.classify(*options)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert said in line

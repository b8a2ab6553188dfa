"""Several processes, killed processes, full disks: no recorded row is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ledger_rows import build_attempt

from koderz.ledger.store import Ledger

TESTS = Path(__file__).resolve().parent.parent

PREAMBLE = """
import resource, sys
from ledger_rows import build_attempt
from koderz.errors import StoreError
from koderz.ledger.store import Ledger
path, name = sys.argv[1:3]
"""

WRITE_MANY = """
with Ledger(path) as ledger:
    for number in range(400):
        ledger.record(build_attempt(job_id=f"{name}-{number}"))
"""

WRITE_AND_SAY = """
ledger = Ledger(path)
number = 0
while True:
    ledger.record(build_attempt(job_id=f"{name}-{number}"))
    print(f"{name}-{number}", flush=True)
    number += 1
"""

FILL_THE_DISK = """
ledger = Ledger(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
recorded = 0
try:
    while True:
        ledger.record(build_attempt())
        recorded += 1
except StoreError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
ledger.record(build_attempt())
print(recorded + 1)
"""


def test_two_processes_write_at_once_and_every_row_is_there(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    writers = [_start(WRITE_MANY, path, name) for name in ("one", "two")]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert (writer.returncode, errors) == (0, "")
    expected = {f"{name}-{number}" for name in ("one", "two") for number in range(400)}
    assert _list_jobs(path) == sorted(expected)


def test_a_killed_process_loses_no_row_that_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    writer = _start(WRITE_AND_SAY, path, "row")
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(300)]
    os.kill(writer.pid, signal.SIGKILL)
    rest, _ = writer.communicate(timeout=60)
    said += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    kept = set(_list_jobs(path))
    assert {line.strip() for line in said} <= kept
    with Ledger(path) as ledger:
        assert ledger.fetch("PRAGMA integrity_check")[0][0] == "ok"


def test_a_disk_that_fills_up_is_one_line_and_what_was_recorded_stays(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    writer = _start(FILL_THE_DISK, path, "row")
    output, errors = writer.communicate(timeout=60)
    assert (writer.returncode, errors) == (0, "")
    line, recorded = output.splitlines()
    assert str(path) in line
    assert "free some space" in line
    assert len(_list_jobs(path)) == int(recorded)


def test_many_may_make_the_ledger_at_the_same_moment(tmp_path: Path) -> None:
    barrier = threading.Barrier(6)

    def make(path: Path) -> None:
        barrier.wait(timeout=60)
        with Ledger(path) as ledger:
            ledger.record(build_attempt())

    with ThreadPoolExecutor(barrier.parties) as threads:
        for number in range(15):
            path = tmp_path / f"ledger-{number}.sqlite"
            list(threads.map(make, [path] * barrier.parties))
            assert len(_list_jobs(path)) == barrier.parties


def _start(program: str, path: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + program, str(path), name],
        env=os.environ | {"PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _list_jobs(path: Path) -> list[str]:
    with Ledger(path) as ledger:
        return sorted(row["job_id"] for row in ledger.fetch("SELECT job_id FROM attempts"))

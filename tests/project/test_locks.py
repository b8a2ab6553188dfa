"""A lock is one process's at a time, and dies with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from koderz.errors import StoreError
from koderz.locks import hold_lock, open_locked

TAKEN = StoreError("another run is at it")


def test_one_holds_and_others_are_turned_away_until_it_is_done(tmp_path: Path) -> None:
    lock = tmp_path / "new" / "lock"
    with (
        hold_lock(lock, TAKEN),
        pytest.raises(StoreError, match="another run is at it"),
        hold_lock(lock, TAKEN),
    ):
        pass
    assert not lock.exists()
    with hold_lock(lock, TAKEN):
        assert lock.exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(StoreError, match="not a directory: check its folder|file exists"),
        hold_lock(tmp_path / "file" / "lock", TAKEN),
    ):
        pass


def test_what_was_replaced_while_it_was_locked_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    with open_locked(path, TAKEN):
        path.unlink()
        with open_locked(path, TAKEN) as file:
            file.write(b"new")
    assert path.read_bytes() == b"new"


def test_a_lock_dies_with_whoever_holds_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom koderz.locks import hold_lock\n"
        "with hold_lock(Path(sys.argv[1]), ValueError()):\n"
        "    print('held', flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError), hold_lock(lock, TAKEN):
            pass
        os.kill(holder.pid, signal.SIGKILL)
    with hold_lock(lock, TAKEN):
        pass

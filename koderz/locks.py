"""Files that one process has at a time: a lock dies with the process that holds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import IO

from koderz.errors import KoderzError, StoreError


@contextmanager
def hold_lock(path: Path, taken: KoderzError) -> Iterator[None]:
    """Hold the lock file `path`, which is gone afterwards.

    Raises `taken` where another process has it, StoreError where it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = open_locked(path, taken)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreError(f"cannot write {path}: {reason}: check its folder") from None
    with file:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def open_locked(path: Path, taken: KoderzError) -> IO[bytes]:
    """The file, open for appending and locked for as long as it is open.

    Raises `taken` where another process has it, and OSError.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        file = os.fdopen(descriptor, "ab")
        try:
            flock(file, LOCK_EX | LOCK_NB)
            if _is_current(file, path):
                return file
        except BlockingIOError:
            file.close()
            raise taken from None
        except BaseException:
            file.close()
            raise
        file.close()


def _is_current(file: IO[bytes], path: Path) -> bool:
    """Whether it still stands there: who held it before may have removed or replaced it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False

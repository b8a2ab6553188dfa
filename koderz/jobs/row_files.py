"""Files of rows, written as they are known, so that a run that ended early can be gone on with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Generic, Self, TypeVar

import msgspec

from koderz.errors import JobError, StoreError
from koderz.locks import open_locked

R = TypeVar("R", bound=msgspec.Struct)

Keep = Callable[[bytes, str], R | None]
"""The row on a line that errors name so, None where it is open again; raises JobError."""


class RowFile(Generic[R]):
    """A file of JSON lines, a row each; use it as a context, in which it is this run's alone.

    `done` are the rows of an earlier run that `keep` keeps; `name` tells rows of one item, of which
    the last counts. A last line that was only half written is dropped.

    Raises:
        JobError: it cannot be read, or `keep` says so.
        StoreError: it cannot be written, or another run is writing it.
    """

    def __init__(self, path: Path, keep: Keep[R], name: Callable[[R], str]) -> None:
        self._path, self._keep, self._name = path, keep, name
        self._file: IO[bytes] | None = None
        self.done = self._load()

    def append(self, rows: Iterable[R]) -> None:
        """Write these now: what is paid for is kept, whatever comes next."""
        if self._file:
            self._write(self._file, rows)

    def finish(self, rows: Sequence[R]) -> None:
        """Have these rows alone in the file, in this order, or the file as it was."""
        path = self._path.resolve()
        beside = path.with_name(f"{path.name}.part")
        try:
            with beside.open("wb") as file:
                self._write(file, rows)
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as error:
            raise self._build_error(error) from None

    def __enter__(self) -> Self:
        try:
            self._file = open_locked(
                self._path, StoreError(f"{self._path}: another run is writing it")
            )
        except OSError as error:
            raise self._build_error(error) from None
        try:
            # An earlier run may have written to its last moment.
            self.done = self._load()
            self._file.truncate(self._file.seek(0, os.SEEK_END) - self._half_bytes)
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def _write(self, file: IO[bytes], rows: Iterable[R]) -> None:
        try:
            file.write(b"".join(map(encode_row, rows)))
            file.flush()
        except OSError as error:
            raise self._build_error(error) from None

    def _build_error(self, error: OSError) -> StoreError:
        said = (error.strerror or str(error)).lower()
        return StoreError(f"{self._path}: {said}: choose another --out, or make room")

    def _load(self) -> tuple[R, ...]:
        if self._path.exists() and not self._path.is_file():
            raise StoreError(f"{self._path}: it is no file: choose another --out")
        try:
            raw = self._path.read_bytes() if self._path.exists() else b""
        except OSError as error:
            raise JobError(f"{self._path}: {(error.strerror or str(error)).lower()}") from None
        *lines, half = raw.split(b"\n")  # What follows the last line feed was never finished.
        self._half_bytes = len(half)
        done: dict[str, R] = {}
        for number, line in enumerate(lines, start=1):
            row = self._keep(line, f"{self._path}:{number}")
            if row is not None:
                done[self._name(row)] = row
        return tuple(done.values())


def encode_row(row: msgspec.Struct) -> bytes:
    """The row as a line of JSON."""
    return msgspec.json.encode(row) + b"\n"

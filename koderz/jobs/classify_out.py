"""The file that labels go to: written as they are decided, so that a run can be gone on with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import IO, Self

import msgspec

from koderz.errors import JobError, StoreError
from koderz.extract.labels.items import Item
from koderz.extract.labels.sets import say_strange
from koderz.jobs.classify_results import Decision

_DECODER = msgspec.json.Decoder(Decision)


class LabelFile:
    """A file of JSON lines, a decision each; use it as a context.

    `done` are the decisions of an earlier run that it held. A last line that was only half written
    is dropped, and items without a label are open again.

    Raises:
        JobError: it is not such a file, or one of other items or labels (line named).
        StoreError: it cannot be written.
    """

    def __init__(self, path: Path, items: Collection[Item], labels: Sequence[str]) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self.done = _load(path, frozenset(item.id for item in items), labels)

    def append(self, decisions: Sequence[Decision]) -> None:
        """Write these now: what is paid for is kept, whatever comes next."""
        if self._file:
            self._write(self._file, decisions)

    def finish(self, decisions: Sequence[Decision]) -> None:
        """Put the file into the items' order, those without a label among them."""
        if self._file:
            self._file.close()
        self._file = self._replace(decisions)

    def __enter__(self) -> Self:
        self._file = self._replace(self.done)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def _replace(self, decisions: Sequence[Decision]) -> IO[bytes]:
        """The file with only these in it, all of them or, if that fails, as it was."""
        beside = self._path.with_name(f"{self._path.name}.part")
        try:
            with beside.open("wb") as file:
                self._write(file, decisions)
            beside.replace(self._path)
            return self._path.open("ab")
        except OSError as error:
            raise self._build_error(error) from None

    def _write(self, file: IO[bytes], decisions: Sequence[Decision]) -> None:
        try:
            file.write(b"".join(encode_line(each) for each in decisions))
            file.flush()
        except OSError as error:
            raise self._build_error(error) from None

    def _build_error(self, error: OSError) -> StoreError:
        said = (error.strerror or str(error)).lower()
        return StoreError(f"{self._path}: {said}: choose another --out, or make room")


def encode_line(decision: Decision) -> bytes:
    """The decision as a line of JSON."""
    return msgspec.json.encode(decision) + b"\n"


def _load(path: Path, ids: Collection[str], labels: Sequence[str]) -> tuple[Decision, ...]:
    try:
        raw = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise JobError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    *lines, _ = raw.split(b"\n")  # What follows the last line feed was never written to its end.
    done = {}
    for number, line in enumerate(lines, start=1):
        try:
            decision = _DECODER.decode(line)
        except msgspec.MsgspecError:
            raise JobError(
                f"{path}:{number}: not a line of labels: choose another --out, or mend the line"
            ) from None
        if decision.id not in ids:
            raise JobError(
                f"{path}:{number}: {decision.id!r} is no item's id: is it another run's?"
            )
        if decision.label is not None and decision.label not in labels:
            raise JobError(f"{path}:{number}: {say_strange(decision.label, labels)}")
        if decision.label is not None:
            done[decision.id] = decision
    return tuple(done.values())

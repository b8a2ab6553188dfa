"""The file that labels go to: written as they are decided, so that a run can be gone on with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from koderz.errors import JobError
from koderz.extract.labels.items import Item
from koderz.extract.labels.sets import say_strange
from koderz.jobs.classify.results import Decision
from koderz.jobs.row_files import RowFile, encode_row

__all__ = ["LabelFile", "encode_line"]

_DECODER = msgspec.json.Decoder(Decision)


class LabelFile(RowFile[Decision]):
    """A file of JSON lines, a decision each; use it as a context.

    `done` are the decisions of an earlier run that it held; items without a label are open again.

    Raises:
        JobError: it is not such a file, or one of other items or labels (line named).
        StoreError: it cannot be written, or another run is writing it.
    """

    def __init__(self, path: Path, items: Collection[Item], labels: Sequence[str]) -> None:
        ids = frozenset(item.id for item in items)

        def keep(line: bytes, place: str) -> Decision | None:
            decision = _decode(line, place)
            if decision.id not in ids:
                raise JobError(f"{place}: {decision.id!r} is no item's id: is it another run's?")
            if decision.label is not None and decision.label not in labels:
                raise JobError(f"{place}: {say_strange(decision.label, labels)}")
            return None if decision.label is None else decision

        super().__init__(path, keep, lambda decision: decision.id)


def encode_line(decision: Decision) -> bytes:
    """The decision as a line of JSON."""
    return encode_row(decision)


def _decode(line: bytes, place: str) -> Decision:
    try:
        return _DECODER.decode(line)
    except msgspec.MsgspecError:
        raise JobError(
            f"{place}: not a line of labels: choose another --out, or mend the line"
        ) from None

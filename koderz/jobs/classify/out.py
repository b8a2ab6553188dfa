"""The file that labels go to: written as they are decided, so that a run can be gone on with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
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
    Each line names its item's text as well: where ids are line numbers, one line more at the top
    of a list would give every item its neighbour's label.

    Raises:
        JobError: it is not such a file, or one of other items or labels (line named).
        StoreError: it cannot be written, or another run is writing it.
    """

    def __init__(self, path: Path, items: Collection[Item], labels: Sequence[str]) -> None:
        self._texts = texts = {item.id: item.text for item in items}

        def keep(line: bytes, place: str) -> Decision | None:
            decision = _decode(line, place)
            if decision.id not in texts:
                raise JobError(f"{place}: {decision.id!r} is no item's id: is it another run's?")
            if decision.text_id not in {"", build_text_id(texts[decision.id])}:
                raise JobError(
                    f"{place}: the item {decision.id!r} had another text then: choose another --out"
                )
            if decision.label is not None and decision.label not in labels:
                raise JobError(f"{place}: {say_strange(decision.label, labels)}")
            known = msgspec.structs.replace(decision, text_id="")
            return None if decision.label is None else known

        super().__init__(path, keep, lambda decision: decision.id)

    def append(self, rows: Iterable[Decision]) -> None:
        """Write these now, each beside the name of its text."""
        super().append(map(self._name_text, rows))

    def finish(self, rows: Sequence[Decision]) -> None:
        """Have these alone in the file, in this order, or the file as it was."""
        super().finish([self._name_text(row) for row in rows])

    def _name_text(self, decision: Decision) -> Decision:
        text_id = build_text_id(self._texts[decision.id])
        return msgspec.structs.replace(decision, text_id=text_id)


def build_text_id(text: str) -> str:
    """What names a text in a file of labels: a digest of it."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()


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

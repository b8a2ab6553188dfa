"""The file that answers go to: a row is written as it is known, and read again by the next run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec

from koderz.errors import JobError
from koderz.jobs.map.results import MapRow
from koderz.jobs.row_files import RowFile

_DECODER = msgspec.json.Decoder(MapRow)


class AnswerFile(RowFile[MapRow]):
    """A file of JSON lines, a row each; use it as a context.

    `done` are the answers of an earlier run to these prompts; items with an error are open again.

    Raises:
        JobError: it is not such a file, or answers another prompt, schema or text (line named).
        StoreError: it cannot be written, or another run is writing it.
    """

    def __init__(self, path: Path, prompt_ids: Collection[str]) -> None:
        def keep(line: bytes, place: str) -> MapRow | None:
            row = _decode(line, place)
            if row.error:
                return None
            if row.prompt_id not in prompt_ids:
                raise JobError(
                    f"{place}: {row.id!r} is the answer to another prompt, schema or text: "
                    "choose another --out"
                )
            return row

        super().__init__(path, keep, lambda row: row.prompt_id)


def _decode(line: bytes, place: str) -> MapRow:
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, RecursionError):
        raise JobError(
            f"{place}: not a row of answers: choose another --out, or mend the line"
        ) from None

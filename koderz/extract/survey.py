"""One streaming pass over a file: how much there is, and which lines tell most."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import BinaryIO

import msgspec

from koderz.errors import JobError
from koderz.extract.blocks import Block, Place, load_blocks, open_text
from koderz.extract.cleaning import clean_lines
from koderz.extract.counting import TokenCounter
from koderz.extract.encodings import LATIN_1, Encoding
from koderz.extract.questions import TermIndex, parse_question
from koderz.extract.ranking import Candidate, Ranking
from koderz.extract.records import Records, build_records
from koderz.extract.rows import gather_rows, get_places, load_records
from koderz.extract.shapes import ShapeTable, mask_ids

_WHOLE_BYTES = 8_000_000
_WHOLE_RECORDS = 100_000
_WINDOW_RECORDS = 20_000
_CUT_LINES = "lines of more than 2,048 bytes ranked in pieces"


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass over a file found.

    `tokens_in` counts the whole file in `koderz.tokens.VOCABULARY`; where it had to be estimated
    `is_tokens_exact` is False. `notes` say in words what was cleaned or left out. `candidates` are
    the lines that a digest may choose from, in file order: all of a small file's, the most telling
    of a large one's. `places` say where to find any of the `record_count` records again.
    """

    path: Path
    question: str
    size_bytes: int
    line_count: int
    tokens_in: int
    is_tokens_exact: bool
    encoding: str
    notes: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    places: tuple[Place, ...]
    record_count: int
    codec: Encoding


def load_survey(
    path: Path, question: str = "", *, progress: Callable[[int], None] | None = None
) -> Survey:
    """What the file holds, in one pass; `progress` is told the bytes read so far.

    Raises:
        JobError: the file is missing, empty, unreadable, a directory, or binary throughout.
    """
    file, codec, end = open_text(path)
    with file:
        reading = _Reading(question)
        try:
            for block in load_blocks(file, codec, end):
                reading.add_block(block)
                if progress:
                    progress(block.offset + block.size)
            candidates = reading.load_candidates(file, codec)
        except OSError as error:
            raise JobError(f"cannot read {path}: {error.strerror or error}") from None
    if not reading.places:
        raise JobError(f"{path} is empty: there is nothing to read")
    return Survey(
        path=path,
        question=question,
        size_bytes=reading.places[-1].offset + reading.places[-1].size,
        line_count=reading.line_count,
        tokens_in=reading.counter.finish(),
        is_tokens_exact=reading.counter.is_exact,
        encoding=_encoding_name(codec, reading.notes),
        notes=tuple(sorted(reading.notes)),
        candidates=tuple(candidates),
        places=tuple(reading.places),
        record_count=reading.record_count,
        codec=codec,
    )


class _Reading:
    """What a pass has gathered so far."""

    def __init__(self, question: str) -> None:
        self.shapes = ShapeTable()
        self.terms = TermIndex(parse_question(question))
        self.counter = TokenCounter()
        self.places: list[Place] = []
        self.notes: set[str] = set()
        self.line_count = 0
        self.record_count = 0
        self._line, self._column = 1, 1
        self._whole: list[Records] | None = []
        self._size_bytes = 0

    def add_block(self, block: Block) -> None:
        """Takes the next block of the file."""
        self.counter.feed(block.text)
        cleaned, notes = clean_lines(block.text)
        self.notes |= block.notes | notes
        place = Place(
            offset=block.offset,
            size=block.size,
            line=self._line,
            column=self._column,
            record=self.record_count,
            checksum=block.checksum,
        )
        records = build_records(cleaned, place.line, place.column)
        self.places.append(place)
        self._advance(cleaned, records)
        keys = mask_ids(b"\n".join(records.lines)).split(b"\n")
        self.shapes.add_lines(keys, records.lines, place.record)
        self.terms.add_lines(cleaned, records.lines, place.record)
        self._keep_whole(records, len(cleaned))

    def load_candidates(self, file: BinaryIO, codec: Encoding) -> list[Candidate]:
        """The ranked lines that a digest may choose from; a large file's are read again."""
        ranking = Ranking(self.shapes, self.terms, self.record_count)
        if self._whole is not None:
            firsts = (place.record for place in self.places)
            blocks = zip(firsts, self._whole, strict=True)
            return ranking.rank(gather_rows(blocks, [range(self.record_count)]))
        windows = ranking.choose_windows(_WINDOW_RECORDS)
        wanted = get_places(self.places, windows, self.record_count)
        return ranking.rank(gather_rows(load_records(file, codec, wanted), windows))

    def _advance(self, cleaned: bytes, records: Records) -> None:
        newlines = cleaned.count(b"\n")
        if cleaned.endswith(b"\n"):
            self._column = 1
        elif newlines:
            self._column = 1 + len(cleaned[cleaned.rfind(b"\n") + 1 :].decode())
        else:
            self._column += len(cleaned.decode())
        self._line += newlines
        self.record_count += len(records.lines)
        self.line_count = self._line - (self._column == 1)
        if records.pieces:
            self.notes.add(_CUT_LINES)

    def _keep_whole(self, records: Records, size_bytes: int) -> None:
        self._size_bytes += size_bytes
        if self._size_bytes > _WHOLE_BYTES or self.record_count > _WHOLE_RECORDS:
            self._whole = None
        if self._whole is not None:
            self._whole.append(records)


def _encoding_name(codec: Encoding, notes: AbstractSet[str]) -> str:
    return "latin-1" if codec == "utf-8" and LATIN_1 in notes else codec

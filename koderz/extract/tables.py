"""Tables out of files: rows of CSV and tabs, objects a line, lines; every error names its line."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from koderz.errors import JobError
from koderz.extract.encodings import get_encoding

Form = Literal["lines", "csv", "tsv", "json"]

ID_CHARS = 80
"""As much of an id as an error repeats."""

_FORMS: dict[str, Form] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
}


def get_form(path: Path) -> Form:
    """The form that a file's ending tells."""
    return _FORMS.get(path.suffix.lower(), "lines")


def load_text(path: Path) -> str:
    """A file's text, its lines ending in line feeds alone. Raises JobError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise JobError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    return decode_text(raw, str(path))


def decode_text(raw: bytes, name: str) -> str:
    """The text of these bytes, which errors call by this name. Raises JobError."""
    encoding = get_encoding(raw[:4096])
    try:
        return raw.decode(encoding).removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise JobError(f"{name}:{line}: not {encoding.upper()}: save the file as UTF-8") from None


def read_table(text: str, name: str, form: Form) -> Iterator[tuple[int, dict[str, str]]]:
    """The number of each row's line, and its cells by the name of their column.

    `form` is "csv" or "tsv"; the first line names the columns. A table without rows gives none.

    Raises:
        JobError: it is broken, a row has more or fewer cells than there are columns, or a column
            stands twice.
    """
    delimiter = "\t" if form == "tsv" else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    line = 1
    try:
        for row in reader:
            if not names:
                names = _read_names(row, name)
            elif row:
                if len(row) != len(names):
                    raise JobError(f"{name}:{line}: {len(row)} columns instead of {len(names)}")
                yield line, dict(zip(names, row, strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        if "field limit" in str(error):
            most = csv.field_size_limit()
            said = f"a cell has more than {most:,} characters: give long texts as JSON lines"
            raise JobError(f"{name}:{line}: {said}") from None
        raise JobError(f"{name}:{line}: broken CSV: {error}") from None


def _read_names(row: Sequence[str], name: str) -> list[str]:
    names = [cell.strip() for cell in row]
    column, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise JobError(f"{name}:1: the column {column!r} stands {count} times: name each once")
    return names

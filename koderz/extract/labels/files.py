"""Items and examples out of files: a line an item, CSV with a header, or JSON lines.

The file's ending says which: `.csv`, `.tsv`, `.jsonl` (also `.ndjson`, `.json`), anything else is
lines. Every error names the file and the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from koderz.errors import JobError
from koderz.extract.labels.items import Example, Item
from koderz.extract.labels.sets import say_strange
from koderz.extract.tables import ID_CHARS, Form, decode_text, get_form, load_text, read_table

Fields = dict[str, str]


class _Row(msgspec.Struct):
    id: str | int | None = None
    text: str | None = None
    label: str | None = None


_DECODER = msgspec.json.Decoder(_Row)


def load_items(path: Path, form: Form | None = None) -> tuple[Item, ...]:
    """The items of a file, in its order; in a file of lines the id is the line's number.

    Without a form the name's ending says which.

    Raises:
        JobError: the file cannot be read, a line is broken, a column is missing, an id stands in
            it twice, or there is nothing in it.
    """
    return _parse_items(load_text(path), str(path), form or get_form(path))


def decode_items(raw: bytes, name: str, form: Form) -> tuple[Item, ...]:
    """The items in these bytes, which errors call by this name. Raises JobError."""
    return _parse_items(decode_text(raw, name), name, form)


def load_examples(path: Path, labels: Sequence[str] = ()) -> tuple[Example, ...]:
    """The examples of a file of CSV or JSON lines; labels have to be of the set, if one is given.

    Raises:
        JobError: as for items, or a label is none of the set.
    """
    form = get_form(path)
    if form == "lines":
        raise JobError(
            f"{path}: examples are CSV or JSON lines with `text` and `label`: name it so"
        )
    known, examples = frozenset(labels), []
    for line, row in _read_rows(str(path), load_text(path), form, ("text", "label")):
        if not row["text"].strip() or not row["label"].strip():
            raise JobError(f"{path}:{line}: an example needs a text and a label")
        if known and row["label"] not in known:
            raise JobError(f"{path}:{line}: {say_strange(row['label'], labels)}")
        examples.append(Example(row["text"], row["label"]))
    if not examples:
        raise JobError(f"{path}: no example is in it")
    return tuple(examples)


def _parse_items(text: str, name: str, form: Form) -> tuple[Item, ...]:
    if form == "lines":
        lines = enumerate(text.split("\n"), start=1)
        items = tuple(Item(str(number), line.strip()) for number, line in lines if line.strip())
    else:
        items = _collect(name, _read_rows(name, text, form, ("id", "text")))
    if not items:
        raise JobError(f"{name}: nothing to label is in it")
    return items


def _collect(name: str, rows: Iterator[tuple[int, Fields]]) -> tuple[Item, ...]:
    """The items, after a look at their ids."""
    items, lines = [], dict[str, int]()
    for line, row in rows:
        if not row["id"].strip():
            raise JobError(f"{name}:{line}: the id is empty")
        first = lines.setdefault(row["id"], line)
        if first != line:
            raise JobError(
                f"{name}:{line}: the id {row['id'][:ID_CHARS]!r} is that of line {first}: "
                "ids stand once"
            )
        items.append(Item(row["id"], row["text"]))
    return tuple(items)


def _read_rows(
    name: str, text: str, form: Form, wanted: Sequence[str]
) -> Iterator[tuple[int, Fields]]:
    """The number of each row's line and its fields, of which none that is wanted is missing."""
    if form == "json":
        yield from _read_json(name, text, wanted)
    else:
        yield from _read_cells(name, text, wanted, form)


def _read_json(name: str, text: str, wanted: Sequence[str]) -> Iterator[tuple[int, Fields]]:
    for line, part in enumerate(text.split("\n"), start=1):
        if not part.strip():
            continue
        try:
            row = _DECODER.decode(part)
        except msgspec.ValidationError as error:
            raise JobError(f"{name}:{line}: {error}".replace("`", "")) from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise JobError(f"{name}:{line}: not a JSON object a line: {error}") from None
        fields = {column: getattr(row, column) for column in wanted}
        if missing := [column for column, value in fields.items() if value is None]:
            raise JobError(f"{name}:{line}: no {' and no '.join(map(repr, missing))} in it")
        yield line, {column: str(value) for column, value in fields.items()}


def _read_cells(
    name: str, text: str, wanted: Sequence[str], form: Form
) -> Iterator[tuple[int, Fields]]:
    for line, row in read_table(text, name, form):
        cells = {column.lower(): cell for column, cell in row.items()}
        if len(cells) < len(row):
            raise JobError(f"{name}:1: columns that differ in case alone: {', '.join(row)!r}")
        if missing := [column for column in wanted if column not in cells]:
            said = " and ".join(map(repr, missing))
            raise JobError(f"{name}:1: no column {said}: its first line names {', '.join(cells)!r}")
        yield line, {column: cells[column] for column in wanted}

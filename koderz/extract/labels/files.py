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
from koderz.extract.tables import ID_CHARS, Form, get_form, load_text, read_table

Fields = dict[str, str]


class _Row(msgspec.Struct):
    id: str | int | None = None
    text: str | None = None
    label: str | None = None


_DECODER = msgspec.json.Decoder(_Row)


def load_items(path: Path) -> tuple[Item, ...]:
    """The items of a file, in its order; in a file of lines the id is the line's number.

    Raises:
        JobError: the file cannot be read, a line is broken, a column is missing, an id stands in
            it twice, or there is nothing in it.
    """
    text, form = load_text(path), get_form(path)
    if form == "lines":
        lines = enumerate(text.split("\n"), start=1)
        items = tuple(Item(str(number), line.strip()) for number, line in lines if line.strip())
    else:
        items = _collect(path, _read_rows(path, text, form, ("id", "text")))
    if not items:
        raise JobError(f"{path}: nothing to label is in it")
    return items


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
    for line, row in _read_rows(path, load_text(path), form, ("text", "label")):
        if not row["text"].strip() or not row["label"].strip():
            raise JobError(f"{path}:{line}: an example needs a text and a label")
        if known and row["label"] not in known:
            raise JobError(f"{path}:{line}: {say_strange(row['label'], labels)}")
        examples.append(Example(row["text"], row["label"]))
    if not examples:
        raise JobError(f"{path}: no example is in it")
    return tuple(examples)


def _collect(path: Path, rows: Iterator[tuple[int, Fields]]) -> tuple[Item, ...]:
    """The items, after a look at their ids."""
    items, lines = [], dict[str, int]()
    for line, row in rows:
        if not row["id"].strip():
            raise JobError(f"{path}:{line}: the id is empty")
        first = lines.setdefault(row["id"], line)
        if first != line:
            raise JobError(
                f"{path}:{line}: the id {row['id'][:ID_CHARS]!r} is that of line {first}: "
                "ids stand once"
            )
        items.append(Item(row["id"], row["text"]))
    return tuple(items)


def _read_rows(
    path: Path, text: str, form: Form, wanted: Sequence[str]
) -> Iterator[tuple[int, Fields]]:
    """The number of each row's line and its fields, of which none that is wanted is missing."""
    if form == "json":
        yield from _read_json(path, text, wanted)
    else:
        yield from _read_cells(path, text, wanted, form)


def _read_json(path: Path, text: str, wanted: Sequence[str]) -> Iterator[tuple[int, Fields]]:
    for line, part in enumerate(text.split("\n"), start=1):
        if not part.strip():
            continue
        try:
            row = _DECODER.decode(part)
        except msgspec.ValidationError as error:
            raise JobError(f"{path}:{line}: {error}".replace("`", "")) from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise JobError(f"{path}:{line}: not a JSON object a line: {error}") from None
        fields = {name: getattr(row, name) for name in wanted}
        if missing := [name for name, value in fields.items() if value is None]:
            raise JobError(f"{path}:{line}: no {' and no '.join(map(repr, missing))} in it")
        yield line, {name: str(value) for name, value in fields.items()}


def _read_cells(
    path: Path, text: str, wanted: Sequence[str], form: Form
) -> Iterator[tuple[int, Fields]]:
    for line, row in read_table(text, str(path), form):
        cells = {name.lower(): cell for name, cell in row.items()}
        if missing := [name for name in wanted if name not in cells]:
            said = " and ".join(map(repr, missing))
            raise JobError(f"{path}:1: no column {said}: its first line names {', '.join(cells)!r}")
        yield line, {name: cells[name] for name in wanted}

"""Items of any list, each with its fields by name: out of lines, tables, JSON, or values.

An item's id is its `id` field where it has one, else the number of its line (in a list of JSON, of
its place). `item` stands for the whole of it: a field of this name, else `text`, else all fields as
an object of JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from koderz.errors import JobError
from koderz.extract.tables import ID_CHARS, Form, decode_text, get_form, load_text, read_table

ITEM = "item"
_TEXT, _ID = "text", "id"

Found = Iterator[tuple[int, object]]


class ListItem(msgspec.Struct, frozen=True):
    """One of a list, under an id of its own; `fields` hold text by name, "item" among them."""

    id: str
    fields: Mapping[str, str]


def load_list(path: Path, form: Form | None = None) -> tuple[ListItem, ...]:
    """The items of a file, in its order; without a form its name's ending says which.

    Raises:
        JobError: it cannot be read, a line is broken, an id stands in it twice, or it is empty.
    """
    return parse_list(load_text(path), str(path), form or get_form(path))


def decode_list(raw: bytes, name: str, form: Form) -> tuple[ListItem, ...]:
    """The items in these bytes, which errors call by this name. Raises JobError."""
    return parse_list(decode_text(raw, name), name, form)


def parse_list(text: str, name: str, form: Form) -> tuple[ListItem, ...]:
    """The items of this text, which errors call by this name. Raises JobError."""
    items, lines = [], dict[str, int]()
    for line, value in _find(text, name, form):
        item = build_item(value, str(line))
        if not item.id.strip():
            raise JobError(f"{name}:{line}: the id is empty")
        first = lines.setdefault(item.id, line)
        if first != line:
            raise JobError(
                f"{name}:{line}: the id {item.id[:ID_CHARS]!r} is that of line {first}: "
                "ids stand once"
            )
        items.append(item)
    if not items:
        raise JobError(f"{name}: no item is in it")
    return tuple(items)


def build_list(values: Iterable[object]) -> tuple[ListItem, ...]:
    """The items that these values are: texts, or fields by name; ids are places from 1.

    Raises:
        JobError: it is one text or mapping instead of a list of them.
    """
    if isinstance(values, str | bytes | Mapping):
        raise JobError(f"items come in a list, and this is one {type(values).__name__}: [item]")
    return tuple(build_item(value, str(place)) for place, value in enumerate(values, start=1))


def build_item(value: object, place: str) -> ListItem:
    """The item that a text, a mapping of fields or another value of JSON is."""
    if isinstance(value, ListItem):
        return value
    if not isinstance(value, Mapping):
        return ListItem(place, {ITEM: _say(value)})
    fields = {_say(name): _say(field) for name, field in value.items()}
    by_name = {name.casefold(): name for name in reversed(fields)}
    whole = next((fields[by_name[name]] for name in (ITEM, _TEXT) if name in by_name), None)
    id_ = fields[by_name[_ID]] if value.get(by_name.get(_ID, _ID)) is not None else place
    return ListItem(id_, {ITEM: _encode(value) if whole is None else whole, **fields})


def list_fields(items: Iterable[ListItem]) -> tuple[str, ...]:
    """The names of all fields that there are, in the order that they come."""
    return tuple(dict.fromkeys(name for item in items for name in item.fields))


def _find(text: str, name: str, form: Form) -> Found:
    match form:
        case "lines":
            lines = enumerate(text.split("\n"), start=1)
            return ((number, line.strip()) for number, line in lines if line.strip())
        case "json":
            return _find_in_json(text, name)
        case _:
            return iter(read_table(text, name, form))


def _find_in_json(text: str, name: str) -> Found:
    """The values of a list of JSON, else one a line."""
    if text.lstrip().startswith("["):
        try:
            yield from enumerate(msgspec.json.decode(text, type=list[Any]), start=1)
        except (msgspec.DecodeError, RecursionError) as error:
            # Lines may be lists themselves.
            if "trailing characters" not in str(error):
                raise JobError(f"{name}: not a list of JSON: {error}") from None
        else:
            return
    for line, part in enumerate(text.split("\n"), start=1):
        if not part.strip():
            continue
        try:
            yield line, msgspec.json.decode(part)
        except (msgspec.DecodeError, RecursionError) as error:
            raise JobError(f"{name}:{line}: not a line of JSON: {error}") from None


def _say(value: object) -> str:
    """A field as a prompt has it: text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return _encode(value)


def _encode(value: object) -> str:
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except UnicodeEncodeError:
        return str(value).encode(errors="replace").decode()

"""Every setting as data: its key, kind, default, variable and the line that explains it.

The lines are the docstrings in `koderz.config.settings`, read from its source when they are
wanted, so that nothing about a setting is written twice.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from koderz.config import settings
from koderz.config.settings import Settings
from koderz.config.values import Kind, get_kind
from koderz.types import CHORES, TaskKind

KeyPath = tuple[str, ...]

TASKS = tuple(task.value for task in TaskKind if task in CHORES)

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One setting; `struct` and `name` say where its explanation stands."""

    path: KeyPath
    kind: Kind
    default: Any
    struct: str

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.path[-1]

    @property
    def key(self) -> str:
        """The key with dots: `agent.small_model.max_tokens`."""
        return join_key(self.path)

    @property
    def variable(self) -> str:
        """The variable that sets it: `KODERZ_AGENT_SMALL_MODEL_MAX_TOKENS`."""
        parts = self.path[1:] if self.path[0] == "koderz" else self.path
        return "_".join(("KODERZ", *parts)).upper()


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A table of settings. `open_name` stands for any name where the table is one of many."""

    path: KeyPath
    struct: str
    fields: tuple[Field, ...]
    open_name: str = ""

    @property
    def key(self) -> str:
        """The table's name in the file: `koderz.budget`."""
        return join_key(self.path)


def get_table(type_: Any) -> type[msgspec.Struct] | None:
    """The struct that a field of tables by name holds, None for other fields."""
    if get_origin(type_) is dict:
        table: type[msgspec.Struct] = get_args(type_)[1]
        return table
    return None


def is_section(type_: Any) -> bool:
    """Whether a field is a table of its own."""
    return isinstance(type_, type) and issubclass(type_, msgspec.Struct)


@cache
def list_sections() -> tuple[Section, ...]:
    """All tables in the order of the structs; those by name stand once, with a name in capitals."""
    return tuple(_list_sections(Settings, ()))


@cache
def list_fields() -> tuple[Field, ...]:
    """All settings that have a fixed key; every kind of task has its own."""
    found: list[Field] = []
    for section in list_sections():
        if not section.open_name:
            found.extend(section.fields)
        elif section.open_name == "TASK":
            found.extend(
                msgspec.structs.replace(field, path=(*section.path[:-1], task, field.name))
                for task in TASKS
                for field in section.fields
            )
    return tuple(found)


def join_key(path: KeyPath) -> str:
    """A path as TOML writes it: names with other characters are quoted."""
    return ".".join(part if _BARE_KEY.fullmatch(part) else f'"{part}"' for part in path)


def split_key(key: str) -> KeyPath:
    """The path of a key with dots, quoted names taken whole."""
    parts = re.findall(r'"([^"]*)"|([^."]+)', key)
    return tuple(quoted or bare for quoted, bare in parts)


def get_line(field: Field) -> str:
    """The line that explains a setting."""
    return _read_lines()[field.struct, field.name]


def get_heading(section: Section) -> str:
    """The sentence that explains a table, without its name."""
    text = " ".join(_read_lines()[section.struct, ""].split())
    return text.partition("]: ")[2] or text


def _list_sections(
    struct: type[msgspec.Struct], path: KeyPath, name: str = ""
) -> Iterator[Section]:
    infos = msgspec.structs.fields(struct)
    plain = [info for info in infos if not is_section(info.type) and not get_table(info.type)]
    fields = tuple(
        Field(
            path=(*path, info.name),
            kind=get_kind(info.type),
            default=info.default,
            struct=struct.__name__,
        )
        for info in plain
    )
    if fields:
        yield Section(path=path, struct=struct.__name__, fields=fields, open_name=name)
    for info in infos:
        table = get_table(info.type)
        if is_section(info.type):
            yield from _list_sections(info.type, (*path, info.name))
        elif table:
            open_name = {"tasks": "TASK", "prices": "MODEL"}.get(info.name, "NAME")
            yield from _list_sections(table, (*path, info.name, open_name), open_name)


@cache
def _read_lines() -> dict[tuple[str, str], str]:
    """Docstrings by class and field ("" is the class's own)."""
    tree = ast.parse(Path(settings.__file__).read_text("utf-8"))
    lines: dict[tuple[str, str], str] = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        lines[node.name, ""] = ast.get_docstring(node) or ""
        for field, line in zip(node.body, node.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                lines[node.name, field.target.id] = _get_text(line)
    return lines


def _get_text(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return " ".join(str(node.value.value).split())
    return ""

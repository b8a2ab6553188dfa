"""One source of settings, checked: its values by path, where each came from, and warnings."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from koderz.config.fields import (
    TASKS,
    KeyPath,
    get_table,
    is_section,
    join_key,
    list_fields,
    list_sections,
)
from koderz.config.settings import Settings
from koderz.config.values import convert_value, get_kind, parse_text
from koderz.errors import ConfigError

PREFIX = "KODERZ_"

# Variables that are no settings: which file to read, where problem sets lie.
OTHER_VARIABLES = frozenset({"KODERZ_CONFIG", "KODERZ_DATA", "KODERZ_TEST_DATA"})


class Value(msgspec.Struct, frozen=True):
    """A setting's value and the words for where it came from."""

    value: Any
    origin: str


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one source."""

    values: Mapping[KeyPath, Value] = {}
    warnings: tuple[str, ...] = ()


class TableReader:
    """Reads the tables of one source: what fits is kept, what is unknown is warned of.

    `origin` is the words for the source, `is_foreign` says that `[agent]` is shared with another
    program, whose keys there are its own.
    """

    def __init__(self, origin: str, *, is_foreign: bool = False) -> None:
        self._origin = origin
        self._is_foreign = is_foreign
        self._values: dict[KeyPath, Value] = {}
        self._warnings: list[str] = []

    def read(self, document: Mapping[str, Any]) -> Layer:
        """The layer that a document's tables make; sections that are not ours are left alone."""
        for info in msgspec.structs.fields(Settings):
            if info.name in document:
                self._read_struct(document[info.name], info.type, (info.name,))
        if not self._is_foreign:
            for name in document.keys() - set(Settings.__struct_fields__):
                self._warn_of_stray(name)
        return Layer(values=self._values, warnings=tuple(self._warnings))

    def _read_struct(self, table: Any, struct: type[msgspec.Struct], path: KeyPath) -> None:
        infos = {info.name: info for info in msgspec.structs.fields(struct)}
        for name, value in self._check_table(table, path).items():
            here = (*path, name)
            info = infos.get(name)
            if info is None:
                if not (self._is_foreign and path == ("agent",)):
                    self._warn_of_key(here, infos)
            elif is_section(info.type):
                self._read_struct(value, info.type, here)
            elif named := get_table(info.type):
                self._read_named(value, named, here)
            else:
                self._values[here] = Value(self._convert(value, info.type, here), self._origin)

    def _read_named(self, tables: Any, struct: type[msgspec.Struct], path: KeyPath) -> None:
        for name, table in self._check_table(tables, path).items():
            if path[-1] == "tasks" and name not in TASKS:
                self._warn_of_key((*path, name), TASKS)
            else:
                self._read_struct(table, struct, (*path, name))

    def _check_table(self, table: Any, path: KeyPath) -> Mapping[str, Any]:
        if not isinstance(table, Mapping):
            if self._is_foreign and path == ("agent",):
                return {}
            raise ConfigError("is not a table", file=self._origin, key=join_key(path))
        return table

    def _convert(self, value: Any, type_: Any, path: KeyPath) -> Any:
        try:
            return convert_value(value, get_kind(type_))
        except ValueError as error:
            raise ConfigError(str(error), file=self._origin, key=join_key(path)) from None

    def _warn_of_key(self, path: KeyPath, known: Iterable[str]) -> None:
        hint = _get_hint(path[-1], known)
        self._warnings.append(f"{self._origin}: {join_key(path)}: unknown key{hint}")

    def _warn_of_stray(self, name: str) -> None:
        """Warn of a name at the top that looks like one of ours; others are left alone."""
        ours = {section.path[-1]: section.key for section in list_sections()}
        ours.update({field.name: field.key for field in list_fields()})
        place = ours.get(name) or _get_close(name, ours) or _get_close(name, ("agent", "koderz"))
        if place:
            place = ours.get(place, place)
            self._warnings.append(f"{self._origin}: {name}: unknown here, do you mean {place}?")


def read_variables(variables: Mapping[str, str], *, suffix: str = "") -> Layer:
    """The settings among variables; empty ones set nothing, unknown ones are warned of."""
    values: dict[KeyPath, Value] = {}
    warnings: list[str] = []
    known = {field.variable: field for field in list_fields()}
    for name, text in variables.items():
        if not name.startswith(PREFIX) or name in OTHER_VARIABLES or not text.strip():
            continue
        if field := known.get(name):
            try:
                value = parse_text(text, field.kind)
            except ValueError as error:
                raise ConfigError(str(error), file=name + suffix, key=field.key) from None
            values[field.path] = Value(value, name + suffix)
        else:
            warnings.append(f"{name}{suffix}: unknown variable{_get_hint(name, known)}")
    return Layer(values=values, warnings=tuple(warnings))


def merge(layers: Iterable[Layer]) -> dict[KeyPath, Value]:
    """All values, those of later layers over those of earlier ones."""
    merged: dict[KeyPath, Value] = {}
    for layer in layers:
        merged.update(layer.values)
    return merged


def build_settings(values: Mapping[KeyPath, Value]) -> Settings:
    """The settings that checked values make; what is not among them has its default."""
    document: dict[str, Any] = {}
    for path, value in values.items():
        table = document
        for part in path[:-1]:
            table = table.setdefault(part, {})
        table[path[-1]] = value.value
    return msgspec.convert(document, Settings)


def _get_hint(name: str, known: Iterable[str]) -> str:
    close = _get_close(name, known)
    return f", do you mean {close}?" if close else ""


def _get_close(name: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(name, known, n=1)), "")

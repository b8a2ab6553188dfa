"""Strategies out of a file: a table `[strategy.NAME]` each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from koderz.config.files import parse_toml
from koderz.config.values import convert_value, get_kind
from koderz.errors import ConfigError
from koderz.runs.strategies import Strategy, build_strategy, check_references

TABLE: Final = "strategy"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_TYPES: Final = {info.name: info.type for info in msgspec.structs.fields(Strategy)}


def load_strategies(path: Path, common: Mapping[str, Any] | None = None) -> dict[str, Strategy]:
    """The strategies of a file, in its order; what a table leaves out is as in `common`.

    Raises ConfigError with the file, the line and the key for whatever is wrong in it.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 text (byte {error.start})", file=str(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot be read: {reason.lower()}", file=str(path)) from None
    return parse_strategies(text, str(path), common)


def parse_strategies(
    text: str, file: str, common: Mapping[str, Any] | None = None
) -> dict[str, Strategy]:
    """The strategies that a TOML text holds; see `load_strategies`."""
    return _Reader(text, file, common or {}).read()


class _Reader:
    """Reads one text; knows in which line of it what is wrong stands."""

    def __init__(self, text: str, file: str, common: Mapping[str, Any]) -> None:
        self._text, self._file, self._common = text, file, common

    def read(self) -> dict[str, Strategy]:
        document = parse_toml(self._text, self._file)
        for name in document:
            if name != TABLE:
                self._refuse_unknown((name,), [TABLE])
        tables = document.get(TABLE)
        if not isinstance(tables, dict) or not tables:
            raise ConfigError(f"has no table [{TABLE}.NAME]", file=self._file)
        strategies = {name: self._read_table(name, table) for name, table in tables.items()}
        try:
            check_references(strategies)
        except ConfigError as error:
            name = error.key.removeprefix(f"{TABLE}.").removesuffix(".cost_of")
            self._refuse((TABLE, name, "cost_of"), error.reason)
        return strategies

    def _read_table(self, name: str, table: object) -> Strategy:
        if not _NAME.fullmatch(name):
            said = "may have the letters a to z, digits, dots, plus signs and hyphens alone"
            self._refuse((TABLE, name), f"a name {said}")
        if not isinstance(table, dict):
            self._refuse((TABLE, name), "is not a table")
        own = {key: self._convert((TABLE, name, key), value) for key, value in table.items()}
        try:
            return build_strategy(name, own, self._common)
        except ConfigError as error:
            self._refuse((TABLE, name, error.key), error.reason)

    def _convert(self, path: tuple[str, ...], value: object) -> Any:
        if path[-1] not in _TYPES:
            self._refuse_unknown(path, _TYPES)
        try:
            return convert_value(value, get_kind(_TYPES[path[-1]]))
        except ValueError as error:
            self._refuse(path, str(error))

    def _refuse_unknown(self, path: tuple[str, ...], known: Iterable[str]) -> NoReturn:
        close = difflib.get_close_matches(path[-1], known, n=1)
        advice = f"do you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        self._refuse(path, f"unknown key, {advice}")

    def _refuse(self, path: tuple[str, ...], reason: str) -> NoReturn:
        line = find_line(self._text, path)
        where = f"{self._file}: line {line}" if line else self._file
        shown = (part if part.isprintable() else ascii(part) for part in path)
        raise ConfigError(reason, file=where, key=".".join(shown)) from None


def find_line(text: str, path: tuple[str, ...]) -> int:
    """The line in which a key of a TOML text stands, its table's where it is not found; 0: none."""
    wanted, current = path[-1].strip(), ""
    own_at = table_at = 0
    for at, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*(.*?)\s*\]+\s*(?:#.*)?$", line):
            current = re.sub(r"[\"']|\s+(?=\.)|(?<=\.)\s+", "", header[1])
            if f"{current}.".startswith(f"{'.'.join(path)}."):
                own_at = own_at or at
            if f"{current}.".startswith(f"{'.'.join(path[:-1])}."):
                table_at = table_at or at
        found = re.match(r"\s*[\"']?([^\"'=.\s]+)[\"']?\s*=", line)
        if found and found[1] == wanted and current == ".".join(path[:-1]):
            return at
    return own_at or table_at

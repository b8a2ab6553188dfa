"""Finding settings files and reading their TOML."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from koderz.errors import ConfigError

FILE_NAMES = ("koderz.toml", "vtcode.toml", "pyproject.toml")

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class ConfigFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file with settings of ours: `agent` and `koderz` tables under those names.

    `is_foreign` says that it belongs to another program, with which `[agent]` is shared.
    """

    path: Path
    document: Mapping[str, Any]
    is_foreign: bool = False


def find_project_file(start: Path) -> ConfigFile | None:
    """The nearest file with settings of ours, from a folder upwards."""
    for folder in (start, *start.parents):
        for name in FILE_NAMES:
            path = folder / name
            if _exists(path) and (found := load_file(path, is_asked_for=False)):
                return found
    return None


def find_user_file() -> ConfigFile | None:
    """The person's own file, in the user's config folder."""
    path = get_user_file_path()
    return load_file(path) if _exists(path) else None


def get_user_file_path() -> Path:
    """Where the person's own file is looked for."""
    from platformdirs import user_config_path

    return user_config_path("koderz", appauthor=False) / "koderz.toml"


def load_file(path: Path, *, is_asked_for: bool = True) -> ConfigFile | None:
    """A file's settings; None where it has none of ours and nobody asked for it by name.

    A name decides how it is read: `pyproject.toml` holds ours under `[tool.koderz]`, and
    `vtcode.toml` is another program's, whose own keys are left alone. ConfigError names the file
    where it cannot be read, and the line where it is no TOML.
    """
    text = _read_text(path)
    if path.name == "pyproject.toml":
        if "koderz" not in text and not is_asked_for:
            return None
        own = _get_own_table(parse_toml(text, str(path)))
        if own is None:
            if is_asked_for:
                raise ConfigError("has no [tool.koderz] table", file=str(path))
            return None
        agent = {"agent": own["agent"]} if "agent" in own else {}
        rest = {name: table for name, table in own.items() if name != "agent"}
        return ConfigFile(path=path, document={**agent, "koderz": rest})
    document = parse_toml(text, str(path))
    is_foreign = path.name == "vtcode.toml"
    if is_foreign and not is_asked_for and not {"agent", "koderz"} & set(document):
        return None
    return ConfigFile(path=path, document=document, is_foreign=is_foreign)


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """The document of a TOML text, fractions as exact Decimals; ConfigError names the line."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        line = (place and place[1]) or str(text.count("\n") + 1)
        reason = _PLACE.sub("", message)
        raise ConfigError(f"line {line} is not TOML: {reason}", file=name) from None
    except RecursionError:
        raise ConfigError("its tables are nested too deeply", file=name) from None


def list_env_files(start: Path, project: ConfigFile | None) -> Iterator[Path]:
    """The `.env` files of a project, nearest first: from `start` up to the project's folder.

    That is the settings file's folder, else the one with `.git`, else `start` alone.
    """
    root = project.path.parent if project else _find_repository(start)
    for folder in (start, *start.parents):
        if (folder / ".env").is_file():
            yield folder / ".env"
        if root is None or folder == root:
            return


def load_env_file(path: Path) -> dict[str, str]:
    """The variables of a `.env` file."""
    from dotenv import dotenv_values

    _read_text(path)
    values = dotenv_values(path, interpolate=False)
    return {name: value for name, value in values.items() if value is not None}


def _get_own_table(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    tool = document.get("tool")
    own = tool.get("koderz") if isinstance(tool, Mapping) else None
    return own if isinstance(own, Mapping) else None


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except IsADirectoryError:
        raise ConfigError("is a folder, not a file", file=str(path)) from None
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file: `koderz config init` writes one", file=str(path)
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 text (byte {error.start})", file=str(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot be read: {reason}", file=str(path)) from None


def _find_repository(start: Path) -> Path | None:
    return next((folder for folder in (start, *start.parents) if _exists(folder / ".git")), None)


def _exists(path: Path) -> bool:
    """Whether there is anything of that name, readable or not."""
    return os.path.lexists(path)

"""Settings from everywhere they may stand, each over the one before it.

Defaults, then the user's config folder, then the project's file (`koderz.toml`, `vtcode.toml` or
`[tool.koderz]` in `pyproject.toml`, from the working directory upwards), then `.env` and `KODERZ_*`
variables, then arguments.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from koderz.config.fields import KeyPath, join_key, list_fields, split_key
from koderz.config.files import (
    ConfigFile,
    find_project_file,
    find_user_file,
    list_env_files,
    load_env_file,
    load_file,
)
from koderz.config.layers import (
    Layer,
    TableReader,
    Value,
    build_settings,
    merge,
    read_variables,
)
from koderz.config.settings import Settings
from koderz.errors import ConfigError

DEFAULT = "default"
ARGUMENT = "argument"


class LoadedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings and their story.

    `origins` says of every key where its value came from: a file, a variable, "argument" or
    "default". `warnings` are lines for a person, `files` what was read, `environ` the environment
    with the project's `.env` under it.
    """

    settings: Settings = Settings()
    origins: Mapping[str, str] = {}
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    environ: Mapping[str, str] = {}


def load_settings(
    start: Path | None = None,
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> LoadedSettings:
    """The settings that hold in a folder (None: the working directory).

    `file` stands in the place of the project's; else the variable KODERZ_CONFIG may name one.
    `environ` None is the process's. `overrides` are arguments by key (`agent.default_model`) or
    as nested tables; None among them sets nothing. ConfigError for anything wrong: its file or
    variable, its key, its value and what is allowed.
    """
    start = (start or Path.cwd()).absolute()
    real = dict(os.environ if environ is None else environ)
    project = _load_project(start, file, real)
    user = find_user_file()
    env_files = tuple(list_env_files(start, project))
    layers = [_read_file(found, start) for found in (user, project) if found]
    merged_environ: dict[str, str] = {}
    for path in reversed(env_files):
        variables = load_env_file(path)
        layers.append(read_variables(variables, suffix=f" in {_shorten(path, start)}"))
        merged_environ.update(variables)
    layers += [read_variables(real), _read_arguments(overrides or {})]
    values = merge(layers)
    return LoadedSettings(
        settings=build_settings(values),
        origins=_list_origins(values),
        warnings=tuple(warning for layer in layers for warning in layer.warnings),
        files=tuple(found.path for found in (user, project) if found) + env_files,
        environ={**merged_environ, **real},
    )


def _load_project(start: Path, file: Path | None, environ: Mapping[str, str]) -> ConfigFile | None:
    named = environ.get("KODERZ_CONFIG", "").strip()
    if file is None and not named:
        return find_project_file(start)
    try:
        return load_file(start / (file or Path(named)).expanduser())
    except ConfigError as error:
        if file is None:
            raise ConfigError(f"{error} (KODERZ_CONFIG names it)") from None
        raise


def _read_file(found: ConfigFile, start: Path) -> Layer:
    reader = TableReader(_shorten(found.path, start), is_foreign=found.is_foreign)
    return reader.read(found.document)


def _read_arguments(overrides: Mapping[str, Any]) -> Layer:
    document: dict[str, Any] = {}
    for path, value in _flatten(overrides, ()).items():
        table = document
        for part in path[:-1]:
            table = table.setdefault(part, {})
        table[path[-1]] = value
    layer = TableReader(ARGUMENT).read(document)
    unknown = [path for path in document if path not in {"agent", "koderz"}]
    if layer.warnings or unknown:
        raise ConfigError(layer.warnings[0] if layer.warnings else f"{unknown[0]}: unknown key")
    return layer


def _flatten(table: Mapping[str, Any], path: KeyPath) -> dict[KeyPath, Any]:
    """The values of nested tables by path, keys with dots taken apart, None left out."""
    flat: dict[KeyPath, Any] = {}
    for key, value in table.items():
        here = (*path, *split_key(key))
        if isinstance(value, Mapping):
            flat.update(_flatten(value, here))
        elif value is not None:
            flat[here] = value
    return flat


def _list_origins(values: Mapping[KeyPath, Value]) -> dict[str, str]:
    origins = {field.key: DEFAULT for field in list_fields()}
    origins.update({join_key(path): value.origin for path, value in values.items()})
    return origins


def _shorten(path: Path, start: Path) -> str:
    """A path for a person: from the working folder where it lies in it."""
    return str(path.relative_to(start)) if path.is_relative_to(start) else str(path)

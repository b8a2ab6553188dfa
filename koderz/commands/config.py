"""`koderz config`: the settings in force, where they come from, and a file to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koderz.commands import console
from koderz.commands.options import ConfigOption, JsonOption
from koderz.errors import ConfigError

if TYPE_CHECKING:
    from koderz.config.loading import LoadedSettings
    from koderz.config.settings import Settings

app = typer.Typer(help="Show, check or begin the settings.")


@app.command()
def show(
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every setting in force and where its value came from.

    Examples:

        koderz config show

        koderz config show --json
    """
    from koderz.config.loading import load_settings
    from koderz.config.pages import format_value

    loaded = load_settings(file=config)
    rows = list_values(loaded)
    if as_json:
        console.print_json(build_document(loaded, rows))
        return
    _print_warnings(loaded.warnings)
    texts = [(key, format_value(value) or "not set") for key, value, _ in rows]
    key_width, value_width = (max(len(row[place]) for row in texts) for place in (0, 1))
    for (key, text), (_, _, origin) in zip(texts, rows, strict=True):
        typer.echo(f"{key:{key_width}}  {text:{value_width}}  {origin}")


@app.command()
def check(*, config: ConfigOption = None) -> None:
    """Look for keys, models and hosts that nothing knows; ends with 2 where there are any.

    Examples:

        koderz config check

        koderz config check --config other.toml
    """
    from koderz.config.loading import load_settings

    loaded = load_settings(file=config)
    warnings = (*loaded.warnings, *find_problems(loaded.settings))
    _print_warnings(warnings)
    if warnings:
        raise typer.Exit(2)
    files = ", ".join(str(file) for file in loaded.files) or "no file: all defaults"
    console.get_notes().print(f"The settings are in order ({files}).", markup=False)


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("koderz.toml"),
    *,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
) -> None:
    """Write a settings file with every setting at its default and a comment on each.

    Examples:

        koderz config init

        koderz config init ~/.config/koderz/koderz.toml --force
    """
    from koderz.config.pages import build_settings_file

    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(build_settings_file())
    except FileExistsError:
        raise ConfigError("is there already: --force writes over it", file=str(path)) from None
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(path)) from None
    console.get_notes().print(f"{path} is written.", markup=False)


def list_values(loaded: LoadedSettings) -> list[tuple[str, Any, str]]:
    """Key, value and origin of every setting that has a fixed key or is set."""
    from koderz.config.fields import split_key
    from koderz.config.settings import DEFAULT_TEMPERATURE

    rows = [
        (key, _get_value(loaded.settings, split_key(key)), origin)
        for key, origin in loaded.origins.items()
    ]
    # Unset is not nothing here: it lets the kind of task decide, and 0.3 where that does not.
    unset = ("agent.small_model.temperature", None, "default")
    by_task = (unset[0], DEFAULT_TEMPERATURE, "default (or what suits the task)")
    return [by_task if row == unset else row for row in rows]


def build_document(loaded: LoadedSettings, rows: list[tuple[str, Any, str]]) -> dict[str, Any]:
    """The JSON object of `koderz config show`."""
    return {
        "files": [str(file) for file in loaded.files],
        "settings": [{"key": key, "value": value, "from": origin} for key, value, origin in rows],
        "warnings": list(loaded.warnings),
    }


def find_problems(settings: Settings) -> tuple[str, ...]:
    """Lines on models that no provider is known for and on hosts without an address."""
    from koderz.models.registry import get_close_matches, get_model_info, get_provider_info

    small = settings.agent.small_model
    models = {
        "agent.default_model": settings.agent.default_model,
        "agent.small_model.model": small.model,
        **{f"agent.small_model.tasks.{task}.model": own.model for task, own in small.tasks.items()},
    }
    problems = []
    for key, name in models.items():
        if name and get_model_info(name, settings) is None:
            close = ", ".join(get_close_matches(name))
            hint = f"do you mean {close}?" if close else f"name its provider: openai/{name}"
            problems.append(f"{key}: {name!r} is no known model, {hint}")
    for name in settings.koderz.providers:
        host = get_provider_info(name, settings)
        if host and not host.base_url:
            problems.append(f"koderz.providers.{name}: it has no base_url")
    return tuple(problems)


def _get_value(settings: Settings, path: tuple[str, ...]) -> Any:
    """The value at a path; None where its table is not set."""
    value: Any = settings
    for part in path:
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    return value


def _print_warnings(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        console.get_notes().print(f"warning: {warning}", markup=False, soft_wrap=True)

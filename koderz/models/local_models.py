"""The files of embedded models on this machine: where they are, what is there, taking one away."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_data_path

from koderz.config.settings import Settings
from koderz.errors import ConfigError
from koderz.models.gguf import measure_parts
from koderz.models.local_names import EMBEDDED, SUFFIX, HubFile, list_parts, parse_hub_file

STAGING = ".fetching"
_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)


def check_installed() -> None:
    """Raise ConfigError where the parts that embedded models need are not installed."""
    for part in ("xllamacpp", "huggingface_hub"):
        if importlib.util.find_spec(part) is None:
            raise ConfigError(
                "models inside Koderz need its part `local`: pip install 'koderz[local]'"
            )


def get_models_folder(settings: Settings) -> Path:
    """Where model files are: as configured, else in the user's data folder."""
    configured = settings.koderz.local.folder
    if configured:
        return Path(configured).expanduser()
    return user_data_path("koderz", appauthor=False) / "models"


def get_hub_path(hub_file: HubFile, settings: Settings) -> Path:
    """Where a file of the hub is kept: `FOLDER/OWNER/NAME/FILE`."""
    return get_models_folder(settings) / hub_file.repo / hub_file.file


def get_model_path(name: str, settings: Settings) -> Path:
    """The file that a name behind `llamacpp/` means, whether it is there or not.

    A path is as it stands; a relative one that leads nowhere is looked for in the models' folder.
    """
    if hub_file := parse_hub_file(name):
        return get_hub_path(hub_file, settings)
    path = Path(name).expanduser()
    if path.is_absolute() or path.is_file():
        return path
    return get_models_folder(settings) / path


def load_local_models(settings: Settings) -> dict[str, int]:
    """The models in the folder with their bytes, by their names behind `llamacpp/`."""
    folder = get_models_folder(settings)
    try:
        return {_get_name(path, folder): measure_parts(path) for path in _find_files(folder)}
    except OSError as error:
        raise ConfigError(
            f"the models cannot be listed: {error.strerror}",
            file=str(folder),
            key="koderz.local.folder",
        ) from None


def remove_local_model(name: str, settings: Settings) -> int:
    """Delete a model's files from the folder: the bytes that are free again.

    Raises ConfigError where it is not there, or where the file lies elsewhere and is not ours.
    """
    name = name.removeprefix(f"{EMBEDDED}/")
    folder = get_models_folder(settings).resolve()
    path = get_model_path(name, settings).resolve()
    if not path.is_relative_to(folder):
        raise ConfigError(f"it is not in {folder}: remove it yourself", file=str(path))
    if not path.is_file():
        raise ConfigError(f"there is no {name}: `koderz local list` shows what there is")
    size_bytes = measure_parts(path)
    try:
        for part in list_parts(path.name):
            path.with_name(part).unlink(missing_ok=True)
        _remove_empty(path.parent, folder)
    except OSError as error:
        raise ConfigError(f"it cannot be removed: {error.strerror}", file=str(path)) from None
    return size_bytes


def _find_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        name = path.name.lower()
        is_model = name.endswith(SUFFIX) and not name.startswith("mmproj")
        is_first = not _LATER_PART.search(name)
        if is_model and is_first and STAGING not in path.parts and path.is_file():
            yield path


def _get_name(path: Path, folder: Path) -> str:
    """`OWNER/NAME:FILE` for what lies as a file of the hub does, else the path in the folder."""
    owner, _, rest = path.relative_to(folder).as_posix().partition("/")
    repo, _, file = rest.partition("/")
    name = f"{owner}/{repo}:{file}"
    return name if file and parse_hub_file(name) else path.relative_to(folder).as_posix()


def _remove_empty(folder: Path, stop: Path) -> None:
    while folder != stop and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent

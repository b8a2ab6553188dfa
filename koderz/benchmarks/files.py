"""Problem files: where they are looked for, and how they are read."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from koderz.errors import ConfigError, JobError

DATA_VARIABLE = "KODERZ_DATA"


def get_data_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where downloaded problems are put: `$KODERZ_DATA`, else the user's data folder."""
    named = (os.environ if environ is None else environ).get(DATA_VARIABLE, "")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("koderz")) / "benchmarks"


def find_problem_file(name: str, filename: str, path: Path | None = None) -> Path:
    """The file that holds the problems of the benchmark `name`.

    `path` is the file, or a folder with it; without, it is looked for as `filename` (and without
    its ".gz") in `$KODERZ_DATA` and in the user's data folder, and in a folder `benchmarks`
    within. ConfigError, with how to get it and where to put it, if it is nowhere.
    """
    if path is not None and not path.is_dir():
        if not path.exists():
            raise ConfigError(f"there is no file {path}: check --problems, or leave it out")
        return path
    folders = [path] if path is not None else [get_data_folder(), get_data_folder({})]
    for folder in folders:
        for each in (folder, folder / "benchmarks"):
            for candidate in (each / filename, each / filename.removesuffix(".gz")):
                if candidate.is_file():
                    return candidate
    raise ConfigError(
        f"the problems of {name} are not in {folders[0]}: `koderz download-data {name}` gets "
        f"them, or put {filename} there yourself (or name it: --problems FILE)"
    )


def load_records(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file, one a line, as they are read (`.gz`: decompressed on the way).

    Blank lines are passed over. JobError names file and line where one is no JSON object, and
    the file where it cannot be read.
    """
    for _, record in load_numbered_records(path):
        yield record


def load_numbered_records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """As `load_records`, each with its line number, counted from 1."""
    number = 0
    try:
        with open_lines(path) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, decode_record(line, f"{path}, line {number}")
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        after = f" after line {number}" if number else ""
        raise JobError(f"{path} cannot be read{after}: {reason}") from error


def open_lines(path: Path) -> IO[bytes]:
    """The file for reading its lines, decompressed where it is a `.gz`."""
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value] # it reads as a file of bytes.
    return path.open("rb")


def decode_record(line: bytes, where: str) -> dict[str, Any]:
    """The JSON object of one line; JobError, beginning with `where`, if it holds none.

    Python's own JSON is read, as benchmarks write it: NaN, Infinity and lone surrogates too.
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = str(error).partition(": line")[0]
        raise JobError(f"{where}: not JSON ({reason}); mend or remove that line") from error
    if not isinstance(record, dict):
        raise JobError(f"{where}: not a JSON object, but {type(record).__name__}")
    return record


def get_text(record: Mapping[str, Any], key: str, path: Path) -> str:
    """A problem's field that has to be text; JobError names file, problem and field if not."""
    value = record.get(key)
    if isinstance(value, str):
        return value
    which = record.get("task_id", "a problem")
    state = "is missing" if value is None else "is no text"
    raise JobError(f"{path}: {which}: the field {key!r} {state}")

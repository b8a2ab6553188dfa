"""Values put into a settings file in place, everything else left as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from koderz.config.files import parse_toml
from koderz.errors import ConfigError

_HEADER = re.compile(r"^\s*\[")


def put_values(text: str, table: str, values: Mapping[str, str], comment: str) -> str:
    """A TOML text with these literals in `[table]`, below a comment that says where from.

    Earlier values of the same keys, and an earlier comment of the same first word, are taken out;
    the table is added at the end where there is none.
    """
    lines = text.splitlines()
    heading = f"[{table}]"
    fresh = [f"# {comment}", *(f"{key} = {value}" for key, value in values.items())]
    at = next((n for n, line in enumerate(lines) if _strip(line) == heading), None)
    if at is None:
        gap = [""] if lines and lines[-1].strip() else []
        return "\n".join([*lines, *gap, heading, *fresh]) + "\n"
    stop = next((n for n in range(at + 1, len(lines)) if _HEADER.match(lines[n])), len(lines))
    word = f"# {comment.split(maxsplit=1)[0]} "
    kept = [line for line in lines[at + 1 : stop] if not _is_old(line, values, word)]
    return "\n".join([*lines[: at + 1], *fresh, *kept, *lines[stop:]]) + "\n"


def write_values(path: Path, table: str, values: Mapping[str, Any], comment: str) -> None:
    """Put numbers into the `[table]` of a settings file, which is made if it is missing.

    Raises ConfigError where the file cannot be read or written, or holds the keys in another form.
    """
    try:
        text = path.read_text("utf-8") if path.exists() else ""
        literals = {key: str(value) for key, value in values.items()}
        edited = put_values(text, table, literals, comment)
        found: Any = parse_toml(edited, str(path))
        for part in table.split("."):
            found = found.get(part, {})
        if any(str(found.get(key)) != literal for key, literal in literals.items()):
            raise ConfigError(f"put these lines into [{table}] by hand", file=str(path))
        beside = path.with_name(f"{path.name}.part")
        beside.write_text(edited, "utf-8")
        beside.replace(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot be written: {reason.lower()}", file=str(path)) from None


def _strip(line: str) -> str:
    return line.partition("#")[0].strip().replace(" ", "")


def _is_old(line: str, values: Mapping[str, str], word: str) -> bool:
    key = line.partition("=")[0].strip().strip("\"'")
    return line.strip().startswith(word) or ("=" in line and key in values)

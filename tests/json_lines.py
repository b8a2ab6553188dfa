"""Files of JSON lines for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def write_lines(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    """Write the records, one a line; the path is given back."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def load_lines(path: Path) -> list[dict[str, Any]]:
    """The records of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]

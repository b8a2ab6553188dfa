"""A place for experiments, and the commands that run them."""

from __future__ import annotations

from pathlib import Path

import pytest
from trials import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder with scripted models and a jury that goes by the code."""
    return Place(tmp_path)

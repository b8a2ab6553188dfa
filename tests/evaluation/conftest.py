"""A sandbox for every test here, or a reason why there is none."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from json_lines import write_lines

from koderz.errors import SandboxUnavailableError
from koderz.sandbox import open_sandbox

CHECK = "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(3) == 4\n"


@pytest.fixture(scope="session")
def isolation() -> None:
    """Skip where untrusted code cannot be isolated."""

    async def probe() -> None:
        async with open_sandbox(workers=1):
            pass

    try:
        asyncio.run(probe())
    except SandboxUnavailableError as refusal:
        pytest.skip(str(refusal))


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    """Two problems in HumanEval's format."""
    path = tmp_path / "problems.jsonl"
    records = [
        {
            "task_id": f"test/{number}",
            "prompt": f'import math\n\ndef f{number}(n):\n    """One more."""\n',
            "entry_point": f"f{number}",
            "canonical_solution": "    return n + 1\n",
            "test": CHECK,
        }
        for number in range(2)
    ]
    return write_lines(path, records)

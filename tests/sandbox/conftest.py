"""A sandbox for a whole test module; skipped, with the reason, where there can be none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from koderz.errors import SandboxUnavailableError
from koderz.sandbox import Sandbox, open_sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    try:
        async with open_sandbox("namespaces", workers=2) as opened:
            yield opened
    except SandboxUnavailableError as refusal:
        pytest.skip(f"no untrusted code can be run here: {refusal}")


@pytest.fixture(scope="session")
def layers() -> None:
    """Skip where untrusted code cannot be isolated, whatever the reason."""

    async def probe() -> None:
        async with open_sandbox("namespaces", workers=1):
            pass

    try:
        asyncio.run(probe())
    except SandboxUnavailableError as refusal:
        pytest.skip(f"no untrusted code can be run here: {refusal}")

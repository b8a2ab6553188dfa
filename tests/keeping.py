"""Kept answers for tests, and what opens a router that keeps all of them."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

from koderz.routing.router import Router
from koderz.routing.sampling import KeptAnswer
from koderz.simulator import Fault, Simulator
from koderz.types import Message, Request, TaskKind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class OpenKeeping(Protocol):
    """Opens a router and the simulator behind it; every small model's answer is kept."""

    def __call__(
        self, *faults: Fault, small: float = 1.0, main: float = 1.0, **settings: Any
    ) -> AbstractAsyncContextManager[tuple[Router, Simulator]]:
        """`small` and `main` are the models' skills, `settings` as in `reading.OpenReading`."""


def build_kept(text: str = "an answer", **fields: Any) -> KeptAnswer:
    """An answer about two texts, with what a test is about put in."""
    ordinary: dict[str, Any] = {
        "at": NOON,
        "task": TaskKind.CLASSIFICATION,
        "model": "gpt-4o-mini",
        "request": Request(messages=(Message.user("a question"),), max_tokens=10),
        "answer": text,
        "facts": {"codes": ("a", "b"), "labels": ("x", "y")},
    }
    return KeptAnswer(**(ordinary | fields))

"""Keeping what experiments do: each step in the store first, then wherever else it is wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from koderz.experiments.debugging import write_debug_files
from koderz.experiments.history import History
from koderz.experiments.notes import build_step_note
from koderz.experiments.plans import Key
from koderz.experiments.store import ExperimentStore
from koderz.memory.notes import Memory

OnStep = Callable[[History], None]
"""Told of the steps so far after each one that was kept."""


class Keeper:
    """Keeps the steps of experiments in a store, then in the memory and, if given, in files."""

    def __init__(
        self, store: ExperimentStore, memory: Memory, *, debug_dir: Path | None = None
    ) -> None:
        self.store, self.memory = store, memory
        self._debug_dir = debug_dir

    async def keep(self, key: Key, history: History) -> None:
        """Keep the latest step; StoreError where it cannot be, or is there already."""
        self.store.keep_step(key, len(history.steps) - 1, history.steps[-1])
        await self.tell(key, history)

    async def tell(self, key: Key, history: History) -> None:
        """Remember the latest step and write its files; twice does no harm."""
        step = history.steps[-1]
        note = build_step_note(key, step)
        if note:
            await self.memory.remember(note)
        if self._debug_dir:
            write_debug_files(self._debug_dir, key, step)

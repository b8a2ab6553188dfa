"""Progress of work that takes longer than a moment: on stderr, and only at a terminal."""

from __future__ import annotations

import sys
import time
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SHOWN_AFTER_S = 1.0


class ProgressLine:
    """A line that shows how far the work is; it appears after a second and leaves nothing behind.

    Use it as a context and call `update` from any thread. Not at a terminal it does nothing.
    """

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._lock = Lock()
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def update(self, what: str, done: int, total: int) -> None:
        """Say how much of what is being done is done."""
        if not sys.stderr.isatty() or time.monotonic() - self._started < SHOWN_AFTER_S:
            return
        with self._lock:
            progress = self._progress = self._progress or _start()
            if what not in self._tasks:
                self._tasks[what] = progress.add_task(what, total=total)
            progress.update(self._tasks[what], completed=done, total=total)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._progress:
            self._progress.stop()


def _start() -> Progress:
    from rich.progress import Progress

    from koderz.commands import console

    progress = Progress(console=console.get_notes(), transient=True)
    progress.start()
    return progress

"""A console whose reader may leave before everything is said (`| head`)."""

from __future__ import annotations

import errno
import os
from typing import NoReturn

from rich.console import Console


class PipedConsole(Console):
    """A console that raises BrokenPipeError where its reader has left; `cli` ends quietly then."""

    def on_broken_pipe(self) -> NoReturn:
        """Say no more, and let whoever runs the command end it."""
        self.quiet = True
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

"""The server's first steps: what has to be arranged before the first module is loaded."""

from __future__ import annotations

import gc
import os


def main(arguments: list[str]) -> None:
    """Load everything that programs may want, then become a server.

    Modules such as `threading` and `random` ask to be called in every forked child, to put right
    what other threads left and to draw a new seed. The server has one thread and leaves nothing;
    that calls for nothing but a good third of what a fork costs. So they are not called, and
    random numbers come out the same for every program, which lets a verdict be had again.
    """
    register = os.register_at_fork
    gc.disable()  # A collection would write to memory that children are to share.
    os.register_at_fork = _ignore
    try:
        from . import starting

        starting.load_modules(arguments[3:], use_arrays=arguments[1] == "arrays")
    finally:
        os.register_at_fork = register
    starting.main(arguments)


def _ignore(**_: object) -> None:
    """Take no note of what a module wants done in children."""

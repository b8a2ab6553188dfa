"""Where programs may write: a temporary folder that each finds empty."""

from __future__ import annotations

import os
from typing import NamedTuple

from . import kernel, landlock, namespaces
from .hardening import Layers

_NO_RULES = -1


class Place(NamedTuple):
    """A program's folder, and the descriptor of the rules for files (-1 without landlock)."""

    folder: str
    rules: int


class Room:
    """Prepares the folder of one program after the other.

    With namespaces it is a file system in memory, seen by this server and its children alone; it
    is made anew when a program has left something in it. Without, it is a folder on disk.
    """

    def __init__(self, layers: Layers, readable: list[str], scratch: str) -> None:
        self._layers, self._readable, self._scratch = layers, readable, scratch
        self._place: Place | None = None
        self._size_bytes = 0
        self._mark: tuple[int, ...] = ()

    def prepare(self, size_bytes: int) -> Place:
        """An empty folder; where it is in memory it holds `size_bytes`."""
        if self._layers.has_namespaces:
            return self._prepare_memory(size_bytes)
        import tempfile  # Needed on few machines, and slow to load.

        folder = tempfile.mkdtemp(dir=self._scratch)
        self._place = Place(folder, self.build_rules([folder]))
        return self._place

    def clear(self) -> None:
        """Remove a folder on disk; one in memory is looked at when it is prepared again."""
        if self._place is None or self._layers.has_namespaces:
            return
        import shutil

        shutil.rmtree(self._place.folder, ignore_errors=True)
        self._close_rules()

    def build_rules(self, writable: list[str]) -> int:
        """Landlock's rules for a process that may write there."""
        if self._layers.landlock:
            return _NO_RULES
        # A root of its own holds nothing but what may be read.
        readable = ["/"] if self._layers.has_namespaces else self._readable
        return landlock.build_rules(readable, writable)

    def _prepare_memory(self, size_bytes: int) -> Place:
        folder = namespaces.TEMPORARY
        if self._place is None or size_bytes != self._size_bytes or not self._is_untouched():
            if self._place is not None:
                kernel.unmount(folder)
                self._close_rules()
            namespaces.mount_temporary(size_bytes)
            self._place = Place(folder, self.build_rules([folder]))
            self._size_bytes, self._mark = size_bytes, _mark(folder)
        return self._place

    def _is_untouched(self) -> bool:
        """Whether nobody has written, or changed the folder itself."""
        return self._mark == _mark(namespaces.TEMPORARY) and not os.listdir(namespaces.TEMPORARY)

    def _close_rules(self) -> None:
        if self._place is not None and self._place.rules != _NO_RULES:
            os.close(self._place.rules)


def _mark(folder: str) -> tuple[int, ...]:
    status = os.stat(folder)
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_mode, status.st_nlink)

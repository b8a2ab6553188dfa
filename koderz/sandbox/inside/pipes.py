"""Descriptors of one program: pipes, files in memory, and what is passed on unread.

What the tests expect must never be in the server's memory, because every candidate starts as a
copy of the server. So payloads and reports go through it in the kernel, from pipe to file and
from file to pipe.
"""

from __future__ import annotations

import os

_CHUNK = 65536


class Bundle:
    """Every descriptor that was opened for one program, closed together at the end."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def pipe(self) -> tuple[int, int]:
        """A pipe's reading and writing end."""
        ends = os.pipe()
        self._open.update(ends)
        return ends

    def file(self) -> int:
        """An empty file in memory (an unlinked one on disk where a system has no such thing)."""
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("koderz")
        else:
            import tempfile

            with tempfile.TemporaryFile() as unlinked:
                descriptor = os.dup(unlinked.fileno())
        self._open.add(descriptor)
        return descriptor

    def take(self, descriptor: int) -> None:
        """Close this one, too, with the others; -1 is none."""
        if descriptor >= 0:
            self._open.add(descriptor)

    def close(self, *descriptors: int) -> None:
        """Close these; all that are still open where none is named."""
        for descriptor in descriptors or tuple(self._open):
            if descriptor in self._open:
                self._open.remove(descriptor)
                os.close(descriptor)

    def release(self, *descriptors: int) -> None:
        """Leave these to somebody else, who closes them."""
        self._open.difference_update(descriptors)


def receive(source: int, target: int, size: int) -> None:
    """Move `size` bytes from a pipe to a file without looking at them; EOFError if it ends."""
    while size:
        moved = _splice(source, target, size)
        if not moved:
            raise EOFError
        size -= moved


def send(source: int, target: int, size: int) -> None:
    """Move the first `size` bytes of a file to a pipe without looking at them."""
    at = 0
    while at < size:
        moved = os.sendfile(target, source, at, size - at) if _IS_LINUX else 0
        if not moved:
            moved = os.write(target, os.pread(source, min(_CHUNK, size - at), at))
        at += moved


def size_of(descriptor: int) -> int:
    """How much a file holds."""
    return os.fstat(descriptor).st_size


_IS_LINUX = hasattr(os, "memfd_create")


def _splice(source: int, target: int, size: int) -> int:
    if _IS_LINUX:
        return os.splice(source, target, size)
    return os.write(target, os.read(source, min(_CHUNK, size)))

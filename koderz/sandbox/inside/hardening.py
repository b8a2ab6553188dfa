"""The layers around one child: applied once it is forked, before it sees anything hostile."""

from __future__ import annotations

import functools
import math
import os
import resource
from typing import NamedTuple

from . import kernel, landlock, seccomp

OPEN_FILES = 256


class Limits(NamedTuple):
    """What one program may use; as the host's `Limits`."""

    cpu_s: float
    wall_s: float
    memory_bytes: int
    output_bytes: int
    disk_bytes: int
    processes: int


class Layers(NamedTuple):
    """Which layers this server has: the reason it has not, where one is off, else nothing."""

    namespaces: str
    landlock: str
    seccomp: str
    own_processes: int = -1

    @property
    def has_namespaces(self) -> bool:
        """Whether programs get mounts and processes of their own."""
        return not self.namespaces


NOT_ASKED = "not asked for"
NO_LAYERS = Layers(NOT_ASKED, NOT_ASKED, NOT_ASKED)


class Enclosure(NamedTuple):
    """What is put around a child: limits, where it may write, and its output (-1 is none)."""

    limits: Limits
    folder: str
    rules: int
    streams: tuple[int, int]


def apply(layers: Layers, enclosure: Enclosure, kept: list[int]) -> None:
    """Put all layers that there are around this process; OSError where one fails.

    It is short, and what can be prepared is prepared by the server: what a child touches of the
    memory that it shares with the server is copied for it, and that is most of what it costs.
    """
    for target, source in enumerate(enclosure.streams, start=1):
        os.dup2(max(source, 0), target)
    os.setsid()
    os.chdir(enclosure.folder)
    _set_limits(enclosure.limits, count_processes=layers.has_namespaces)
    if layers == NO_LAYERS:
        _keep_descriptors(kept)
        return
    kernel.forbid_new_privileges()
    if enclosure.rules >= 0:
        landlock.restrict(enclosure.rules)
    _keep_descriptors(kept)
    kernel.drop_capabilities()
    kernel.die_with_parent()
    kernel.hide_memory()
    if not layers.seccomp:
        kernel.set_filter(filter_for(os.getpid()))


@functools.cache
def filter_for(process: int) -> kernel.Filter:
    """The filter of a process; kept, as in a process tree of its own every child is number 1."""
    return kernel.Filter(seccomp.build_filter(kernel.architecture(), process))


def settle() -> None:
    """Set what is the same for the server and all its children."""
    os.umask(0o077)
    _set_limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _set_limit(resource.RLIMIT_CORE, 0)


def _set_limits(limits: Limits, *, count_processes: bool) -> None:
    # The server measures CPU time finely; the kernel's whole seconds are the net below.
    _set_limit(resource.RLIMIT_CPU, math.ceil(limits.cpu_s) + 1)
    _set_limit(resource.RLIMIT_AS, limits.memory_bytes)
    _set_limit(resource.RLIMIT_FSIZE, limits.disk_bytes)
    if count_processes:  # Without a user namespace it would count all that the user runs.
        _set_limit(resource.RLIMIT_NPROC, limits.processes)


def _set_limit(kind: int, value: int) -> None:
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError):  # The machine's own limit is lower, and stays.
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (hard, hard))


def _keep_descriptors(kept: list[int]) -> None:
    """Close every descriptor but the standard ones and these."""
    start = 3
    for descriptor in sorted(kept):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, OPEN_FILES)


def can_fork() -> bool:
    """Whether this process may start another."""
    try:
        child = os.fork()
    except OSError:
        return False
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return True

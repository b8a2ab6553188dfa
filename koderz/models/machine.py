"""What this machine has for a model: cores and memory that are free now."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

_UNLIMITED_BYTES = 1 << 60  # What control groups say where they set no limit.


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Cores that this process may use, and free bytes of memory, here and on graphics cards."""

    cores: int
    free_bytes: int
    gpu_free_bytes: int = 0


def measure_machine(*, gpu_free_bytes: int = 0) -> Machine:
    """What there is now; graphics cards are for whoever can see them to measure."""
    return Machine(
        cores=count_cores(), free_bytes=load_free_memory(), gpu_free_bytes=gpu_free_bytes
    )


def count_cores() -> int:
    """Cores that this process may use; two threads that share a core count once."""
    usable = (
        sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else range(os.cpu_count() or 1)
    )
    cores = {_read_siblings(thread) for thread in usable}
    return max(1, len(cores))


def load_free_memory() -> int:
    """Bytes of memory that could be used now without others being pushed out."""
    free = [*_list_available(), *_list_cgroup_room()]
    return max(0, min(free)) if free else _get_total() // 2


def _read_siblings(thread: int) -> str:
    place = Path(f"/sys/devices/system/cpu/cpu{thread}/topology/thread_siblings_list")
    try:
        return place.read_text("ascii").strip()
    except OSError:
        return str(thread)


def _list_available() -> Iterator[int]:
    for line in _read("/proc/meminfo").splitlines():
        name, _, amount = line.partition(":")
        if name == "MemAvailable":
            yield int(amount.split()[0]) * 1024


def _list_cgroup_room() -> Iterator[int]:
    """What a container's limit leaves, where there is one."""
    limit, used = _read("/sys/fs/cgroup/memory.max"), _read("/sys/fs/cgroup/memory.current")
    if limit.isdecimal() and used.isdecimal() and int(limit) < _UNLIMITED_BYTES:
        yield int(limit) - int(used)


def _get_total() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii").strip()
    except OSError:
        return ""

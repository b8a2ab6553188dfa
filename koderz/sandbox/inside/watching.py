"""Waiting for one program: its output as it comes, its CPU time, its end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

_CHUNK = 65536
_LONGEST_SLEEP_S = 0.25
_SHORTEST_SLEEP_S = 0.005


class Exit(NamedTuple):
    """How a process ended: the code, or minus the signal; CPU seconds it used."""

    code: int
    cpu_s: float
    was_killed: bool = False


class Meter:
    """A limit on the CPU time that a process uses from now on; `name` says which limit it is."""

    def __init__(self, name: str, pid: int, limit_s: float) -> None:
        self.name, self._pid, self._limit_s = name, pid, limit_s
        self._start_s = self._read()

    def left_s(self) -> float:
        """What may still be used; all of it where the process has ended."""
        return self._limit_s - (self._read() - self._start_s)

    def _read(self) -> float:
        try:
            return _read_cpu_s(self._pid)
        except OSError:
            return getattr(self, "_start_s", 0.0)


def _read_cpu_s(pid: int) -> float:
    """The CPU time that a process has used; OSError where there is none of that number."""
    # Linux derives the clock of a process from its id so (clock_getcpuclockid).
    return time.clock_gettime((~pid << 3) | 2)


class Watch:
    """Keeps reading pipes and counting time until something is over or a limit is reached."""

    def __init__(self, wakeup: int) -> None:
        self._wakeup = wakeup
        self._poll = select.poll()
        self._poll.register(wakeup, select.POLLIN)
        self._sinks: dict[int, tuple[bytearray, int]] = {}
        self._exits: dict[int, Exit] = {}
        self._dying: set[int] = set()

    def read(self, descriptor: int, limit_bytes: int) -> bytearray:
        """What a pipe brings from now on; the rest beyond the limit is thrown away."""
        os.set_blocking(descriptor, False)
        self._poll.register(descriptor, select.POLLIN)
        sink = bytearray()
        self._sinks[descriptor] = (sink, limit_bytes)
        return sink

    def wake_for(self, descriptor: int) -> None:
        """Look at what is waited for when this one becomes readable, too."""
        self._poll.register(descriptor, select.POLLIN)

    def until(self, is_over: Callable[[], bool], meters: Sequence[Meter], deadline: float) -> str:
        """Wait until it is over; "wall", or the meter's name, where a limit was reached first."""
        while not is_over():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return "wall"
            sleep_s = min(_LONGEST_SLEEP_S, left_s)
            for meter in meters:
                if (left_s := meter.left_s()) <= 0:
                    return meter.name
                sleep_s = min(sleep_s, max(left_s, _SHORTEST_SLEEP_S))
            self._step(sleep_s)
        return ""

    def has_ended(self, pid: int) -> bool:
        """Whether a child has ended; it is reaped then."""
        if pid not in self._exits:
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                cpu_s = usage.ru_utime + usage.ru_stime
                self._exits[pid] = Exit(os.waitstatus_to_exitcode(status), cpu_s)
        return pid in self._exits

    def stop(self, pid: int) -> Exit:
        """As `kill`, which has to follow: this one does not wait until the child is gone."""
        if self.has_ended(pid):
            return self._exits[pid]
        cpu_s = _read_cpu_s(pid)
        os.kill(pid, signal.SIGKILL)
        self._dying.add(pid)
        return Exit(-signal.SIGKILL, cpu_s, was_killed=True)

    def kill(self, pid: int) -> Exit:
        """End a child if it has not ended; with its process tree where it leads one."""
        if pid in self._dying or not self.has_ended(pid):
            self._dying.discard(pid)
            os.kill(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
            cpu_s = usage.ru_utime + usage.ru_stime
            self._exits[pid] = Exit(os.waitstatus_to_exitcode(status), cpu_s, was_killed=True)
            # Where no process tree of its own ends with it, its group at least does.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        return self._exits[pid]

    def close(self) -> None:
        """Read what is left in the pipes and close them."""
        for descriptor in list(self._sinks):
            while self._take(descriptor):
                pass
            self._forget(descriptor)

    def _step(self, sleep_s: float) -> None:
        for descriptor, _ in self._poll.poll(sleep_s * 1000):
            if descriptor == self._wakeup:
                os.read(descriptor, _CHUNK)
            elif descriptor in self._sinks and self._take(descriptor) is False:
                self._forget(descriptor)

    def _take(self, descriptor: int) -> bool | None:
        """Read once: True for something, False at the end, None where nothing is there now."""
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return None
        sink, limit_bytes = self._sinks[descriptor]
        sink += chunk[: max(0, limit_bytes - len(sink))]
        return bool(chunk)

    def _forget(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        del self._sinks[descriptor]
        os.close(descriptor)

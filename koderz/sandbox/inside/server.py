"""The fork server: a lean process with one thread that forks a child for every program.

It is started with the standard library's usual modules loaded, so that no program pays for
them, and it takes one program at a time: a control frame, then the payloads that the children
read. Its answer is a frame of facts, then the report and the outputs as the children wrote them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from . import candidate, codec, frames, hardening, kernel, pipes, scan, shared, testers
from .hardening import Enclosure, Layers, Limits
from .pipes import Bundle
from .rooms import Room
from .testers import Tester
from .watching import Exit, Meter, Watch

_REPORT_LIMIT = 1024 * 1024
_TESTS_GRACE_S = 5.0
# The tests' process lives on: its time is measured for each program, and its memory is for all
# that a program may answer.
_TESTER_LIMITS = Limits(1e6, 1e6, 4 << 30, 0, 64 << 20, 64)
_WORDS_LIMIT = 1000
_READY = b"+"
_NEVER_STARTED = Exit(0, 0.0)


Work = Callable[[], None]


class Child(NamedTuple):
    """A forked process; through `ready` it says that every layer is around it."""

    pid: int
    ready: int


class Server:
    """Runs programs, one after another.

    Args:
        layers: what there is to put around a child.
        readable: the paths a child may read.
        scratch: a folder of this server, for temporary folders where no namespace has them.
        wakeup: a pipe that becomes readable when a child ends.
    """

    def __init__(self, layers: Layers, readable: list[str], scratch: str, wakeup: int) -> None:
        self.wakeup, self.room = wakeup, Room(layers, readable, scratch)
        self._layers = layers
        self._tester: Tester | None = None

    def serve(self, control: int, answers: int) -> None:
        """Take programs until the other side closes."""
        while (frame := frames.read_frame(control)) is not None:
            mode, limits, sizes = codec.load(frame)
            run = Run(self, Limits(*limits))
            try:
                payloads = [run.bundle.file() for _ in sizes]
                for payload, size in zip(payloads, sizes, strict=True):
                    pipes.receive(control, payload, size)
                facts = run.go(mode, payloads)
                frames.write_frame(answers, codec.encode(facts))
                pipes.send(run.report, answers, facts["report_size"])
                pipes.send(run.outputs, answers, facts["outputs_size"])
            finally:
                run.close()

    def fork(self, work: Work, kept: list[int], enclosure: Enclosure, bundle: Bundle) -> Child:
        """Start a child with all layers around it that does `work`, with these descriptors."""
        ready, told = bundle.pipe()
        with self._own_processes():
            pid = os.fork()
            if pid == 0:
                self._live(work, kept, enclosure, told)
        bundle.close(told)
        return Child(pid, ready)

    def get_tester(self) -> Tester:
        """The tests' process, started if there is none; OSError where it cannot be enclosed."""
        if self._tester is None:
            bundle = Bundle()
            mine, theirs = socket.socketpair()
            with theirs:
                ends, rules = [theirs.fileno()], self.room.build_rules([])
                enclosure = Enclosure(_TESTER_LIMITS, "/", rules, (-1, -1))
                child = self.fork(lambda: testers.serve(*ends), ends, enclosure, bundle)
                bundle.take(rules)
            told = os.read(child.ready, 1000)
            bundle.close()
            self._tester = Tester(child.pid, mine)
            if told != _READY:
                self.drop_tester()
                raise OSError(told.decode(errors="replace") or "the tests' process ended at once")
        return self._tester

    def drop_tester(self) -> None:
        """End the tests' process."""
        if self._tester is not None:
            self._tester.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._tester.pid, signal.SIGKILL)
            os.waitpid(self._tester.pid, 0)
            self._tester = None

    @contextlib.contextmanager
    def _own_processes(self) -> Any:
        """The next child leads a process tree of its own, which ends with it."""
        home = self._layers.own_processes
        if home >= 0:
            kernel.unshare(kernel.NEW_PIDS)
        try:
            yield
        finally:
            if home >= 0:
                kernel.enter_namespace(home, kernel.NEW_PIDS)

    def _live(self, work: Work, kept: list[int], enclosure: Enclosure, told: int) -> None:
        """A child's whole life; it does not return."""
        try:
            try:
                signal.set_wakeup_fd(-1)
                hardening.apply(self._layers, enclosure, [*kept, told])
            except BaseException as error:  # noqa: BLE001 - told to the parent: nobody is above.
                os.write(told, f"{type(error).__name__}: {error}".encode())
            else:
                os.write(told, _READY)
                os.close(told)
                work()
        except BaseException:  # noqa: BLE001 - shown as the program's last words.
            os.write(2, traceback.format_exc().encode(errors="replace"))
        finally:
            os._exit(0)


class Run:
    """One program being run: its descriptors, its folder, its children."""

    def __init__(self, server: Server, limits: Limits) -> None:
        self.limits, self._server = limits, server
        self.bundle = Bundle()
        self._place = server.room.prepare(limits.disk_bytes)
        self.report, self.outputs = self.bundle.file(), self.bundle.file()
        self._watch = Watch(server.wakeup)
        self._children: list[Child] = []
        self._started = time.monotonic()
        self._stopped, self._words = "", bytearray()
        self._fault, self._has_tests_lost = "", False

    def go(self, mode: str, payloads: list[int]) -> dict[str, Any]:
        """Run it in one of the modes; the answer is what happened, in plain values."""
        stdout, output = self._captured(self.limits.output_bytes)
        stderr, errors = self._captured(self.limits.output_bytes)
        run = {"calls": self._calls, "cases": self._cases, "shared": self._shared}[mode]
        run(payloads, (output, errors))
        # That they are gone is waited for when the answer is sent.
        ends = [self._watch.stop(child.pid) for child in self._children] or [_NEVER_STARTED]
        wall_s = time.monotonic() - self._started
        self._watch.close()
        return {
            "fault": self._fault or self._find_fault(),
            "stopped": self._stopped,
            "exit_code": ends[0].code,
            "was_killed": ends[0].was_killed,
            "cpu_s": ends[0].cpu_s,
            "has_tests_lost": self._has_tests_lost,
            "wall_s": wall_s,
            "stdout": bytes(stdout),
            "stderr": bytes(stderr),
            "words": bytes(self._words),
            "report_size": min(pipes.size_of(self.report), _REPORT_LIMIT),
            # Where a second payload is, the outputs were for its reader alone.
            "outputs_size": pipes.size_of(self.outputs) if len(payloads) == 1 else 0,
        }

    def close(self) -> None:
        """Leave nothing behind: no process, no descriptor, no folder."""
        for child in self._children:
            self._watch.kill(child.pid)
        self._watch.close()
        self.bundle.close()
        self._server.room.clear()

    def _captured(self, limit_bytes: int) -> tuple[bytearray, int]:
        """A pipe that the watch reads, capped; its writing end."""
        reading, writing = self.bundle.pipe()
        self.bundle.release(reading)
        return self._watch.read(reading, limit_bytes), writing

    def _start(self, work: Work, kept: list[int], streams: tuple[int, int]) -> int:
        enclosure = Enclosure(self.limits, *self._place, streams)
        child = self._server.fork(work, kept, enclosure, self.bundle)
        self._children.append(child)
        return child.pid

    def _calls(self, payloads: list[int], streams: tuple[int, int]) -> None:
        """Tests and candidate side by side, a pipe each way between them."""
        program, tests = payloads
        requests, asking = self.bundle.pipe()
        answering, replies = self.bundle.pipe()
        # The tests are read while the candidate is started.
        tester = self._ask(testers.RUN_TESTS, [tests, asking, answering, self.report])
        self.bundle.close(asking, answering)  # Pipes end when every holder has closed them.
        if tester is None:
            return
        ends = [program, requests, replies]
        pid = self._start(lambda: candidate.serve_calls(*ends), ends, streams)
        self.bundle.close(requests, replies, *streams)
        # A candidate that is being asked has its own time.
        self._await(tester, [Meter("cpu", pid, self.limits.cpu_s)], self._started)

    def _cases(self, payloads: list[int], streams: tuple[int, int]) -> None:
        """The candidate alone; then, once it has ended, the comparison, if one is asked for."""
        program, *tests = payloads
        ends = [program, self.outputs]
        pid = self._start(lambda: candidate.serve_cases(*ends), ends, streams)
        self.bundle.close(*streams)
        self._wait(pid)
        self._watch.kill(pid)
        if not tests:
            return
        tester = self._ask(testers.COMPARE, [*tests, self.outputs, self.report])
        if tester is not None:
            self._await(tester, [], time.monotonic())  # It gets as much time again.

    def _shared(self, payloads: list[int], streams: tuple[int, int]) -> None:
        """Candidate and tests in one process; its text is read in another."""
        (program,) = payloads
        self._words, told = self._captured(_WORDS_LIMIT)
        ends, other = [program, self.report, told], [program, self.outputs]
        pid = self._start(lambda: shared.run_shared(*ends), ends, streams)
        self.bundle.close(told, *streams)
        reader = self._start(lambda: scan.write_suspicions(*other), other, (-1, -1))
        self._wait(pid)
        self._watch.kill(pid)
        deadline = time.monotonic() + _TESTS_GRACE_S
        self._watch.until(lambda: self._watch.has_ended(reader), [], deadline)

    def _wait(self, pid: int) -> None:
        meter, deadline = Meter("cpu", pid, self.limits.cpu_s), self._started + self.limits.wall_s
        self._stopped = self._watch.until(lambda: self._watch.has_ended(pid), [meter], deadline)

    def _ask(self, kind: bytes, descriptors: list[int]) -> Tester | None:
        """Have the tests' process begin with its part; None, and a fault, where it cannot."""
        try:
            tester = self._server.get_tester()
            tester.ask(kind, descriptors)
        except OSError as error:
            self._fault = f"the tests' process: {error}"
            self._server.drop_tester()
            return None
        return tester

    def _await(self, tester: Tester, meters: list[Meter], start: float) -> None:
        """Wait until the tests' process is done; end it where it does not get done."""
        self._watch.wake_for(tester.fileno())
        meters = [*meters, Meter("tests", tester.pid, max(self.limits.cpu_s, _TESTS_GRACE_S))]
        stopped = self._watch.until(tester.is_done, meters, start + self.limits.wall_s)
        if stopped in {"cpu", "wall"} and self._children:
            # With the candidate gone the tests end by themselves, with what was counted.
            self._stopped = self._stopped or stopped
            self._watch.kill(self._children[0].pid)
            self._watch.until(tester.is_done, meters[-1:], time.monotonic() + _TESTS_GRACE_S)
        self._has_tests_lost = not tester.is_done()
        if self._has_tests_lost or not tester.is_reusable:
            self._server.drop_tester()

    def _find_fault(self) -> str:
        """What kept a child from being enclosed: a fault of the sandbox, not of the program."""
        for child in self._children:
            told = os.read(child.ready, 1000)
            if told != _READY:
                return told.decode(errors="replace") or "a child ended before it was enclosed"
        return ""

"""Starting a server: load what programs use, enter the layers, say which there are."""

from __future__ import annotations

import gc
import importlib
import os
import random
import signal
import sys
from collections.abc import Callable

from . import codec, frames, hardening, kernel, landlock, namespaces, seccomp
from .hardening import NO_LAYERS, NOT_ASKED, Layers
from .server import Server

_PRELOADED = (
    "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses", "datetime",
    "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json",
    "linecache", "math", "numbers", "operator", "random", "re", "statistics", "string",
    "textwrap", "traceback", "types", "typing", "unicodedata",
)  # fmt: skip
_ARRAYS = ("numpy", "pandas", "unittest.mock")


def main(arguments: list[str]) -> None:
    """Become a server.

    Args:
        arguments: the layers to try, with commas between; "arrays" or "plain"; a folder for
            scratch; and folders of packages that programs may import.
    """
    wanted, scratch, packages = arguments[0].split(","), arguments[2], arguments[3:]
    control, answers = _take_descriptors()
    threads = _count_threads()
    readable = namespaces.readable_paths(packages)
    layers = _enter_layers(wanted, readable, scratch) if any(wanted) else NO_LAYERS
    if layers != NO_LAYERS:
        kernel.die_with_parent()
    hardening.settle()
    if layers.has_namespaces and not layers.seccomp:
        hardening.filter_for(1)  # Children find it built.
    gc.freeze()  # Children share this memory as long as no collection writes into it.
    gc.enable()
    can_read = os.access(os.path.dirname(os.__file__), os.R_OK | os.X_OK)
    hello = {"layers": list(layers[:3]), "threads": threads, "can_read_python": can_read}
    frames.write_frame(answers, codec.encode(hello))
    Server(layers, readable, scratch, _open_wakeup()).serve(control, answers)


def _open_wakeup() -> int:
    """A pipe that becomes readable when a child ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wakeup, waking = os.pipe()
    os.set_blocking(waking, False)
    os.set_blocking(wakeup, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    return wakeup


def _take_descriptors() -> tuple[int, int]:
    """The pipes to the host, moved out of the way of the standard streams."""
    control, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    os.close(nothing)
    os.environ.clear()
    sys.argv[:] = [""]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr] # Files, both.
    return control, answers


def _own_folder() -> str:
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load_modules(packages: list[str], *, use_arrays: bool) -> None:
    """Load what programs use, so that they find it loaded; `packages` are folders of more."""
    sys.path[:] = [path for path in sys.path if path != _own_folder()] + packages
    for name in (*_PRELOADED, *(_ARRAYS if use_arrays else ())):
        try:
            importlib.import_module(name)
        except ImportError:  # Not installed, or left out of this build of Python.
            continue
    random.seed(0)


def _count_threads() -> int:
    """Threads of this process, native ones too; a child forked from several could hang."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


def _enter_layers(wanted: list[str], readable: list[str], scratch: str) -> Layers:
    """Try each layer in a child that is thrown away, then enter those that hold."""
    trials = {
        "namespaces": lambda: _try_namespaces(readable, scratch),
        "landlock": lambda: _try_landlock(readable),
        "seccomp": _try_seccomp,
    }
    under_way = {name: _Trial(work) for name, work in trials.items() if name in wanted}
    reasons = dict.fromkeys(trials, NOT_ASKED)
    reasons |= {name: trial.outcome() for name, trial in under_way.items()}
    layers = Layers(reasons["namespaces"], reasons["landlock"], reasons["seccomp"])
    if layers.namespaces:
        namespaces.drop_user()
        return layers
    proc = namespaces.enter(readable, scratch)
    _continue_as_first_process()
    home = namespaces.open_own_processes(proc)
    os.close(proc)
    return layers._replace(own_processes=home)


def _continue_as_first_process() -> None:
    """Go on in a child that leads the new process tree; this process only waits for it.

    When the first process of a tree ends, the kernel ends all others in it.
    """
    kernel.die_with_parent()
    child = os.fork()
    if child:
        os.closerange(0, hardening.OPEN_FILES)
        os.waitpid(child, 0)
        os._exit(0)


class _Trial:
    """Something that may not work on this machine, done in a child of its own."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._told, telling = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - told to the parent: nobody is above.
                os.write(telling, (str(error) or type(error).__name__).encode())
            finally:
                os._exit(0)
        os.close(telling)

    def outcome(self) -> str:
        """Why it cannot be done; nothing where it can."""
        with open(self._told, encoding="utf-8") as told:
            reason = told.read(500)
        os.waitpid(self._pid, 0)
        return reason


def _try_namespaces(readable: list[str], scratch: str) -> None:
    proc = namespaces.enter(readable, scratch)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if status:
            raise OSError("a process in namespaces of its own could not be set up")
        return
    home = namespaces.open_own_processes(proc)
    kernel.unshare(kernel.NEW_PIDS)
    kernel.enter_namespace(home, kernel.NEW_PIDS)
    namespaces.mount_temporary(1 << 20)
    os._exit(0)


def _try_landlock(readable: list[str]) -> None:
    if not landlock.get_version():
        raise OSError("this kernel has no landlock, or it is not switched on")
    kernel.forbid_new_privileges()
    landlock.restrict(landlock.build_rules(readable, []))
    try:
        os.listdir("/")
    except PermissionError:
        return
    raise OSError("landlock does not hold")


def _try_seccomp() -> None:
    if kernel.architecture() not in seccomp.ARCHITECTURES:
        raise OSError(f"no filter is written for {kernel.architecture() or 'this system'}")
    kernel.forbid_new_privileges()
    kernel.set_filter(hardening.filter_for(os.getpid()))
    if hardening.can_fork():
        raise OSError("the filter does not hold")

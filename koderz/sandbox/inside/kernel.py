"""Linux calls that Python's standard library has no name for, through libc.

Python 3.11 has no `os.unshare`, and none has prctl, mount or landlock. Each raises OSError.
"""

from __future__ import annotations

import ctypes
import os
import sys

NEW_MOUNTS = 0x0002_0000
NEW_UTS = 0x0400_0000
NEW_IPC = 0x0800_0000
NEW_USER = 0x1000_0000
NEW_PIDS = 0x2000_0000
NEW_NET = 0x4000_0000

MOUNT_NOSUID_NODEV = 0x2 | 0x4
MOUNT_BIND_RECURSIVE = 0x1000 | 0x4000
MOUNT_PRIVATE_RECURSIVE = 0x4_0000 | 0x4000

_UNMOUNT_DETACH = 2
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_ATTRIBUTES_READ_ONLY = 0x1 | 0x2

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP, _SECCOMP_FILTER = 22, 2
_SIGKILL = 9
_CAPABILITY_VERSION_3 = 0x2008_0522

# Numbers of calls that are the same on every architecture, and two that are not.
_MOUNT_SETATTR = 442
_ARCHITECTURE_NUMBERS = {"x86_64": (155, 126), "aarch64": (41, 91)}

_libc = ctypes.CDLL(None, use_errno=True)


def architecture() -> str:
    """The machine's name in Linux's words, "x86_64" or "aarch64" where the layers are known."""
    return os.uname().machine if sys.platform == "linux" else ""


def syscall(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """What the call answers; OSError where it refuses."""
    wide = [ctypes.c_long(it) if isinstance(it, int) else it for it in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *wide))


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones."""
    _checked(_libc.unshare(flags))


def enter_namespace(descriptor: int, flags: int) -> None:
    """Enter the namespace that `descriptor` stands for."""
    _checked(_libc.setns(descriptor, flags))


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """Mount a file system, or bind one part of the tree to another."""
    texts = (source.encode(), target.encode(), kind.encode())
    _checked(_libc.mount(*texts, ctypes.c_ulong(flags), options.encode() or None))


def make_read_only(path: str) -> None:
    """Make a mount and all below it read-only and without set-user-id programs."""
    attributes = _ATTRIBUTES_READ_ONLY.to_bytes(8, sys.byteorder) + bytes(24)
    syscall(_MOUNT_SETATTR, _AT_FDCWD, path.encode(), _AT_RECURSIVE, attributes, len(attributes))


def unmount(path: str) -> None:
    """Take away what is mounted there; it goes when nobody uses it any more."""
    _checked(_libc.umount2(path.encode(), _UNMOUNT_DETACH))


def change_root(path: str) -> None:
    """Make `path` the root of this mount namespace and let go of the old one."""
    pivot_root, _ = _ARCHITECTURE_NUMBERS[architecture()]
    os.chdir(path)
    syscall(pivot_root, b".", b".")
    _checked(_libc.umount2(b".", _UNMOUNT_DETACH))
    os.chdir("/")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however that ends."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def hide_memory() -> None:
    """Keep this process's memory from others of the same user, and from core files."""
    _prctl(_PR_SET_DUMPABLE, 0)


def allow_own_proc() -> None:
    """Let a process that changed its user write its own user mapping under /proc."""
    _prctl(_PR_SET_DUMPABLE, 1)


def forbid_new_privileges() -> None:
    """No program started from here on gains privileges; landlock and seccomp ask for it."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Give up every capability; with no new privileges ever, for good."""
    _, capset = _ARCHITECTURE_NUMBERS[architecture()]
    header = _CAPABILITY_VERSION_3.to_bytes(4, sys.byteorder) + bytes(4)
    syscall(capset, header, bytes(24))


class Filter:
    """A BPF program for system calls, laid out in memory as the kernel takes it."""

    def __init__(self, program: bytes) -> None:
        self._instructions = ctypes.create_string_buffer(program, len(program))
        count = (len(program) // 8).to_bytes(8, sys.byteorder)
        address = ctypes.addressof(self._instructions).to_bytes(8, sys.byteorder)
        self._holder = ctypes.create_string_buffer(count + address, 16)
        self.address = ctypes.addressof(self._holder)


def set_filter(program: Filter) -> None:
    """Filter this process's system calls, from here on and for good."""
    _prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, program.address)


def _prctl(option: int, first: int, second: int = 0) -> None:
    arguments = [ctypes.c_ulong(it) for it in (first, second, 0, 0)]
    _checked(_libc.prctl(option, *arguments))


def _checked(answer: int) -> int:
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer

"""Namespaces: an own view of users, mounts, processes, network and host name.

The server enters them once. Each program then gets process ids and a temporary folder of its
own on top, which is what costs little and what programs could otherwise see of each other.
"""

from __future__ import annotations

import functools
import os
import sys
import sysconfig

from . import kernel

NOBODY = 65534
TEMPORARY = "/tmp"  # noqa: S108 - a file system of the program's own, empty and in memory.

_SYSTEM_FOLDERS = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def readable_paths(extra: list[str]) -> list[str]:
    """What a program may read: system libraries, Python's own, `extra`, and harmless devices."""
    python = [os.path.join(sys.base_exec_prefix, "lib"), sysconfig.get_path("stdlib")]
    kept: list[str] = []
    for path in (*_SYSTEM_FOLDERS, *python, *extra, *_DEVICES):
        is_covered = any(path == above or path.startswith(above + "/") for above in kept)
        if not is_covered and os.path.exists(path):
            kept.append(path)
    return kept


@functools.cache  # Asked again when there is no /proc any more.
def is_root() -> bool:
    """Whether this is root with another user to become; in a user namespace there may be none."""
    return os.getuid() == 0 and _is_mapped("uid_map") and _is_mapped("gid_map")


def _is_mapped(name: str) -> bool:
    with open(f"/proc/self/{name}", encoding="ascii") as ranges:
        spans = [[int(number) for number in line.split()] for line in ranges]
    return any(start <= NOBODY < start + count for start, _, count in spans)


def drop_user() -> None:
    """As root, become nobody; as anyone else, stay."""
    if is_root():
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        kernel.allow_own_proc()


def enter(readable: list[str], scratch: str) -> int:
    """Enter all namespaces; the next child is the first process of a new process tree.

    As root the mounts are made first, while every path can still be reached, and the user is
    dropped after; then both ways are the same. The answer is a descriptor of the folder of
    /proc that a later `own_processes` needs.
    """
    if is_root():
        kernel.unshare(kernel.NEW_MOUNTS)
        proc = os.open("/proc", os.O_PATH | os.O_CLOEXEC)
        build_root(readable, scratch)
        drop_user()
        flags = kernel.NEW_USER | kernel.NEW_MOUNTS
        _unshare_user(flags | _COMMON, proc)
    else:
        proc = os.open("/proc", os.O_PATH | os.O_CLOEXEC)
        _unshare_user(kernel.NEW_USER | kernel.NEW_MOUNTS | _COMMON, proc)
        build_root(readable, scratch)
    return proc


_COMMON = kernel.NEW_PIDS | kernel.NEW_NET | kernel.NEW_IPC | kernel.NEW_UTS


def _unshare_user(flags: int, proc: int) -> None:
    """Enter a user namespace that knows this user alone, under the same number."""
    user, group = os.getuid(), os.getgid()
    kernel.unshare(flags)
    _write_at(proc, "self/setgroups", "deny")
    _write_at(proc, "self/uid_map", f"{user} {user} 1")
    _write_at(proc, "self/gid_map", f"{group} {group} 1")


def _write_at(folder: int, path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def build_root(readable: list[str], scratch: str) -> None:
    """Make a root that holds the readable paths, read-only, and an empty temporary folder."""
    kernel.mount("none", "/", "", kernel.MOUNT_PRIVATE_RECURSIVE)
    kernel.mount("tmpfs", scratch, "tmpfs", kernel.MOUNT_NOSUID_NODEV, "size=1m,mode=755")
    for path in readable:
        _bind(path, scratch + path)
    os.makedirs(scratch + TEMPORARY, exist_ok=True)
    kernel.change_root(scratch)
    kernel.make_read_only("/")


def _bind(source: str, target: str) -> None:
    """Show a folder or file at a place of the new root (a link's end stands in its place)."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb"):
            pass
    kernel.mount(source, target, "", kernel.MOUNT_BIND_RECURSIVE)


def open_own_processes(proc: int) -> int:
    """A descriptor of this process's process tree, to come back to after `unshare`."""
    return os.open("self/ns/pid", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)


def mount_temporary(size_bytes: int) -> None:
    """Put an empty file system in memory where the temporary folder is."""
    options = f"size={size_bytes},nr_inodes=4096,mode=777"
    kernel.mount("tmpfs", TEMPORARY, "tmpfs", kernel.MOUNT_NOSUID_NODEV, options)

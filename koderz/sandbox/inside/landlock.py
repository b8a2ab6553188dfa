"""Landlock: which files a process may read, and the one folder where it may write.

Rights and structures are those of Linux's `landlock.h`; the call numbers are the same on every
architecture.
"""

from __future__ import annotations

import os
import stat
import struct

from . import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1

# Rights over files, as the versions of landlock brought them.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIRECTORY = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _DEVICE_IOCTL = 1 << 14, 1 << 15
_RIGHTS_V1, _REFER = (1 << 13) - 1, 1 << 13
_NETWORK_BIND_CONNECT = 0b11
_SCOPE_SOCKETS_SIGNALS = 0b11

_READ = _READ_FILE | _READ_DIRECTORY
# Making devices, sockets and programs is nobody's need here.
_WRITE = (_RIGHTS_V1 | _REFER | _TRUNCATE) & ~_EXECUTE & ~(1 << 6) & ~(1 << 9) & ~(1 << 11)


def get_version() -> int:
    """The kernel's version of landlock, 0 where it has none."""
    try:
        return kernel.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:
        return 0


def build_rules(readable: list[str], writable: list[str]) -> int:
    """A descriptor of the rules: read and write below these paths only, reach no one outside."""
    version = get_version()
    rights = _handled_rights(version)
    network = _NETWORK_BIND_CONNECT if version >= 4 else 0
    scope = _SCOPE_SOCKETS_SIGNALS if version >= 6 else 0
    attributes = struct.pack("=QQQ", rights, network, scope)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = kernel.syscall(_CREATE_RULESET, attributes, size, 0)
    for path in readable:
        _allow(rules, path, _READ & rights)
    for path in writable:
        _allow(rules, path, _WRITE & rights)
    return rules


def restrict(rules: int) -> None:
    """Hold this process and all it starts to the rules, for good."""
    kernel.syscall(_RESTRICT_SELF, rules, 0)


def _handled_rights(version: int) -> int:
    rights = _RIGHTS_V1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _DEVICE_IOCTL)):
        if version >= since:
            rights |= right
    return rights


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:  # A folder of other systems.
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _WRITE_FILE | _READ_FILE | _TRUNCATE
        rule = struct.pack("=Qi", rights, descriptor)
        kernel.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)

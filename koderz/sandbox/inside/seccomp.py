"""A seccomp filter: the system calls that plain computation needs, everything else is refused.

The program is assembled here, in classic BPF, because it is short and depends on no system
library. It is a list of what is allowed: a call that a later kernel brings stays refused. A
refused call fails with EPERM, so that a program sees an error and a verdict can name it.

Numbers are those of Linux's `unistd.h`: name:x86_64:aarch64.
"""

from __future__ import annotations

import errno
import struct

_ALLOWED = """
read:0:63 write:1:64 readv:19:65 writev:20:66 pread64:17:67 pwrite64:18:68 lseek:8:62
close:3:57 close_range:436:436 open:2:- openat:257:56 stat:4:- fstat:5:80 lstat:6:-
newfstatat:262:79 statx:332:291 access:21:- faccessat:269:48 faccessat2:439:439
readlink:89:- readlinkat:267:78 getdents:78:- getdents64:217:61 getcwd:79:17 chdir:80:49
fchdir:81:50 mkdir:83:- mkdirat:258:34 rmdir:84:- unlink:87:- unlinkat:263:35 rename:82:-
renameat:264:38 renameat2:316:276 link:86:- linkat:265:37 symlink:88:- symlinkat:266:36
truncate:76:45 ftruncate:77:46 fallocate:285:47 chmod:90:- fchmod:91:52 fchmodat:268:53
utimensat:280:88 utime:132:- utimes:235:- statfs:137:43 fstatfs:138:44 flock:73:32
fsync:74:82 fdatasync:75:83 fadvise64:221:223 umask:95:166 dup:32:23 dup2:33:- dup3:292:24
pipe:22:- pipe2:293:59 poll:7:- ppoll:271:73 select:23:- pselect6:270:72 epoll_create:213:-
epoll_create1:291:20 epoll_ctl:233:21 epoll_wait:232:- epoll_pwait:281:22
epoll_pwait2:441:441 eventfd2:290:19 copy_file_range:326:285 sendfile:40:71 sendto:44:206
recvfrom:45:207 sendmsg:46:211 recvmsg:47:212 shutdown:48:210 getsockname:51:204
getpeername:52:205 getsockopt:55:209 setsockopt:54:208 mmap:9:222 munmap:11:215
mremap:25:216 mprotect:10:226 madvise:28:233 brk:12:214 mincore:27:232 membarrier:324:283
mbind:237:235 get_mempolicy:239:236 rt_sigaction:13:134 rt_sigprocmask:14:135
rt_sigreturn:15:139 rt_sigpending:127:136 rt_sigtimedwait:128:137 rt_sigsuspend:130:133
sigaltstack:131:132 pause:34:- alarm:37:- getitimer:36:102 setitimer:38:103
timer_create:222:107 timer_settime:223:110 timer_gettime:224:108 timer_getoverrun:225:109
timer_delete:226:111 nanosleep:35:101 clock_nanosleep:230:115 clock_gettime:228:113
clock_getres:229:114 gettimeofday:96:169 time:201:- times:100:153 getrusage:98:165
getpid:39:172 getppid:110:173 gettid:186:178 getuid:102:174 geteuid:107:175 getgid:104:176
getegid:108:177 getgroups:115:158 getresuid:118:148 getresgid:120:150 getpgrp:111:-
getpgid:121:155 getsid:124:156 uname:63:160 sysinfo:99:179 getcpu:309:168 sched_yield:24:124
sched_getaffinity:204:123 sched_getparam:143:121 sched_getscheduler:145:120
sched_get_priority_max:146:125 sched_get_priority_min:147:126 getpriority:140:141
getrlimit:97:163 setrlimit:160:164 futex:202:98 set_robust_list:273:99
get_robust_list:274:100 rseq:334:293 set_tid_address:218:96 arch_prctl:158:- exit:60:93
exit_group:231:94 getrandom:318:278 restart_syscall:219:128 wait4:61:260 waitid:247:95
"""

# Calls that are allowed with some arguments only.
_CONDITIONAL = {
    "x86_64": {
        "clone": 56,
        "clone3": 435,
        "fcntl": 72,
        "ioctl": 16,
        "prlimit64": 302,
        "socketpair": 53,
        "tgkill": 234,
    },
    "aarch64": {
        "clone": 220,
        "clone3": 435,
        "fcntl": 25,
        "ioctl": 29,
        "prlimit64": 261,
        "socketpair": 199,
        "tgkill": 131,
    },
}
_AUDIT_ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
ARCHITECTURES = tuple(_AUDIT_ARCHITECTURES)

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _MASK, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW = 0x7FFF_0000
_KILL = 0x8000_0000
_REFUSE = 0x0005_0000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16

_CLONE_THREAD = 0x0001_0000
_NAMESPACE_FLAGS = 0x7E02_0080
_SOCK_TYPE_MASK, _SOCK_STREAM = 0xF, 1
# Whether a descriptor is a terminal, how much it holds, whether it blocks, and close-on-exec.
_IOCTLS = (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)
# Sending signals to others by way of a descriptor: F_SETOWN, F_SETSIG, F_SETOWN_EX.
_REFUSED_FCNTLS = (8, 10, 15)


def build_filter(architecture: str, process: int) -> bytes:
    """The filter for one process, as BPF instructions of 8 bytes.

    Args:
        architecture: one of ARCHITECTURES.
        process: its own id, the only one it may signal or set limits for.
    """
    numbers = _CONDITIONAL[architecture]
    return b"".join(
        (
            _load(_ARCHITECTURE_AT),
            _jump(_EQUAL, _AUDIT_ARCHITECTURES[architecture], 1, 0),
            _answer(_KILL),
            _load(_NUMBER_AT),
            # glibc takes "no such call" as a reason to use clone, whose flags a filter can see.
            _when(numbers["clone3"], _answer(_REFUSE | errno.ENOSYS)),
            _when(numbers["clone"], _threads_only()),
            _when(numbers["tgkill"], _one_of(0, (process,))),
            _when(numbers["prlimit64"], _one_of(0, (0, process))),
            _when(numbers["ioctl"], _one_of(1, _IOCTLS)),
            _when(numbers["fcntl"], _none_of(1, _REFUSED_FCNTLS)),
            _when(numbers["socketpair"], _streams_only()),
            _search(_spans(_allowed_numbers(architecture))),
        )
    )


def _allowed_numbers(architecture: str) -> list[int]:
    column = ARCHITECTURES.index(architecture) + 1
    rows = [entry.split(":") for entry in _ALLOWED.split()]
    return sorted(int(row[column]) for row in rows if row[column] != "-")


def _spans(allowed: list[int]) -> list[tuple[int, int]]:
    """Where, going up from 0, the answer changes, and to what."""
    answers = dict.fromkeys((0, *(number + 1 for number in allowed)), _REFUSE | errno.EPERM)
    answers |= dict.fromkeys(allowed, _ALLOW)
    spans: list[tuple[int, int]] = []
    for start, answer in sorted(answers.items()):
        if not spans or spans[-1][1] != answer:
            spans.append((start, answer))
    return spans


def _search(spans: list[tuple[int, int]]) -> bytes:
    """A binary search, as the kernel runs the filter once a call number when it is set."""
    if len(spans) == 1:
        return _answer(spans[0][1])
    middle = len(spans) // 2
    low, high = _search(spans[:middle]), _search(spans[middle:])
    return _jump(_AT_LEAST, spans[middle][0], len(low) // 8, 0) + low + high


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _load(offset: int) -> bytes:
    return _instruction(_LOAD, offset)


def _jump(code: int, value: int, if_true: int, if_false: int) -> bytes:
    return _instruction(code, value, if_true, if_false)


def _answer(action: int) -> bytes:
    return _instruction(_RETURN, action)


def _when(number: int, decision: bytes) -> bytes:
    """The decision, for this call alone."""
    return _jump(_EQUAL, number, 0, len(decision) // 8) + decision


def _argument(index: int) -> bytes:
    return _load(_ARGUMENTS_AT + 8 * index)


def _one_of(index: int, values: tuple[int, ...]) -> bytes:
    checks = b"".join(_jump(_EQUAL, value, 0, 1) + _answer(_ALLOW) for value in values)
    return _argument(index) + checks + _answer(_REFUSE | errno.EPERM)


def _none_of(index: int, values: tuple[int, ...]) -> bytes:
    refuse = _answer(_REFUSE | errno.EPERM)
    checks = b"".join(_jump(_EQUAL, value, 0, 1) + refuse for value in values)
    return _argument(index) + checks + _answer(_ALLOW)


def _threads_only() -> bytes:
    return b"".join(
        (
            _argument(0),
            _jump(_ANY_BIT, _NAMESPACE_FLAGS, 2, 0),
            _jump(_ANY_BIT, _CLONE_THREAD, 0, 1),
            _answer(_ALLOW),
            _answer(_REFUSE | errno.EPERM),
        )
    )


def _streams_only() -> bytes:
    """A pair of datagram sockets could still be used to send to others by name."""
    return b"".join(
        (
            _argument(1),
            _instruction(_MASK, _SOCK_TYPE_MASK),
            _jump(_EQUAL, _SOCK_STREAM, 0, 1),
            _answer(_ALLOW),
            _answer(_REFUSE | errno.EPERM),
        )
    )

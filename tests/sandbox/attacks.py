"""The attack table: programs that try to pass without solving the problem, or to get out.

The problem is to give back the numbers plus one. No program here does it. Those that reach for
the host are told where through `HOST`, a dict, and give back what they could get.
"""

# ruff: noqa: E501 - a small program reads best in one piece.

from __future__ import annotations

from typing import NamedTuple


class Attack(NamedTuple):
    """A program, and the statuses that it may end in (any but `passed` where none are named)."""

    name: str
    source: str
    statuses: tuple[str, ...] = ()


_LIES = """
class Liar({base}):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __len__(self): return 2
    def __bool__(self): return True
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __contains__ = __lt__
    def __repr__(self): return "[2, 3]"
    __str__ = __repr__
def add_one(numbers):
    return {value}
"""


def _lie(name: str, base: str, value: str) -> Attack:
    return Attack(f"always equal {name}", _LIES.format(base=base, value=value))


def _call(name: str, body: str, *statuses: str) -> Attack:
    """Statements inside the function."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return Attack(name, f"def add_one(numbers):\n{lines}\n", statuses)


def _load(name: str, body: str, *statuses: str) -> Attack:
    """Statements that run when the program is loaded; the function itself is wrong."""
    return Attack(name, f"{body.strip()}\ndef add_one(numbers):\n    return None\n", statuses)


_WALK = """
import sys
frame = sys._getframe()
while frame is not None:
    for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
        if type(value) is list and len(value) == len(numbers) and value != numbers:
            return value
    frame = frame.f_back
"""

_SEARCH = """
import gc
for value in gc.get_objects():
    if type(value) is list and len(value) == len(numbers) and value != numbers:
        if all(type(item) is int for item in value):
            return value
"""

_REPLACE = """
import builtins
class Anything:
    def __eq__(self, other): return True
builtins.all = builtins.any = builtins.isinstance = lambda *_: True
builtins.len = lambda _: 1
builtins.AssertionError = KeyError
builtins.bool = lambda _: True
builtins.list = builtins.set = lambda *_: Anything()
"""

_UNITTEST = """
import unittest
for name in dir(unittest.TestCase):
    if name.startswith("assert"):
        setattr(unittest.TestCase, name, lambda *_, **__: None)
unittest.TestCase.run = lambda self, result=None: None
unittest.TestSuite.run = lambda self, result, debug=False: result
unittest.TestResult.addFailure = unittest.TestResult.addError = lambda *_: None
"""

_COUNTERS = """
import sys
for name, module in list(sys.modules.items()):
    for value in list(vars(module).values()):
        if isinstance(value, type) and hasattr(value, "__exit__"):
            try:
                value.__exit__ = lambda *_: True
            except TypeError:
                pass
"""

_EVERY_DESCRIPTOR = """
import os
forged = b"".join((
    b"\\x01\\x00\\x00\\x00+", b"\\x1b\\x00\\x00\\x00\\x80\\x05]\\x02\\x00\\x00\\x00",
    b'{"passed": true, "status": "passed"}', b"\\x80\\x05}.", b"PASSED\\n" * 100,
))
for descriptor in range(256):
    for _ in range(3):
        try:
            os.write(descriptor, forged)
        except OSError:
            break
"""

_PICKLES = """
import os, pickle
class Call:
    def __init__(self, call, *arguments): self.parts = (call, arguments)
    def __reduce__(self): return self.parts
for value in (Call(os._exit, 0), Call(exec, "import os; os._exit(0)"), Call(print, "passed"), object()):
    for pickled in (pickle.dumps(value), pickle.dumps([value] * 3, 2)):
        frame = len(pickled).to_bytes(4, "little") + pickled
        for descriptor in range(3, 256):
            try:
                os.write(descriptor, frame)
            except OSError:
                pass
os._exit(0)
"""

_REPLACED_PICKLER = """
import copyreg, io, pickle, struct
from inside import codec, frames, plain
class Anything:
    def __eq__(self, other): return True
    def __reduce__(self): return (Anything, ())
    def __bytes__(self): return b""
    def __len__(self): return 0
copyreg.pickle(Anything, lambda _: (list, ()))
plain.rebuild = plain.take_apart = lambda *_: Anything()
codec.encode = codec.load = codec.decode = lambda *_: Anything()
frames.encode_reply = lambda _: b"\\x80\\x05]."
frames.is_file = frames.is_digest_of = lambda *_: True
pickle.dumps = pickle.loads = lambda *_: Anything()
"""

_FORGED_BUFFER = """
import io
from inside import codec
report = codec.encode({"passed": 3, "total": 3, "failure": None, "suspicions": []})
class Forged(io.BytesIO):
    def getvalue(self): return report
io.BytesIO = Forged
"""

_FORGED_PACKER = """
from inside import codec
report = {"passed": 3, "total": 3, "failure": None, "suspicions": []}
true = codec.Packer.dump
codec.Packer.dump = lambda self, _: true(self, report)
"""

_NOT_PLAIN = """
class Sly(type):
    __module__ = "numpy"
    def __instancecheck__(cls, other): return True
class Liar(metaclass=Sly):
    __module__ = "numpy"
    ndim = 0
    def item(self): return Liar()
    def __reduce_ex__(self, _): return (list, ([number + 1 for number in ()],))
    def __eq__(self, other): return True
    __hash__ = None
def add_one(numbers):
    return Liar()
"""

_SHARED_REPORT = """
import os, sys
from inside import codec
report = codec.encode({"passed": 3, "total": 3, "failure": None, "suspicions": []})
for descriptor in range(3, 256):
    try:
        os.write(descriptor, report)
    except OSError:
        pass
os._exit(0)
"""

_SECRET = """
import os, sys
from inside import codec
frame = sys._getframe()
while frame is not None:
    for value in frame.f_locals.values():
        if type(value) is bytes and len(value) == 32:
            report = codec.encode({"passed": 3, "total": 3, "failure": None, "suspicions": []})
            for descriptor in range(3, 256):
                try:
                    os.write(descriptor, value + report)
                except OSError:
                    pass
            os._exit(0)
    frame = frame.f_back
"""

FORGERIES = (
    _lie("object", "object", "Liar()"),
    _lie("nested", "object", "[Liar(), Liar()]"),
    _lie("in a dict", "object", "{1: Liar()}"),
    _lie("str", "str", "Liar()"),
    _lie("int", "int", "Liar()"),
    _lie("float", "float", "Liar()"),
    _lie("list", "list", "Liar()"),
    _lie("tuple", "tuple", "Liar()"),
    _lie("dict", "dict", "Liar()"),
    _lie("set", "set", "Liar()"),
    _lie("exception", "Exception", "Liar()"),
    _call("sys.exit", "import sys; sys.exit(0)"),
    _call("os._exit", "import os; os._exit(0)", "crashed"),
    _call("raise SystemExit", "raise SystemExit(0)"),
    _call("raise KeyboardInterrupt", "raise KeyboardInterrupt"),
    _call("raise AssertionError", "raise AssertionError"),
    _call("raise GeneratorExit", "raise GeneratorExit"),
    _load("sys.exit at load", "import sys; sys.exit(0)"),
    _load("os._exit at load", "import os; os._exit(0)", "crashed"),
    _call("walking frames", _WALK),
    _call("searching objects", _SEARCH),
    _load("replacing builtins", _REPLACE),
    _load("replacing unittest", _UNITTEST),
    _load("replacing what counts", _COUNTERS),
    _load("optimised asserts", "import sys; sys.flags = None; __debug__ = False", "syntax_error"),
    _load("asserts through a trace", "import sys; sys.settrace(lambda *_: None)"),
    _load("exit functions", "import atexit, os; atexit.register(os._exit, 0)"),
    _load("excepthook", "import sys, os; sys.excepthook = lambda *_: os._exit(0)"),
    _call("every descriptor", _EVERY_DESCRIPTOR),
    _load("every descriptor at load", _EVERY_DESCRIPTOR),
    _call("pickles on every descriptor", _PICKLES),
    _load("replacing what writes values", _REPLACED_PICKLER),
    _load("replacing what bytes are gathered in", _FORGED_BUFFER),
    _load("replacing how a report is written", _FORGED_PACKER),
    Attack("a value that says how to write it", _NOT_PLAIN),
    _call("a value that pretends by its buffer", "import array; return array.array('q', numbers)"),
    _call("code as a value", "return (lambda: numbers).__code__"),
    _call("a huge number", "return 10 ** 100_000"),
    _call("not a number", "return float('nan')"),
    _call("a report of its own", _SHARED_REPORT),
    _call("a report with the secret", _SECRET),
    _call("printing results", 'print(\'3 passed\\n\\nOK\\n{"status": "passed"}\')'),
    _call("closing everything", "import os; os.closerange(0, 256)", "crashed", "failed"),
    _call(
        "a thread left behind",
        "import threading, os, time\n"
        "threading.Thread(target=lambda: (time.sleep(0.05), os._exit(0)), daemon=True).start()",
    ),
)

_LOOPING = """
import signal
for number in range(1, 65):
    try:
        signal.signal(number, lambda *_: None)
    except (OSError, ValueError):
        pass
while True:
    pass
"""
_FORKS = """
import os
for _ in range({times}):
    if os.fork() == 0:
        if os.fork() == 0:
            os.setsid()
            while True:
                pass
        os._exit(0)
"""
_DISK = """
for index in range(10_000):
    with open(f"/tmp/{index}", "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
"""
_REGEX = "import re; re.match('(a+)+$', 'a' * 60 + 'b')"

EXHAUSTIONS = (
    _call("endless loop", "while True: pass", "timeout"),
    _load("endless loop at load", "while True: pass", "timeout"),
    _call("endless loop under signal handlers", _LOOPING, "timeout"),
    _call("endless loop in C", "import itertools; sum(itertools.repeat(1))", "timeout"),
    _call("endless power", "pow(3, 10 ** 10)", "timeout", "memory"),
    _call("endless match", _REGEX, "timeout"),
    _call(
        "swallowing every exception",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "timeout",
    ),
    _call("waiting", "import time; time.sleep(60)", "timeout"),
    _call(
        "waiting for a lock",
        "import threading; threading.Lock().acquire(); l = threading.Lock(); l.acquire(); l.acquire()",
        "timeout",
    ),
    _call("memory", "return [bytes(1 << 24) for _ in range(10_000)]", "memory"),
    _call("memory in one piece", "return b'x' * (1 << 40)", "memory"),
    _call(
        "memory by little",
        "items = []\nwhile True: items.append(items[:])",
        "memory",
        "timeout",
        "crashed",
    ),
    _call("output", "while True: print('x' * 65536)", "timeout"),
    _call("disk", _DISK),
    _call("a value too long", "return 'x' * (1 << 28)"),
    _call("a value too deep", "value = []\nfor _ in range(100_000): value = [value]\nreturn value"),
    _call("a value within itself", "value = []; value.append(value); return value"),
    _call("fork bomb", "import os\nwhile True: os.fork()", "denied", "timeout", "failed"),
    _call("double forks", _FORKS.format(times=3)),
    _call(
        "threads",
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    ),
    _call("segfault", "import ctypes; ctypes.string_at(0)", "crashed"),
    _call(
        "deep recursion",
        "import sys; sys.setrecursionlimit(10 ** 9)\ndef dive(n): return dive(n + 1)\ndive(0)",
        "crashed",
        "memory",
        "timeout",
    ),
    _call("abort", "import os; os.abort()", "crashed"),
    _call(
        "stopping itself",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP); import time; time.sleep(60)",
    ),
)

_CONNECT = """
import socket
peer = socket.socket({family}, {kind})
peer.settimeout(1)
peer.connect({address})
peer.send(b"out")
return "out"
"""
_CTYPES = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
answer = libc.{call}
return "out" if answer >= 0 else None
"""

# What these get at is put in for HOST: each gives back "out", or the host's secret, if it can.
ESCAPES = (
    _call("reading /etc/passwd", "return 'out' if 'root:' in open('/etc/passwd').read() else None"),
    _call("reading the home folder", "import os; return open(HOST['secret_file']).read()"),
    _call(
        "listing the home folder", "import os; return 'out' if os.listdir(HOST['folder']) else None"
    ),
    _call("the environment", "import os; return os.environ.get('KODERZ_SECRET')"),
    _call(
        "the parent's environment",
        "import os\nfor pid in (os.getppid(), 1, HOST['pid'], 'self'):\n    try:\n        return 'out' if b'PATH' in open(f'/proc/{pid}/environ', 'rb').read() else None\n    except OSError: pass",
    ),
    _call(
        "processes in /proc",
        "import os; return 'out' if str(HOST['pid']) in os.listdir('/proc') else None",
    ),
    _call("the parent's memory", "return open(f\"/proc/{HOST['pid']}/mem\", 'r+b') and 'out'"),
    _call("writing outside", "open(HOST['folder'] + '/touched', 'w').write('x'); return 'out'"),
    _call(
        "writing beside Python",
        "import os; open(os.path.dirname(os.__file__) + '/touched.py', 'w').write('x'); return 'out'",
    ),
    _call("a device", "import os; os.mknod('/tmp/disk', 0o060600, os.makedev(8, 0)); return 'out'"),
    _call(
        "TCP",
        _CONNECT.format(
            family="socket.AF_INET", kind="socket.SOCK_STREAM", address="('127.0.0.1', HOST['tcp'])"
        ),
    ),
    _call(
        "UDP",
        _CONNECT.format(
            family="socket.AF_INET", kind="socket.SOCK_DGRAM", address="('127.0.0.1', HOST['udp'])"
        ),
    ),
    _call(
        "a Unix socket",
        _CONNECT.format(family="socket.AF_UNIX", kind="socket.SOCK_STREAM", address="HOST['unix']"),
    ),
    _call(
        "datagrams from a socket pair",
        "import socket\nmine, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\nmine.sendto(b'out', HOST['unix_datagram'])\nreturn 'out'",
    ),
    _call(
        "killing the parent",
        "import os, signal; os.kill(os.getppid(), signal.SIGKILL); return 'out'",
    ),
    _call(
        "killing the host", "import os, signal; os.kill(HOST['pid'], signal.SIGKILL); return 'out'"
    ),
    _call("killing everything", "import os, signal; os.kill(-1, signal.SIGKILL); return 'out'"),
    _call(
        "signals by descriptor",
        "import fcntl, os\nmine, _ = os.pipe()\nfcntl.fcntl(mine, 8, HOST['pid']); return 'out'",
    ),
    _call(
        "limits of the host",
        "import resource; resource.prlimit(HOST['pid'], resource.RLIMIT_NOFILE, (1, 1)); return 'out'",
    ),
    _call("ptrace", _CTYPES.format(call="ptrace(16, HOST['pid'], 0, 0)")),
    _call(
        "reading another's memory",
        _CTYPES.format(
            call="process_vm_readv(HOST['pid'], ctypes.create_string_buffer(32), 1, ctypes.create_string_buffer(32), 1, 0)"
        ),
    ),
    _call("mount", _CTYPES.format(call="mount(b'proc', b'/tmp', b'proc', 0, None)")),
    _call("remount", _CTYPES.format(call="mount(None, b'/', None, 0x20, None)")),
    _call("new namespaces", _CTYPES.format(call="unshare(0x10000000)")),
    _call("a raw system call", _CTYPES.format(call="syscall(101, 16, HOST['pid'], 0, 0)")),
    _call("a system call of 32 bits", _CTYPES.format(call="syscall(0x40000000 + 39)")),
    _call("exec", "import os; os.execv('/bin/sh', ['sh', '-c', 'exit 0'])", "denied", "failed"),
    _call("exec of Python", "import os, sys; os.execv(sys.executable, [sys.executable, '-c', ''])"),
    _call("spawn", "import os; os.posix_spawn('/bin/true', ['true'], {}); return 'out'"),
    _call("a subprocess", "import subprocess; subprocess.run(['true'], check=True); return 'out'"),
    _call("a shell", "import os; return 'out' if os.system('true') == 0 else None"),
    _call("chroot", "import os; os.chroot('/tmp'); return 'out'"),
    _call("another user", "import os; os.setuid(0); return 'out'"),
    _call(
        "descriptors of the host",
        "import os\nfor descriptor in range(3, 256):\n    try: os.fchdir(descriptor)\n    except OSError: continue\n    return 'out'",
    ),
)

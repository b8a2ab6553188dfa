"""Servers: refusing, recovering, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox.problem import HONEST, LIMITS, MODES

from koderz.errors import ConfigError, SandboxUnavailableError
from koderz.sandbox import (
    CallTests,
    Isolation,
    Limits,
    Program,
    Status,
    open_sandbox,
    probe_layers,
)
from koderz.sandbox.forkserver import ForkServerSandbox
from koderz.sandbox.worker import HostLaunch

HANGING = Program(source="import time\ndef add_one(numbers): time.sleep(60)", tests=MODES["calls"])
SHORT = Limits(cpu_s=5.0, wall_s=0.4)


def children(parent: int) -> list[int]:
    """Every process below this one."""
    found: list[int] = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and fields[0] != "Z":
                found.append(int(status.parent.name))
    return [*found, *(below for child in found for below in children(child))]


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def resident_bytes(pids: list[int]) -> int:
    return 4096 * sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)


@pytest.fixture
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No process, no descriptor and no file of a sandbox outlives the test."""
    tmp_path.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before, descriptors = set(children(os.getpid())), count_descriptors()
    yield
    assert set(children(os.getpid())) <= before
    assert list(tmp_path.iterdir()) == []
    assert count_descriptors() <= descriptors + 2  # The test's own loop.


def test_every_layer_is_reported() -> None:
    names = [layer.name for layer in probe_layers()]
    assert names == ["namespaces", "landlock", "seccomp", "limits"]


async def test_nothing_is_left_behind(layers: None, nothing_left: None) -> None:
    async with open_sandbox("namespaces", workers=2) as sandbox:
        verdicts = await asyncio.gather(*(sandbox.judge(HONEST, LIMITS) for _ in range(4)))
        assert all(verdict.is_passed for verdict in verdicts)


async def test_without_layers_untrusted_code_is_refused(nothing_left: None) -> None:
    sandbox = ForkServerSandbox(
        lambda use_arrays: HostLaunch(use_arrays=use_arrays, layers=()), 1, is_isolated=True
    )
    with pytest.raises(SandboxUnavailableError, match="cannot isolate untrusted code"):
        await sandbox.open()


async def test_asked_for_no_protection_every_verdict_says_so(nothing_left: None) -> None:
    async with open_sandbox("none", workers=1) as sandbox:
        for tests in MODES.values():
            verdict = await sandbox.judge(Program(source=HONEST.source, tests=tests), LIMITS)
            assert verdict.is_passed, verdict
            assert verdict.isolation is Isolation.NONE


async def test_unprotected_programs_have_no_environment_either(nothing_left: None) -> None:
    source = "import os\ndef f(): return sorted(os.environ)"
    tests = CallTests(source="assert f() == []", entry_point="f")
    async with open_sandbox("none", workers=1) as sandbox:
        assert (await sandbox.judge(Program(source=source, tests=tests))).is_passed


async def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown sandbox 'chroot'"):
        async with open_sandbox("chroot"):  # type: ignore[arg-type] # As a person may have it.
            pass


async def test_a_server_that_dies_is_replaced(layers: None, nothing_left: None) -> None:
    async with open_sandbox("namespaces", workers=1) as sandbox:
        before = set(children(os.getpid()))
        for pid in before:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert (await sandbox.judge(HONEST, LIMITS)).is_passed
        assert not before & set(children(os.getpid()))


async def test_a_cancelled_run_ends_its_program(layers: None, nothing_left: None) -> None:
    async with open_sandbox("namespaces", workers=1) as sandbox:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await sandbox.judge(HANGING)
        assert (await sandbox.judge(HONEST, LIMITS)).is_passed


async def test_a_timeout_of_the_clock_is_run_once_more_alone(
    layers: None, nothing_left: None
) -> None:
    async with open_sandbox("namespaces", workers=2) as sandbox:
        start = time.monotonic()
        waiting = asyncio.create_task(sandbox.judge(HANGING, SHORT))
        others = [sandbox.judge(HONEST, LIMITS) for _ in range(8)]
        assert all(verdict.is_passed for verdict in await asyncio.gather(*others))
        verdict = await waiting
        assert verdict.status is Status.TIMEOUT
        assert time.monotonic() - start >= 2 * SHORT.wall_s


async def test_memory_stays_flat(layers: None, nothing_left: None) -> None:
    async with open_sandbox("namespaces", workers=2) as sandbox:

        async def run(count: int) -> int:
            await asyncio.gather(*(sandbox.judge(HONEST, LIMITS) for _ in range(count)))
            return resident_bytes([os.getpid(), *children(os.getpid())])

        await run(40)
        before = await run(10)
        assert await run(120) - before < 4 << 20


def test_servers_die_with_a_killed_host(layers: None) -> None:
    script = (
        "import asyncio, os\n"
        "from koderz.sandbox import *\n"
        "async def main():\n"
        "    async with open_sandbox('namespaces', workers=1) as sandbox:\n"
        "        source = 'def f():\\n    while True: pass'\n"
        "        tests = CallTests(source='print(1); f()', entry_point='f')\n"
        "        asyncio.get_running_loop().call_later(0.4, lambda: print('up', flush=True))\n"
        "        await sandbox.judge(Program(source=source, tests=tests))\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"up\n"
        below = children(host.pid)
        folders = [Path(tempfile.gettempdir(), name) for name in scratch_folders(below)]
        assert len(below) >= 3
        host.kill()
    deadline = time.monotonic() + 10
    while alive := [pid for pid in below if is_alive(pid)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.01)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)  # Kept where no namespace gives them one.


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def scratch_folders(pids: list[int]) -> set[str]:
    """The names of the folders that these servers were given."""
    words = [Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0") for pid in pids]
    return {Path(word).parent.name for line in words for word in line if "/koderz-" in word}

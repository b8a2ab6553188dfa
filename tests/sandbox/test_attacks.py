"""The attack table: nothing in it passes, in any mode, and the host is left as it was."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sandbox.attacks import ESCAPES, EXHAUSTIONS, FORGERIES, Attack
from sandbox.problem import HONEST, LIMITS, MODES

from koderz.sandbox import (
    CallTests,
    Isolation,
    Limits,
    Program,
    Sandbox,
    SharedTests,
    Status,
    Verdict,
)
from koderz.sandbox.programs import Tests

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def judge_all(
    sandbox: Sandbox, source: str, modes: dict[str, Tests], limits: Limits = LIMITS
) -> dict[str, Verdict]:
    verdicts = await asyncio.gather(
        *(sandbox.judge(Program(source=source, tests=tests), limits) for tests in modes.values())
    )
    return dict(zip(modes, verdicts, strict=True))


@pytest.mark.parametrize("attack", FORGERIES, ids=lambda attack: attack.name)
async def test_a_forgery_does_not_pass(sandbox: Sandbox, attack: Attack) -> None:
    for mode, verdict in (await judge_all(sandbox, attack.source, MODES)).items():
        assert not verdict.is_passed, mode
        if attack.statuses and verdict.isolation is Isolation.SEPARATE:
            assert verdict.status in attack.statuses, verdict


@pytest.mark.parametrize("attack", EXHAUSTIONS, ids=lambda attack: attack.name)
async def test_an_exhaustion_is_stopped(sandbox: Sandbox, attack: Attack) -> None:
    modes = {name: MODES[name] for name in ("calls", "cases", "shared")}
    free_before = shutil.disk_usage("/tmp").free
    limits = LIMITS
    if "waiting" in attack.name:  # A second run, alone, follows each.
        modes, limits = {"calls": MODES["calls"]}, msgspec.structs.replace(LIMITS, wall_s=0.5)
    for mode, verdict in (await judge_all(sandbox, attack.source, modes, limits)).items():
        assert not verdict.is_passed, mode
        assert len(verdict.stdout) <= limits.output_bytes
        if attack.statuses:
            assert verdict.status in attack.statuses, verdict
    assert free_before - shutil.disk_usage("/tmp").free < 1 << 28
    assert (await sandbox.judge(HONEST, LIMITS)).is_passed


@pytest.mark.parametrize("attack", ESCAPES, ids=lambda attack: attack.name)
async def test_an_escape_gets_nothing(
    sandbox: Sandbox, attack: Attack, host: dict[str, Any]
) -> None:
    asserts = f"assert add_one(1) in ('out', {host['secret']!r})"
    modes: dict[str, Tests] = {
        "calls": CallTests(source=asserts, entry_point="add_one"),
        "shared": SharedTests(source=asserts, entry_point="add_one"),
    }
    verdicts = await judge_all(sandbox, f"HOST = {host!r}\n{attack.source}", modes)
    for mode, verdict in verdicts.items():
        assert not verdict.is_passed, mode
        given = verdict.failure.actual if verdict.failure else ""
        assert host["secret"] not in given + verdict.error + verdict.stdout + verdict.stderr
    assert find_touched(host["folder"]) == []
    assert (await sandbox.judge(HONEST, LIMITS)).is_passed


def find_touched(folder: str) -> list[Path]:
    beside_python = Path(os.__file__).with_name("touched.py")
    return [*Path(folder).glob("touched*"), *([beside_python] if beside_python.exists() else [])]


async def test_the_listeners_of_the_host_heard_nothing(
    sandbox: Sandbox, listeners: dict[str, socket.socket], host: dict[str, Any]
) -> None:
    for attack in ESCAPES:
        if attack.name in {"TCP", "UDP", "a Unix socket", "datagrams from a socket pair"}:
            program = Program(
                source=f"HOST = {host!r}\n{attack.source}",
                tests=CallTests(source="assert add_one(1) == 'out'", entry_point="add_one"),
            )
            assert (await sandbox.judge(program, LIMITS)).status is Status.DENIED
    for listener in listeners.values():
        with pytest.raises(BlockingIOError):
            listener.recv(1) if listener.type == socket.SOCK_DGRAM else listener.accept()


@pytest.fixture
def listeners(tmp_path: Path) -> Iterator[dict[str, socket.socket]]:
    with contextlib.ExitStack() as stack:
        opened = {
            "tcp": stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
            "udp": stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
            "unix": stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)),
            "unix_datagram": stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)),
        }
        for name, listener in opened.items():
            path = str(tmp_path / name)
            listener.bind(("127.0.0.1", 0) if listener.family == socket.AF_INET else path)
            if listener.family == socket.AF_UNIX:
                Path(path).chmod(0o777)
            if listener.type == socket.SOCK_STREAM:
                listener.listen()
            listener.setblocking(False)  # noqa: FBT003 - socket's own signature.
        yield opened


@pytest.fixture
def host(
    tmp_path: Path, listeners: dict[str, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    secret = os.urandom(8).hex()
    secret_file = tmp_path / "secret"
    secret_file.write_text(secret)
    secret_file.chmod(0o644)
    monkeypatch.setenv("KODERZ_SECRET", secret)
    return {
        "secret": secret,
        "secret_file": str(secret_file),
        "folder": str(tmp_path),
        "pid": os.getpid(),
        "tcp": listeners["tcp"].getsockname()[1],
        "udp": listeners["udp"].getsockname()[1],
        "unix": str(tmp_path / "unix"),
        "unix_datagram": str(tmp_path / "unix_datagram"),
    }

"""The same verdicts on machines that allow less."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCRIPT = f"""
import asyncio, sys
sys.path[:0] = [{str(HERE.parent)!r}, {str(HERE.parent.parent)!r}]
from koderz.errors import SandboxUnavailableError
from koderz.sandbox import open_sandbox, probe_layers
from sandbox.problem import HONEST, LIMITS

async def main():
    print([layer.name for layer in probe_layers() if layer.is_on])
    try:
        async with open_sandbox("namespaces", workers=1) as sandbox:
            print((await sandbox.judge(HONEST, LIMITS)).status)
    except SandboxUnavailableError as refusal:
        print("refused:", refusal)

asyncio.run(main())
"""
NO_MORE_USERS = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"'


def run_in_user_namespace(*words: str) -> list[str]:
    if shutil.which("unshare") is None:
        pytest.skip("no `unshare` program here")
    command = ["unshare", "--user", "--map-root-user", *words, sys.executable, "-c", SCRIPT]
    environment = {"PATH": os.environ["PATH"]}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if ran.returncode and "unshare" in ran.stderr:
        pytest.skip(f"no user namespaces here: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_as_root_of_a_user_namespace() -> None:
    layers, status = run_in_user_namespace()
    assert "namespaces" in layers
    assert status == "passed"


def test_without_namespaces_landlock_and_seccomp_will_do_or_it_is_refused() -> None:
    layers, outcome = run_in_user_namespace("sh", "-c", NO_MORE_USERS)
    assert "namespaces" not in layers
    if "landlock" in layers and "seccomp" in layers:
        assert outcome == "passed"
    else:
        assert outcome.startswith("refused: this machine cannot isolate untrusted code")

"""The sandbox of containers, as far as it can be tested without an engine."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from sandbox.problem import HONEST, LIMITS

from koderz.errors import SandboxUnavailableError
from koderz.sandbox import Isolation, open_sandbox
from koderz.sandbox.docker import DockerLaunch, get_default_image
from koderz.sandbox.worker import FOLDER

# Stands for the docker program: it starts the container's command on this machine.
STAND_IN = f"""#!{sys.executable}
import os, sys
words = sys.argv[1:]
with open({{log!r}}, "a") as log:
    print(*words, file=log)
if words[0] == "image":
    sys.exit({{missing}} and print("Error: No such image", file=sys.stderr) or {{missing}})
if words[0] == "run":
    with open(words[words.index("--cidfile") + 1], "w") as file:
        file.write("c0ffee")
    command = words[words.index("python3"):]
    command = [word.replace("/koderz", {str(FOLDER)!r}) if word == "/koderz" else word
               for word in command]
    os.execv({sys.executable!r}, command)
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *, missing: int = 0) -> Path:
    log = folder / "log"
    program = folder / "docker"
    program.write_text(STAND_IN.format(log=str(log), missing=missing))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))
    return log


def test_the_container_is_shut() -> None:
    command = DockerLaunch(image="python:3.11-slim", use_arrays=False).build_command("/scratch")
    line = " ".join(command)
    for words in (
        "docker run --interactive --rm --pull never",
        "--cidfile /scratch/container",
        "--network none --read-only --cap-drop ALL",
        "--security-opt no-new-privileges --user 65534:65534",
        "--pids-limit 256 --memory 2g --memory-swap 2g",
        f"type=bind,source={FOLDER}/inside,target=/koderz/inside,readonly",
        "--env PYTHONHASHSEED=0",
    ):
        assert words in line
    assert command.index("python:3.11-slim") < command.index("python3")
    assert "--privileged" not in line


async def test_a_program_runs_in_what_docker_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = install(tmp_path, monkeypatch)
    async with open_sandbox("docker", workers=1) as sandbox:
        verdict = await sandbox.judge(HONEST, LIMITS)
    assert verdict.is_passed
    assert verdict.isolation is Isolation.SEPARATE
    asked = log.read_text().splitlines()
    assert asked[0] == f"image inspect {get_default_image()}"
    assert asked[-1] == "kill c0ffee"


async def test_a_missing_image_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, missing=1)
    with pytest.raises(SandboxUnavailableError, match=r"No such image.*docker pull mine:1"):
        async with open_sandbox("docker", workers=1, image="mine:1"):
            pass


async def test_a_missing_docker_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailableError, match="install Docker"):
        async with open_sandbox("docker", workers=1):
            pass


async def test_auto_takes_what_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    async with open_sandbox("auto", workers=1) as sandbox:
        assert (await sandbox.judge(HONEST, LIMITS)).is_passed


@pytest.fixture(autouse=True)
def needs_a_sandbox(layers: None) -> None:
    """What stands for docker here starts a server on this machine."""

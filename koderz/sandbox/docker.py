"""The same servers inside containers, for machines without Linux's layers.

The `docker` program starts one container a worker: no network, a read-only root, no capabilities,
limits on processes and memory. Inside, the layers that a container allows (landlock, seccomp)
stand around every program as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from koderz.errors import SandboxUnavailableError
from koderz.sandbox.forkserver import ForkServerSandbox
from koderz.sandbox.worker import ENVIRONMENT, FLAGS, FOLDER, LAYERS, START, Hello, build_words

_INSIDE = "/koderz"
_SCRATCH = "/tmp"  # noqa: S108 - the container's own, in memory.
_CONTAINER = "container"
_USER = "65534:65534"
_PROCESSES = 256
_MEMORY = "2g"
_DISK = "256m"
_CHECK_TIMEOUT_S = 20.0
_END_TIMEOUT_S = 20.0


def get_default_image() -> str:
    """Python's official image of this version."""
    return f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"


class DockerLaunch(msgspec.Struct, frozen=True, kw_only=True):
    """A server in a container. Its environment is the `docker` program's, not the container's."""

    image: str
    use_arrays: bool
    environment: None = None

    def build_command(self, scratch: str) -> list[str]:
        """`docker run` with everything shut; the container's id is written into `scratch`."""
        variables = [part for item in ENVIRONMENT.items() for part in ("--env", "=".join(item))]
        words = build_words(LAYERS, use_arrays=self.use_arrays)
        return [
            *("docker", "run", "--interactive", "--rm", "--pull", "never"),
            *("--cidfile", str(Path(scratch, _CONTAINER))),
            *("--network", "none", "--read-only", "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges", "--user", _USER),
            *("--pids-limit", str(_PROCESSES), "--memory", _MEMORY, "--memory-swap", _MEMORY),
            *("--tmpfs", f"{_SCRATCH}:rw,nosuid,nodev,size={_DISK}"),
            *("--mount", f"type=bind,source={FOLDER / 'inside'},target={_INSIDE}/inside,readonly"),
            *variables,
            *(self.image, "python3", *FLAGS, "-c", START, _INSIDE, *words, _SCRATCH),
        ]

    def needs_scratch(self, _: Hello, /) -> bool:
        """For the container's id, always."""
        return True

    def end(self, scratch: str) -> None:
        """Kill the container: killing the `docker` program leaves it running."""
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            container = Path(scratch, _CONTAINER).read_text().strip()
            subprocess.run(
                ["docker", "kill", container],  # noqa: S607 - whichever docker the person has.
                capture_output=True,
                check=False,
                timeout=_END_TIMEOUT_S,
            )


async def open_docker(workers: int, image: str = "") -> ForkServerSandbox:
    """A sandbox of containers; SandboxUnavailableError where docker or the image is missing."""
    image = image or get_default_image()
    await _check_image(image)
    sandbox = ForkServerSandbox(
        lambda use_arrays: DockerLaunch(image=image, use_arrays=use_arrays),
        workers,
        is_isolated=True,
        is_contained=True,
    )
    await sandbox.open()
    return sandbox


async def _check_image(image: str) -> None:
    if shutil.which("docker") is None:
        raise SandboxUnavailableError(
            "no `docker` program here: install Docker, or use --sandbox namespaces on Linux"
        )
    asked = await asyncio.create_subprocess_exec(
        *("docker", "image", "inspect", image),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT_S):
            _, told = await asked.communicate()
    except TimeoutError:
        asked.kill()
        await asked.wait()
        raise SandboxUnavailableError("docker does not answer: is its engine running?") from None
    if asked.returncode:
        reason = told.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        raise SandboxUnavailableError(
            f"docker cannot run {image} ({reason[0][:200]}): start its engine, then"
            f" `docker pull {image}`"
        )

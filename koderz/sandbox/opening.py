"""Opening a sandbox of the kind that is asked for, or that this machine has."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from typing import Literal

from koderz.errors import ConfigError, SandboxUnavailableError
from koderz.sandbox.base import Layer, Sandbox, build_layers
from koderz.sandbox.forkserver import ForkServerSandbox
from koderz.sandbox.inside import frames
from koderz.sandbox.worker import LAYERS, HostLaunch, decode_hello, start_process

Kind = Literal["auto", "namespaces", "docker", "none"]
KINDS = ("auto", "namespaces", "docker", "none")


@contextlib.asynccontextmanager
async def open_sandbox(
    kind: Kind = "auto", workers: int | None = None, *, image: str = "", is_eager: bool = False
) -> AsyncIterator[Sandbox]:
    """A sandbox, for as long as the context lasts.

    Args:
        kind: "namespaces" runs programs in child processes with every layer that the kernel has;
            "docker" runs them in containers; "auto" takes the first that works here; "none"
            protects nothing, and every verdict says so.
        workers: how many programs run at once; as many as there are processors if not given.
        image: the image of "docker"; Python's own official one if not given.
        is_eager: start all servers at once, for many programs, and not each when it is needed.

    Raises:
        SandboxUnavailableError: this machine cannot isolate programs so; the message says what
            to install or set.
    """
    if kind not in KINDS:
        raise ConfigError(f"unknown sandbox {kind!r}: use one of {', '.join(KINDS)}")
    sandbox = await _open(kind, workers or os.cpu_count() or 1, image, is_eager=is_eager)
    try:
        yield sandbox
    finally:
        await sandbox.close()


async def _open(kind: Kind, workers: int, image: str, *, is_eager: bool) -> ForkServerSandbox:
    if kind == "auto":
        try:
            return await _open("namespaces", workers, image, is_eager=is_eager)
        except SandboxUnavailableError as refusal:
            with contextlib.suppress(SandboxUnavailableError):
                return await _open("docker", workers, image, is_eager=is_eager)
            raise refusal from None
    if kind == "docker":
        from koderz.sandbox.docker import open_docker

        return await open_docker(workers, image)
    is_isolated = kind == "namespaces"
    sandbox = ForkServerSandbox(
        lambda use_arrays: HostLaunch(use_arrays=use_arrays, layers=LAYERS if is_isolated else ()),
        workers,
        is_isolated=is_isolated,
    )
    await sandbox.open(is_eager=is_eager)
    return sandbox


def probe_layers() -> tuple[Layer, ...]:
    """The layers of this machine, each tried for real in a server that ends at once; blocking.

    Raises:
        SandboxUnavailableError: the server did not start.
    """
    launch = HostLaunch(use_arrays=False)
    with (
        tempfile.TemporaryDirectory(prefix="koderz-") as scratch,
        tempfile.TemporaryFile() as log,
        start_process(launch, scratch, log) as process,
    ):
        frame = frames.read_frame(process.stdout.fileno()) if process.stdout else None
        process.kill()
    if frame is None:
        raise SandboxUnavailableError("the sandbox's server did not start: see `python --version`")
    return build_layers(decode_hello(frame).layers)

"""One fork server and the pipes to it, as seen from the host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

import msgspec

from koderz.errors import SandboxUnavailableError
from koderz.sandbox.inside import codec
from koderz.sandbox.verdicts import Facts

START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from inside.entry import main; main(sys.argv[1:])"
)
FOLDER = Path(__file__).parent
# The environment of the servers, and through them of every program: nothing of the person's. Sets
# and dicts of strings come out in one order everywhere, so that a verdict can be had again; and
# numpy must start no threads, because a process that forks may have one only.
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
}
LAYERS = ("namespaces", "landlock", "seccomp")
FLAGS = ("-s", "-S", "-P", "-X", "utf8")
_START_TIMEOUT_S = 60.0


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says when it is ready; `layers` are the reasons why each is off."""

    layers: list[str]
    threads: int
    can_read_python: bool


def decode_hello(frame: bytes) -> Hello:
    """What a server's first frame says."""
    return msgspec.convert(codec.decode(frame), Hello)


class Launch(Protocol):
    """How a server is started, and what ends with it beside its process."""

    @property
    def environment(self) -> Mapping[str, str] | None:
        """The environment of the command; None is this process's own."""
        ...

    def build_command(self, scratch: str) -> list[str]:
        """The command; `scratch` is an empty folder for this server alone."""
        ...

    def needs_scratch(self, hello: Hello, /) -> bool:
        """Whether the folder is still needed once the server runs."""
        ...

    def end(self, scratch: str) -> None:
        """End what the command has left behind, once it is killed."""
        ...


class HostLaunch(msgspec.Struct, frozen=True, kw_only=True):
    """A server on this machine, with this interpreter; `layers` are those it shall try."""

    use_arrays: bool
    layers: tuple[str, ...] = LAYERS

    @property
    def environment(self) -> Mapping[str, str]:
        """The servers' own, with nothing of the person's."""
        return ENVIRONMENT

    def build_command(self, scratch: str) -> list[str]:
        """The interpreter without anything of the person's, and the server's own arguments."""
        folder = Path(scratch, "programs")
        folder.mkdir()
        # A server of root's becomes another user, who has to reach its own folder in here.
        Path(scratch).chmod(0o711)
        folder.chmod(0o777)
        words = build_words(self.layers, use_arrays=self.use_arrays)
        packages = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        extra = dict.fromkeys(packages) if self.use_arrays else ()
        return [sys.executable, *FLAGS, "-c", START, str(FOLDER), *words, str(folder), *extra]

    def needs_scratch(self, hello: Hello, /) -> bool:
        """For programs' folders, where no namespace gives them a place of their own."""
        return bool(hello.layers[0])

    def end(self, scratch: str) -> None:
        """Nothing: whatever the server started has ended with it."""


def build_words(layers: Sequence[str], *, use_arrays: bool) -> list[str]:
    """The words that tell a server what it is to be."""
    return [",".join(layers), "arrays" if use_arrays else "plain"]


class WorkerLostError(Exception):
    """The server ended, or did not answer, in the middle of a run."""


class Worker:
    """A server that runs one program at a time. Make it with `start_worker`."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        errors: IO[bytes],
        launch: Launch,
        scratch: str,
        processor: int | None,
    ) -> None:
        self.processor = processor
        self._process, self._errors = process, errors
        self._launch, self._scratch = launch, scratch
        self._pipes = Pipes()
        self.is_closed = False

    async def run(
        self, mode: str, limits: Sequence[float], payloads: Sequence[bytes], timeout_s: float
    ) -> tuple[Facts, bytes, bytes]:
        """Run one program: what happened, the report, and the outputs; WorkerLostError."""
        control = codec.encode([mode, list(limits), [len(payload) for payload in payloads]])
        try:
            async with asyncio.timeout(timeout_s):
                await self._pipes.write(codec.encode_frame(control), *payloads)
                facts = msgspec.convert(codec.decode(await self._pipes.read_frame()), Facts)
                report = await self._pipes.reader.readexactly(facts.report_size)
                outputs = await self._pipes.reader.readexactly(facts.outputs_size)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            raise WorkerLostError(self._last_words()) from error
        return facts, report, outputs

    async def greet(self) -> Hello:
        """What the server says of itself once it is ready; WorkerLostError if it never is."""
        if self._process.stdin is not None and self._process.stdout is not None:
            await self._pipes.open(self._process.stdout, self._process.stdin)
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                hello = decode_hello(await self._pipes.read_frame())
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            raise WorkerLostError(self._last_words()) from error
        if not self._launch.needs_scratch(hello):
            shutil.rmtree(self._scratch, ignore_errors=True)
        return hello

    def _last_words(self) -> str:
        """What a server that broke wrote about it."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "no answer"

    def kill(self) -> None:
        """Have the server end; `close` waits for it, and has to follow."""
        self._process.kill()

    def close(self) -> None:
        """End the server with everything that it started, and remove its folder."""
        if self.is_closed:
            return
        self.is_closed = True
        self.kill()
        self._pipes.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:  # Nobody else does, where it was interrupted while it started.
                pipe.close()
        self._process.wait()
        self._errors.close()
        self._launch.end(self._scratch)
        shutil.rmtree(self._scratch, ignore_errors=True)


class Pipes:
    """A server's two pipes on the running loop."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader()
        self._reading: asyncio.ReadTransport | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        """Take over both pipes; `close` closes them."""
        loop = asyncio.get_running_loop()
        self._reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self.reader), incoming
        )
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), outgoing
        )
        self._writer = asyncio.StreamWriter(transport, protocol, None, loop)

    async def write(self, *parts: bytes) -> None:
        """Write all parts, waiting where the server is behind."""
        if self._writer is not None:
            self._writer.writelines(parts)
            await self._writer.drain()

    async def read_frame(self) -> bytes:
        """The next frame that the server writes."""
        length = int.from_bytes(await self.reader.readexactly(4), "little")
        return await self.reader.readexactly(length)

    def close(self) -> None:
        """Close both."""
        if self._writer is not None and not self._writer.transport.is_closing():
            self._writer.transport.abort()
        if self._reading is not None:
            self._reading.close()


async def start_worker(launch: Launch, processor: int | None = None) -> tuple[Worker, Hello]:
    """A server that is ready, and what it says of itself; SandboxUnavailableError otherwise.

    It is started in the thread of the running loop and dies with that thread. It keeps to the
    processor, where one is given.
    """
    scratch = tempfile.mkdtemp(prefix="koderz-")
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker.
    with _on_processor(processor):
        process = start_process(launch, scratch, errors)
    worker = Worker(process, errors, launch, scratch, processor)
    try:
        return worker, await worker.greet()
    except WorkerLostError as error:
        worker.close()
        raise SandboxUnavailableError(f"the sandbox's server did not start: {error}") from error
    except BaseException:
        worker.close()
        raise


@contextlib.contextmanager
def _on_processor(processor: int | None) -> Iterator[None]:
    """What is started in the context keeps to that processor."""
    if processor is None:
        yield
        return
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {processor})
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def start_process(launch: Launch, scratch: str, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """The server's process, which says hello on its stdout once it is ready."""
    return subprocess.Popen(
        launch.build_command(scratch),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=launch.environment,
        start_new_session=True,
    )

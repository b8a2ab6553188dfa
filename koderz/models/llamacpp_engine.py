"""The engine of embedded models: one model loaded at a time, kept warm, unloaded when idle."""

from __future__ import annotations

import asyncio
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import msgspec

from koderz.config.settings import LocalSettings
from koderz.errors import ModelLoadError
from koderz.models.gguf_plan import Plan
from koderz.models.llamacpp_worker import Order, Ready, Refused

DEFAULT_KEEP_LOADED_S = 300.0
END_TIMEOUT_S = 5.0
END_NOTICED_S = 1.0
WORKER = "koderz.models.llamacpp_worker"
# The worker needs no secret: what looks like one is not handed on.
SECRET_ENDINGS = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")


class LoadedModel:
    """A model in a process of its own, at an address of this machine that wants a key."""

    def __init__(self, path: Path, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self.path, self.address, self.key = path, "", secrets.token_urlsafe(32)
        self.plan: Plan | None = None
        self._process, self._log = process, log

    @property
    def process_id(self) -> int:
        """The id of its process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it still answers, or could."""
        return self._process.poll() is None

    async def has_ended(self) -> bool:
        """Whether its process is gone, or goes within a moment: its connections break first."""
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, END_NOTICED_S)
        return not self.is_running

    def describe_end(self) -> str:
        """How its process ended, and what it printed last."""
        code = self._process.poll()
        how = f"code {code}"
        if code is not None and code < 0:
            how = signal.Signals(-code).name
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"{how}{': ' if said else ''}{said[:200]}"

    async def load(self, alias: str, local: LocalSettings) -> None:
        """Load the model; raises ModelLoadError where that is impossible."""
        order = Order(path=str(self.path), alias=alias, key=self.key, local=local)
        line = await asyncio.to_thread(self._exchange, msgspec.json.encode(order) + b"\n")
        if not line:
            self._process.wait(END_TIMEOUT_S)
            raise ModelLoadError(
                f"{self.path}: llama.cpp broke down while it loaded this ({self.describe_end()})"
            )
        answer = msgspec.json.decode(line, type=Ready | Refused)
        if isinstance(answer, Refused):
            raise ModelLoadError(f"{answer.file}: {answer.reason}")
        self.address, self.plan = answer.address, answer.plan

    def _exchange(self, line: bytes) -> bytes:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            return b""
        try:
            stdin.write(line)
            stdin.flush()
            return stdout.readline()
        except (OSError, ValueError):  # It has ended, or was told to.
            return b""

    def end(self) -> None:
        """End its process and give back its memory."""
        self._process.kill()
        self._process.wait(END_TIMEOUT_S)
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                with suppress(OSError):  # An order that it never read cannot be flushed.
                    stream.close()


class Engine:
    """Keeps at most one model loaded, for one event loop; `close` it at the end.

    A model is loaded when it is first used, stays for `keep_loaded_s` after its last use, and
    makes place for another one as soon as nobody uses it.
    """

    def __init__(self, local: LocalSettings, environ: Mapping[str, str]) -> None:
        self._local, self._environ = local, environ
        self._turn = asyncio.Condition()
        self._slots = asyncio.Semaphore(local.parallel)
        self._loaded: LoadedModel | None = None
        self._users = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def loaded(self) -> LoadedModel | None:
        """What is loaded now."""
        return self._loaded

    @asynccontextmanager
    async def use(self, path: Path, alias: str) -> AsyncIterator[LoadedModel]:
        """The model of this file, loaded; one of as many places as may be used at once.

        Raises ModelLoadError where it cannot be loaded.
        """
        async with self._slots:
            model = await self._take(path, alias)
            try:
                yield model
            finally:
                self._users -= 1
                if not self._users:
                    self._start_timer()
                await asyncio.shield(self._tell())

    def close(self) -> None:
        """Unload what is loaded."""
        self._stop_timer()
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.end()

    async def _take(self, path: Path, alias: str) -> LoadedModel:
        async with self._turn:
            await self._turn.wait_for(lambda: not self._users or self._find(path) is not None)
            self._stop_timer()
            model = self._find(path) or await self._load(path, alias)
            self._users += 1
            return model

    def _find(self, path: Path) -> LoadedModel | None:
        loaded = self._loaded
        return loaded if loaded and loaded.path == path and loaded.is_running else None

    async def _load(self, path: Path, alias: str) -> LoadedModel:
        self.close()
        model = start_worker(path, self._environ)
        try:
            await model.load(alias, self._local)
        except BaseException:  # A cancellation too: nothing half loaded stays behind.
            model.end()
            raise
        self._loaded = model
        return model

    async def _tell(self) -> None:
        async with self._turn:
            self._turn.notify_all()

    def _start_timer(self) -> None:
        kept_s = self._local.keep_loaded_s
        wait_s = DEFAULT_KEEP_LOADED_S if kept_s is None else kept_s
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._unload_idle)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _unload_idle(self) -> None:
        if not self._users:
            self.close()


def start_worker(path: Path, environ: Mapping[str, str]) -> LoadedModel:
    """A new process that waits for its order; `-P` keeps the working directory's modules out."""
    log = TemporaryFile()  # noqa: SIM115 - it lives as long as the process, which closes it.
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={
                name: value
                for name, value in environ.items()
                if not name.upper().endswith(SECRET_ENDINGS)
            },
        )
    except OSError as error:
        log.close()
        raise ModelLoadError(f"the engine cannot be started: {error.strerror}") from None
    return LoadedModel(path, process, log)

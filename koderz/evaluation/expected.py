"""Expected outputs: what a problem's reference gives, computed once and kept."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

from koderz.benchmarks.problems import InputTests
from koderz.evaluation.preparing import Prepared, build_reference
from koderz.sandbox import CaseOutputs, Sandbox, Status

_FORMAT: Final = "2"


class ExpectedOutputs:
    """The expected outputs of problems, from the cache folder or from the sandbox.

    Two tasks that ask for the same problem at once wait for one run.
    """

    def __init__(
        self, sandbox: Sandbox, folder: Path, runs: dict[str, asyncio.Task[CaseOutputs]]
    ) -> None:
        self._sandbox, self._folder, self._runs = sandbox, folder, runs

    async def get(self, prepared: Prepared, tests: InputTests) -> CaseOutputs:
        """The outputs of the problem's reference, with the CPU time that it took for them.

        Long ones are digests.
        """
        task_id = prepared.problem.task_id
        if task_id not in self._runs:
            self._runs[task_id] = asyncio.create_task(self._load_or_run(prepared, tests))
        return await asyncio.shield(self._runs[task_id])

    async def _load_or_run(self, prepared: Prepared, tests: InputTests) -> CaseOutputs:
        file = self._folder / f"{_build_key(prepared, tests)}.bin"
        kept = _load(file)
        if kept is not None:
            return kept
        reference = build_reference(prepared, tests)
        outputs = await self._sandbox.run_cases(
            reference.source,
            prepared.problem.entry_point,
            prepared.inputs,
            reference.limits,
            use_arrays=reference.use_arrays,
            # A rule that decides alone has to see every output.
            whole=None if tests.oracle else (),
        )
        if outputs.status is Status.PASSED:
            _keep(file, outputs)
        return outputs


@contextlib.asynccontextmanager
async def open_expected_outputs(
    sandbox: Sandbox, folder: Path | None = None
) -> AsyncIterator[ExpectedOutputs]:
    """Expected outputs for as long as the context lasts; then what is under way ends."""
    runs: dict[str, asyncio.Task[CaseOutputs]] = {}
    try:
        yield ExpectedOutputs(sandbox, get_cache_folder() if folder is None else folder, runs)
    finally:
        for run in runs.values():
            run.cancel()
        await asyncio.gather(*runs.values(), return_exceptions=True)


def get_cache_folder() -> Path:
    """Where expected outputs are kept: a folder that may be deleted at any time."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("koderz")) / "expected"


def _build_key(prepared: Prepared, tests: InputTests) -> str:
    version = f"{_FORMAT} {sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256()
    for part in (version, prepared.problem.entry_point, tests.reference, tests.adapter):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(prepared.inputs)
    return digest.hexdigest()


def _load(file: Path) -> CaseOutputs | None:
    """What the file holds; None where it is not there, or damaged."""
    try:
        return msgspec.msgpack.decode(file.read_bytes(), type=CaseOutputs)
    except (OSError, msgspec.MsgspecError):
        return None


def _keep(file: Path, outputs: CaseOutputs) -> None:
    """Write the file whole or not at all; without a place to write, nothing is kept."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".")
        try:
            with os.fdopen(descriptor, "wb") as partial:
                partial.write(msgspec.msgpack.encode(outputs))
            Path(name).replace(file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

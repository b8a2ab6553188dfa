"""Prints how many commits a second are read and categorised, beside what git alone takes.

Makes a repository of conventional commits (85% have a prefix, the rest are decided by their paths
and words) and one without a prefix anywhere, then reads each: with `git log` alone, the same fields
thrown away (the floor); with `git log --name-only`, which is what asking for every commit's paths
takes; ours, every commit categorised and grouped; and the whole job, which also counts the tokens
of the plain log and of its digest and makes the receipt. CPU seconds are those of git and ours
together, which a busy machine changes little. Target: 40,000 categorised commits a second on the
first.

    python bench/bench_git.py [--commits 60000]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from made_histories import make_commits, write_repo

from koderz.compose import open_router
from koderz.config.loading import load_settings
from koderz.extract.git import build_groups, load_history
from koderz.extract.git.log import FIELDS
from koderz.jobs.git.history import GitHistory

TARGET_PER_S = 40_000
ROUNDS = 3
FORMAT = f"--format={'%x00'.join(FIELDS)}"


def run_log(repo: Path, *options: str) -> None:
    command = ["git", "-C", str(repo), "log", "-z", FORMAT, *options]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def run_ours(repo: Path) -> None:
    build_groups(load_history(repo, with_tokens=False).commits)


def run_job(repo: Path) -> None:
    async def perform() -> None:
        overrides = {"koderz.ledger.path": str(repo / "ledger.sqlite")}
        async with open_router(
            load_settings(environ={}, overrides=overrides), environ={}
        ) as router:
            await router.perform(GitHistory(repo, count=None, use_model=False))

    asyncio.run(perform())


READERS: dict[str, Callable[[Path], None]] = {
    "git log alone": run_log,
    "git log --name-only": lambda repo: run_log(repo, "--name-only"),
    "ours": run_ours,
    "ours, whole job": run_job,
}


def measure(read: Callable[[Path], None], repo: Path) -> tuple[float, float]:
    """The shortest wall time and the least CPU time of a few rounds, in seconds."""
    walls, cpus = [], []
    for _ in range(ROUNDS):
        cpu_s, started = get_cpu_s(), time.perf_counter()
        read(repo)
        walls.append(time.perf_counter() - started)
        cpus.append(get_cpu_s() - cpu_s)
    return min(walls), min(cpus)


def get_cpu_s() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def compare(title: str, repo: Path, count: int) -> float:
    """Prints all readers on one repository; ours in commits a second."""
    sources = Counter(commit.source.value for commit in load_history(repo).commits)
    shares = ", ".join(f"{name} {number / count:.0%}" for name, number in sources.most_common())
    print(f"\n{title}: {count:,} commits, decided by {shares}", flush=True)
    times = {name: measure(read, repo) for name, read in READERS.items()}
    floor_s, _ = times["git log alone"]
    for name, (wall_s, cpu_s) in times.items():
        print(
            f"  {name:<20}{count / wall_s:>10,.0f} commits/s{wall_s / floor_s:>8.2f} x the floor's"
            f" time{cpu_s:>8.2f} s CPU"
        )
    return count / times["ours"][0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=60_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        usual = make_commits(1, options.commits, prefixed=0.85)
        rate = compare("conventional", write_repo(Path(folder) / "a", usual), options.commits)
        bare = make_commits(2, options.commits // 4, prefixed=0)
        repo = write_repo(Path(folder) / "b", bare)
        compare("no prefix anywhere (no target)", repo, options.commits // 4)
    verdict = "reached" if rate >= TARGET_PER_S else "missed"
    print(f"\ntarget {TARGET_PER_S:,} commits/s: {verdict} with {rate:,.0f}")
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; git works beside ours")


if __name__ == "__main__":
    main()

"""What starting costs in CPU: `import koderz` over a bare interpreter, and `koderz --help`.

Each is a process of its own; bare and measured ones take turns, and the median is quoted.
"""

from __future__ import annotations

import platform
import resource
import statistics
import subprocess
import sys

ROUNDS = 15
TARGET_IMPORT_S = 0.06
TARGET_HELP_S = 0.25

BARE = [sys.executable, "-c", "pass"]
IMPORT = [sys.executable, "-c", "import koderz"]
HELP = [sys.executable, "-m", "koderz", "--help"]


def main() -> None:
    bare, imported, helped = [], [], []
    for _ in range(ROUNDS):
        bare.append(measure(BARE))
        imported.append(measure(IMPORT))
        helped.append(measure(HELP))
    over_bare = statistics.median(imported) - statistics.median(bare)
    page = statistics.median(helped)
    print(f"machine        {platform.machine()}, Python {platform.python_version()}")
    print(f"bare python    {statistics.median(bare):.3f} s")
    print(f"import koderz  {over_bare:+.3f} s over bare, {say(over_bare, TARGET_IMPORT_S)}")
    print(f"koderz --help  {page:.3f} s, {say(page, TARGET_HELP_S)}")


def measure(command: list[str]) -> float:
    """CPU seconds of one run, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def say(value_s: float, target_s: float) -> str:
    return f"target at most {target_s} s: {'reached' if value_s <= target_s else 'missed'}"


if __name__ == "__main__":
    main()

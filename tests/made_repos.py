"""Small repositories for tests, written with `git fast-import`: no hooks, no configuration."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

BEGAN_S = 1_767_225_600  # 2026-01-01


class MadeCommit(NamedTuple):
    """A commit to be made: its message, the files it writes, and a second parent by mark."""

    message: str | bytes
    files: Mapping[str, str] = {"src/main.py": "x"}
    merges: int = 0
    encoding: str = ""


def run_git(repo: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repo), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def make_repo(repo: Path, commits: Sequence[MadeCommit | str]) -> Path:
    """A repository with these commits, oldest first, marks from 1 and a minute apart."""
    repo.mkdir(parents=True, exist_ok=True)
    run_git(repo, "init", "--quiet", "--initial-branch=main")
    stream = b"".join(
        _build_commit(number, MadeCommit(each) if isinstance(each, str) else each)
        for number, each in enumerate(commits, start=1)
    )
    subprocess.run(["git", "-C", str(repo), "fast-import", "--quiet"], input=stream, check=True)
    return repo


def _build_commit(number: int, made: MadeCommit) -> bytes:
    raw = made.message
    message = raw if isinstance(raw, bytes) else raw.encode()
    who = f"Ada L. <ada@example.org> {BEGAN_S + 60 * number} +0100\n"
    lines = [f"commit refs/heads/main\nmark :{number}\nauthor {who}committer {who}".encode()]
    if made.encoding:
        lines.append(f"encoding {made.encoding}\n".encode())
    lines.append(b"data %d\n%s\n" % (len(message), message))
    if made.merges:
        lines.append(f"from :{number - 1}\nmerge :{made.merges}\n".encode())
    for path, text in made.files.items():
        # Every commit changes what it touches.
        content = f"{text}\n{number}\n".encode()
        lines.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content)
    return b"".join([*lines, b"\n"])

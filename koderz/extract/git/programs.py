"""Running the `git` program so that a repository can show its history and do nothing else.

A repository's configuration may name programs (pagers, monitors, external diffs, text converters,
signature checkers, transports) and the environment may point elsewhere. All of it is switched off
here: nothing of a repository is executed and nothing is fetched. What the person set globally
stays, because `safe.directory` is kept there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from koderz.errors import JobError

if TYPE_CHECKING:
    from subprocess import Popen

_CONFIG = (
    "core.quotepath=off",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.abbrev=auto",
    "log.showSignature=false",
    "log.mailmap=false",
)
_KEPT_VARIABLES = re.compile(
    r"GIT_(?:EXEC_PATH|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|CONFIG_\w+)"
)
_SET_VARIABLES: Mapping[str, str] = {
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_FLUSH": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_FATAL = re.compile(r"^(?:fatal|error): (.+)$", re.MULTILINE)
_UNKNOWN_RANGE = re.compile(
    r"bad revision|unknown revision|ambiguous argument|bad object|[Ii]nvalid (?:revision|symmetric)"
)
_MOST_ERROR_CHARS = 20_000
# Room for git to work ahead of whoever reads.
_PIPE_BYTES = 1 << 20


class Git:
    """The git program, run in the folder `repo`; JobError where either is not there."""

    def __init__(self, repo: Path) -> None:
        program = shutil.which("git")
        if program is None:
            raise JobError("git is not installed: install it (Debian: apt install git)")
        if not repo.is_dir():
            what = "is not a folder" if repo.exists() else "does not exist"
            raise JobError(f"{repo} {what}: give the repository's folder with --repo")
        self.repo = repo
        config = [word for setting in _CONFIG for word in ("-c", setting)]
        self._command = [program, "--no-pager", "-C", os.fspath(repo), *config]
        self._environ = build_environ(os.environ)

    def run(self, *arguments: str, span: str = "") -> str:
        """All that a short command prints; JobError where it fails, in words about `span`."""
        done = subprocess.run(
            [*self._command, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=self._environ,
            check=False,
        )
        if done.returncode:
            raise self.explain(done.stderr.decode(errors="replace"), span)
        return done.stdout.decode(errors="replace")

    @contextmanager
    def open(
        self, *arguments: str, stdin: int = subprocess.DEVNULL, stdout: int | IO[bytes]
    ) -> Iterator[tuple[Popen[bytes], IO[bytes]]]:
        """A running command and the file of its complaints; it does not outlive the context."""
        with TemporaryFile() as complaints:
            process = subprocess.Popen(
                [*self._command, *arguments],
                stdin=stdin,
                stdout=stdout,
                stderr=complaints,
                env=self._environ,
                pipesize=_PIPE_BYTES,
            )
            try:
                yield process, complaints
            finally:
                process.kill()
                for pipe in (process.stdin, process.stdout):
                    if pipe:
                        _close(pipe)
                process.wait()

    def explain(self, complaints: str, span: str) -> JobError:
        """What git's complaints mean for whoever asked, in a line that names the next step."""
        repo = self.repo
        if "not a git repository" in complaints:
            return JobError(f"{repo} is not in a git repository: name one with --repo")
        if "dubious ownership" in complaints:
            owner = f"git config --global --add safe.directory {repo.resolve()}"
            return JobError(
                f"{repo} belongs to another user, so git does not read it; if you trust it: {owner}"
            )
        if "does not have any commits yet" in complaints:
            return JobError(f"{repo} has no commits yet: there is no history to list")
        if span and _UNKNOWN_RANGE.search(complaints):
            advice = "`git branch -a` and `git tag` list its names"
            return JobError(f"{repo} has no commit or range {span!r}: {advice}")
        return JobError(f"git cannot read the history of {repo}: {summarize(complaints)}")


def build_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that git runs in: no variable that sends it elsewhere or makes it talk."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith("GIT_") or _KEPT_VARIABLES.fullmatch(name)
    }
    kept.pop("LANGUAGE", None)
    return kept | dict(_SET_VARIABLES)


def summarize(complaints: str) -> str:
    """The first complaint in one line that a terminal can show."""
    found = _FATAL.search(complaints)
    line = found[1] if found else next(iter(complaints.split("\n")), "")
    visible = "".join(char if char.isprintable() else " " for char in line.strip()[:300])
    return visible or "it gave no reason"


def read_complaints(file: IO[bytes]) -> str:
    """What a command complained of so far."""
    file.seek(0)
    return file.read(_MOST_ERROR_CHARS).decode(errors="replace")


def split_fields(stream: IO[bytes], block_bytes: int = 1 << 18) -> Iterator[tuple[list[str], bool]]:
    """The fields of a stream in which each ends in NUL, some at a time.

    With them: whether bytes that are no UTF-8 were replaced by U+FFFD. A field without its end is
    left out.
    """
    held: list[bytes] = []
    while block := stream.read(block_bytes):
        end = block.rfind(b"\0")
        if end < 0:
            held.append(block)
            continue
        whole = b"".join([*held, block[:end]])
        held = [block[end + 1 :]]
        try:
            text, is_replaced = whole.decode(), False
        except UnicodeDecodeError:
            text, is_replaced = whole.decode(errors="replace"), True
        yield text.split("\0"), is_replaced


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        # What was still to be written is of no use to a program that has left.
        return

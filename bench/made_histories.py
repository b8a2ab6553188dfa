"""Repositories made for measuring: commits of known types, written with `git fast-import`.

Subjects are filled from phrases of each kind, some of which could be of several; what a commit
touches mostly fits its type and sometimes does not, as in histories that people write.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

BEGAN_S = 1_600_000_000

# How often conventional projects use each type, about.
SHARES = {
    "fix": 30,
    "feat": 22,
    "docs": 11,
    "chore": 9,
    "refactor": 9,
    "test": 7,
    "build": 5,
    "ci": 4,
    "perf": 2,
    "style": 1,
}
PHRASES = {
    "fix": """
        fix crash when {a} {b} is empty
        fix {a} {b}
        handle missing {a} in {b}
        fix wrong {a} in {b}
        prevent {a} from leaking the {b}
        avoid a race between {a} and {b}
        correct the {a} of {b}
        return the right {a} for {b}
        fixes {a} after {b} reset
        do not lose {a} on {b} restart
        fix regression in {a} {b}
        make {a} respect {b}
        {a} no longer ignores {b}
        fix {a} types
    """,
    "feat": """
        add {a} to {b}
        add support for {a} {b}
        allow {a} in {b}
        implement {a} {b}
        show {a} in {b}
        introduce {a} for {b}
        add an option to {a} the {b}
        new {a} command
        let {b} choose its {a}
        support {a} for {b}
        expose {a} of {b}
        add {a} {b}
        {b} can now {a}
        enable {a} by default
    """,
    "docs": """
        update README
        explain {a}
        document {a} of {b}
        fix typo
        fix typo in {a}
        add example of {a}
        improve wording of {a}
        describe {a} and {b}
        add {a} guide
        fix link to {b}
        mention {a}
    """,
    "chore": """
        update {a} config
        release {v}
        {v}
        bump version to {v}
        remove unused {a}
        clean up {a}
        prepare {b}
        update copyright
        ignore {a} files
        tidy {a}
        update {a}
    """,
    "refactor": """
        simplify {a}
        extract {a} from {b}
        rename {a} to {b}
        move {a} into {b}
        refactor {a} {b}
        split {a}
        remove dead {a}
        inline {a}
        use {b} for {a}
        reorganise {a}
    """,
    "test": """
        add tests for {a}
        cover {a} of {b}
        add regression test for {a}
        fix flaky {a} test
        check {a} with {b}
        more {a} cases
        fix {a}
        test {a} on {b}
    """,
    "build": """
        bump {a} from {v} to {v}
        upgrade {a}
        update dependencies
        update dependency {a} to v2
        fix build on windows
        package {a}
        pin {a}
        drop {a} dependency
    """,
    "ci": """
        run {a} on push
        cache {a}
        fix workflow
        use python 3.12
        add {a} job
        split {a} jobs
        fix {a} on main
        upload {a}
    """,
    "perf": """
        speed up {a}
        make {a} faster
        improve performance of {a}
        cache {a}
        avoid copying {a}
        reduce memory of {a}
    """,
    "style": """
        format {a}
        fix lint
        sort imports
        run formatter
        whitespace
    """,
}
NOUNS = """
    cache token parser route ledger budget stream client answer retry socket page index
    shape line session queue layout cursor filter payload widget request schema header
    upload menu theme
"""
WORDS = NOUNS.split()
CODE = ("src/{a}/{b}.py", "src/{a}.py", "lib/{a}/{b}.ts", "cmd/{a}.go")
HOMES = {
    "docs": ("README.md", "docs/{a}.md", "docs/{a}/{b}.rst"),
    "test": ("tests/test_{a}.py", "tests/{a}/test_{b}.py", "lib/{a}.test.ts"),
    "ci": (".github/workflows/{a}.yml", ".github/workflows/ci.yml"),
    "build": ("uv.lock", "package-lock.json", "pyproject.toml", "Makefile"),
    "chore": ("pyproject.toml", ".gitignore", "CHANGELOG.md", "src/version.py"),
}
AT_HOME = 0.85
WITH_TESTS = 0.35
WITH_BODY = 0.4
WITH_SCOPE = 0.5

_PREFIX = re.compile(rb"^[a-z]+(?:\([^()]*\))?!?: (?=\S)")


class Made(NamedTuple):
    """A commit to be made; its type is known."""

    type: str
    message: str
    paths: tuple[str, ...]


def make_commits(seed: int, count: int, *, prefixed: float = 1.0) -> Iterator[Made]:
    """Commits whose subjects have a prefix with this probability."""
    rnd = random.Random(seed)
    for _ in range(count):
        kind = rnd.choices(list(SHARES), list(SHARES.values()))[0]
        a, b = rnd.sample(WORDS, 2)
        subject = rnd.choice(PHRASES[kind].strip().splitlines()).strip()
        version = f"{rnd.randrange(5)}.{rnd.randrange(20)}.{rnd.randrange(9)}"
        subject = subject.format(a=a, b=b, v=version)
        if rnd.random() < prefixed:
            scope = f"({rnd.choice(WORDS)})" if rnd.random() < WITH_SCOPE else ""
            subject = f"{kind}{scope}: {subject}"
        else:
            subject = subject[0].upper() + subject[1:]
        yield Made(kind, subject + _make_body(rnd), _make_paths(rnd, kind))


def write_repo(repo: Path, commits: Iterable[Made]) -> Path:
    """A repository with these commits, oldest first, ten minutes apart."""
    _init(repo)
    command = ["git", "-C", str(repo), "fast-import", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as importer:
        assert importer.stdin
        for number, commit in enumerate(commits):
            importer.stdin.write(_encode(number, commit))
    if importer.returncode:
        raise SystemExit(f"git fast-import failed with {importer.returncode}")
    return repo


def hide_prefixes(source: Path, repo: Path, span: str = "HEAD") -> Path:
    """The same history in another repository, conventional prefixes cut off its subjects."""
    _init(repo)
    export = [
        "git",
        "-C",
        str(source),
        "fast-export",
        "--no-data",
        "--reencode=no",
        "--signed-tags=strip",
    ]
    stream = subprocess.run([*export, span], stdout=subprocess.PIPE, check=True).stdout
    empty = b"blob\nmark :9999999999\ndata 0\n"
    subprocess.run(
        ["git", "-C", repo, "fast-import", "--quiet", "--force"],
        input=empty + b"".join(_rewrite(stream)),
        check=True,
    )
    return repo


def _rewrite(stream: bytes) -> Iterator[bytes]:
    """The export with shorter messages; any content will do, as long as it changes."""
    place, serial, is_message = 0, 0, False
    while place < len(stream):
        end = stream.index(b"\n", place) + 1
        line, place = stream[place:end], end
        if line.startswith(b"commit "):
            is_message = True
            name = b"refs/heads/main"
            yield b"commit " + name + b"\n"
        elif line.startswith(b"data ") and is_message:
            size = int(line[5:])
            message, place = stream[place : place + size], place + size
            is_message = False
            short = _PREFIX.sub(b"", message)
            short = short[:1].upper() + short[1:] if short != message else short
            yield b"data %d\n%s\n" % (len(short), short)
        elif line.startswith(b"M "):
            _, mode, _, path = line.split(b" ", 3)
            if mode == b"160000":
                continue
            serial += 1
            content = b"%d" % serial
            yield b"M %s inline %sdata %d\n%s\n" % (mode, path, len(content), content)
        elif not line.startswith((b"reset ", b"tag ", b"gpgsig ")):
            yield line


def _init(repo: Path) -> None:
    repo.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", repo], check=True)


def _make_body(rnd: random.Random) -> str:
    if rnd.random() >= WITH_BODY:
        return ""
    lines = [" ".join(rnd.choices(WORDS, k=9)) for _ in range(rnd.randrange(1, 5))]
    return "\n\n" + "\n".join(lines) + "\n\nSigned-off-by: Ada L. <ada@example.org>"


def _make_paths(rnd: random.Random, kind: str) -> tuple[str, ...]:
    homes = HOMES.get(kind, CODE) if rnd.random() < AT_HOME else CODE
    chosen = [rnd.choice(homes) for _ in range(rnd.choice((1, 1, 1, 2, 3)))]
    if homes is CODE and rnd.random() < WITH_TESTS:
        chosen.append(rnd.choice(HOMES["test"]))
    return tuple({path.format(a=rnd.choice(WORDS), b=rnd.choice(WORDS)) for path in chosen})


def _encode(number: int, commit: Made) -> bytes:
    message = commit.message.encode()
    parts = [
        b"commit refs/heads/main\ncommitter Ada L. <ada@example.org> %d +0100\ndata %d\n%s\n"
        % (BEGAN_S + 600 * number, len(message), message)
    ]
    for path in commit.paths:
        content = b"%d" % number
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
    return b"".join(parts)

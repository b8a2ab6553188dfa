"""What README and docs show is run: commands, programs and settings."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from made_repos import make_repo, run_git

from koderz.config.loading import load_settings

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# These serve until they are stopped, fetch, need a model, or are make's own; their tests stand
# elsewhere.
NOT_RUN = (
    "koderz web https:",
    "koderz map ",
    "koderz classify tickets.txt",
    "koderz simulate",
    "koderz local pull",
    "koderz download-data",
    "make ",
)

# Pages show what stands in a coroutine without the coroutine around it.
RUN_PROGRAM = """
import ast, asyncio, inspect
program = compile(open("program.py").read(), "program.py", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
started = eval(program, {"__name__": "__main__"})
if inspect.iscoroutine(started):
    asyncio.run(started)
"""


def list_blocks(language: str) -> list[tuple[str, str]]:
    return [
        (page.name, found[2])
        for page in PAGES
        for found in FENCE.finditer(page.read_text(encoding="utf-8"))
        if found[1] == language
    ]


def list_commands() -> list[tuple[str, str]]:
    return [
        (page, line.removeprefix("$ ").split("  #")[0].strip())
        for page, block in list_blocks("console")
        for line in block.splitlines()
        if line.startswith("$ ")
    ]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a reader has one: a large log, a repository, and nobody who answers."""
    lines = [f"12:00:{second % 60:02d} INFO worker {second} done" for second in range(3000)]
    lines[1200] = "12:20:00 ERROR disk full: cannot write /var/lib/app/state"
    for name in ("build.log", "server.log"):
        (tmp_path / name).write_text("\n".join([*lines, ""]))
    sample = '{"task_id": "starter/0", "raw": "It cannot be done."}'
    (tmp_path / "samples.jsonl").write_text(f"{sample}\n")
    make_repo(tmp_path, ["feat(api): paging", "Release 1.2", "fix: a crash"])
    run_git(tmp_path, "tag", "v1.2", "HEAD~1")
    (tmp_path / "tickets.csv").write_text("id,text\n1,it crashes\n2,how do I pay?\n3,thank you\n")
    (tmp_path / "tickets.jsonl").write_text('{"id": "1", "text": "it crashes"}\n')
    labelled = ["it crashed,bug", "it hangs,bug", "how do I log in?,question", "great,praise"]
    (tmp_path / "labelled.csv").write_text("\n".join(["text,label", *labelled, ""]))
    proxies = "<p>Set HTTPS_PROXY to the address of the proxy, then start again.</p>" * 40
    (tmp_path / "saved.html").write_text(f"<h1>Guide</h1><h2>Proxies</h2>{proxies}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    return tmp_path


def run(command: list[str], place: Path) -> str:
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.parametrize(("page", "command"), list_commands())
def test_commands_that_the_pages_show_work(page: str, command: str, place: Path) -> None:
    if command.startswith(NOT_RUN):
        pytest.skip("served, fetched, asked or made elsewhere")
    assert command.startswith("koderz "), f"{page}: a reader could not run {command!r}"
    run([sys.executable, "-m", *shlex.split(command)], place)


@pytest.mark.parametrize(("page", "program"), list_blocks("python"))
def test_programs_that_the_pages_show_work(page: str, program: str, place: Path) -> None:
    (place / "program.py").write_text(program)
    (place / "run.py").write_text(RUN_PROGRAM)
    run([sys.executable, "run.py"], place)


@pytest.mark.parametrize(("page", "settings"), list_blocks("toml"))
def test_settings_that_the_pages_show_are_right(page: str, settings: str, place: Path) -> None:
    (place / "koderz.toml").write_text(settings)
    assert load_settings(file=place / "koderz.toml").warnings == (), page


def test_the_pages_link_to_what_is_there() -> None:
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", *(ROOT / "docs" / "decisions").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"

"""A repository's log is read whole and as it is, whatever is in it, and nothing of it is run."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from made_repos import BEGAN_S, MadeCommit, make_repo, run_git

from koderz.errors import JobError
from koderz.extract.git import CommitType, History, Source, Stat, build_groups, load_history
from koderz.extract.git.diffs import MOST_PATHS
from koderz.extract.git.messages import MOST_SUBJECT_CHARS
from koderz.extract.git.programs import Git, build_environ
from koderz.tokens import count_tokens

MIXED = [
    MadeCommit("Start", {"src/main.py": "a", "README.md": "b"}),
    MadeCommit("feat(api)!: paging\n\nSome words.\n\nReviewed-by: Bo <b@x>"),
    MadeCommit("Say more", {"README.md": "c", "docs/a.rst": "d"}),
    MadeCommit("Cover it", {"tests/test_main.py": "e"}),
    MadeCommit("Lock", {"uv.lock": "f"}),
    MadeCommit("Pipeline", {".github/workflows/ci.yml": "g"}),
    MadeCommit("Fix the crash"),
    MadeCommit("Fix the other crash", {"tests/test_main.py": "h"}),
    MadeCommit('Revert "Fix the crash"\n\nThis reverts commit 0123456789abcdef.'),
    MadeCommit("mm: page\n\nFixes: 0123456789ab"),
    MadeCommit("Side by side", merges=3),
    MadeCommit("Change things", {f"src/{n}.py": "i" for n in range(9)}),
]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repo(tmp_path_factory.mktemp("mixed") / "repo", MIXED)


def add_signature(repo: Path) -> None:
    """Make the newest commit one that says it is signed."""
    head, message = run_git(repo, "cat-file", "commit", "HEAD").split("\n\n", 1)
    seal = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abcd\n -----END PGP SIGNATURE-----"
    signed = subprocess.run(
        ["git", "-C", str(repo), "hash-object", "-t", "commit", "-w", "--stdin"],
        input=f"{head}\n{seal}\n\n{message}",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    run_git(repo, "update-ref", "refs/heads/main", signed)


def list_types(history: History) -> list[tuple[str, str]]:
    """Types and sources, oldest first."""
    return [(commit.type.value, commit.source.value) for commit in reversed(history.commits)]


def test_each_commit_has_a_type_and_what_decided_it(mixed: Path) -> None:
    history = load_history(mixed)
    assert list_types(history) == [
        ("uncategorised", "none"),
        ("feat", "prefix"),
        ("docs", "paths"),
        ("test", "paths"),
        ("build", "paths"),
        ("ci", "paths"),
        ("fix", "wording"),
        ("test", "paths"),
        ("revert", "revert"),
        ("fix", "trailer"),
        ("merge", "merge"),
        ("uncategorised", "none"),
    ]
    feat = history.commits[-2]
    assert (feat.scope, feat.is_breaking, feat.author) == ("api", True, "Ada L.")
    assert feat.subject == "feat(api)!: paging"
    assert feat.trailers == (("Reviewed-by", "Bo <b@x>"),)
    assert feat.date == datetime.fromtimestamp(BEGAN_S + 120, UTC)
    assert history.commits[3].reverts == "0123456789abcdef"
    assert not history.is_more
    assert history.notes == ()


def test_hashes_are_gits_own_in_its_order(mixed: Path) -> None:
    wanted = run_git(mixed, "log", "--format=%H").split()
    history = load_history(mixed)
    assert [commit.hash for commit in history.commits] == wanted
    assert run_git(mixed, "log", "--format=%h").split() == [
        each[: history.hash_chars] for each in wanted
    ]


def test_tokens_are_those_of_the_plain_log(mixed: Path) -> None:
    assert load_history(mixed).tokens_in == count_tokens(run_git(mixed, "log"))
    three = run_git(mixed, "log", "--max-count=3")
    assert load_history(mixed, count=3).tokens_in == count_tokens(three)


def test_only_what_stays_open_has_an_excerpt(mixed: Path) -> None:
    history = load_history(mixed)
    assert set(history.excerpts) == {
        commit.hash for commit in history.commits if commit.source is Source.NONE
    }
    newest = history.excerpts[history.commits[0].hash]
    assert newest.path_count == 9
    assert newest.paths == tuple(f"src/{n}.py" for n in range(MOST_PATHS))


def test_a_range_dates_and_a_count_select(mixed: Path) -> None:
    assert len(load_history(mixed, "HEAD~3..HEAD").commits) == 3
    assert len(load_history(mixed, count=4).commits) == 4
    assert load_history(mixed, count=4).is_more
    assert not load_history(mixed, count=len(MIXED)).is_more
    since = load_history(mixed, since="2026-01-01T00:10:30Z")
    assert len(since.commits) == 2
    assert len(load_history(mixed, until="2026-01-01T00:02:30Z").commits) == 2
    assert load_history(mixed, "HEAD..HEAD").commits == ()


def test_statistics_are_gits_own(tmp_path: Path) -> None:
    repo = make_repo(
        tmp_path, ["feat: a", MadeCommit("fix: b", {"a": "1\n2", "b": "3"}), MadeCommit("c", {})]
    )
    stats = [commit.stat for commit in load_history(repo, with_stats=True).commits]
    assert stats == [Stat(0, 0, 0), Stat(2, 5, 0), Stat(1, 2, 0)]
    assert load_history(repo).commits[0].stat is None


def test_groups_hold_every_hash_once(mixed: Path) -> None:
    commits = load_history(mixed).commits
    for by in ("type", "scope"):
        groups = build_groups(commits, "type" if by == "type" else "scope")
        hashes = [each for group in groups for part in group.parts for each in part.hashes]
        assert sorted(hashes) == sorted(commit.hash for commit in commits)
        assert all(
            group.hashes == tuple(h for part in group.parts for h in part.hashes)
            for group in groups
        )
    names = [group.name for group in build_groups(commits)]
    assert names == [kind.value for kind in CommitType if kind.value in names]
    assert [group.name for group in build_groups(commits, "scope")] == ["api", "deps", ""]


def test_messages_in_other_encodings_are_read_as_they_are_declared(tmp_path: Path) -> None:
    repo = make_repo(
        tmp_path,
        [
            MadeCommit("fix: café".encode("latin-1"), encoding="ISO-8859-1"),
            MadeCommit("fix: café".encode("latin-1")),
            MadeCommit("fix: café"),
        ],
    )
    history = load_history(repo)
    subjects = [commit.subject for commit in history.commits]
    assert subjects == ["fix: café", "fix: caf\N{REPLACEMENT CHARACTER}", "fix: café"]
    assert [note for note in history.notes if "U+FFFD" in note]
    assert "1 message" in history.notes[0]


def test_a_huge_subject_is_cut_and_a_huge_message_read(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, ["fix: " + "long " * 200_000, "docs: b\n\n" + "x" * 3_000_000])
    history = load_history(repo)
    assert [commit.type.value for commit in history.commits] == ["docs", "fix"]
    assert len(history.commits[1].subject) == MOST_SUBJECT_CHARS
    assert any("cut off" in note for note in history.notes)


def test_paths_of_any_name_stay_with_their_commit(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, ["one"])
    name = run_git(repo, "rev-parse", "HEAD").strip()
    run_git(repo, "reset", "--quiet", "--hard")
    for path in (name, "docs/a\nb.md", "docs/é\t.md", "-x"):
        (repo / path).parent.mkdir(exist_ok=True)
        (repo / path).write_text("x")
    run_git(repo, "add", "--", "docs")
    commit = ("-c", "user.name=A", "-c", "user.email=a@x", "commit", "--quiet", "-m")
    run_git(repo, *commit, "two")
    run_git(repo, "add", "--all")
    run_git(repo, *commit, "three")
    history = load_history(repo)
    assert list_types(history)[1:] == [("docs", "paths"), ("uncategorised", "none")]
    assert history.excerpts[history.commits[0].hash].paths == ("-x", name)


def test_of_a_shallow_clone_the_edge_is_not_judged_by_its_files(tmp_path: Path) -> None:
    made = [MadeCommit(f"say {n}", {"docs/a.md": "x"}) for n in range(4)]
    make_repo(tmp_path / "whole", made)
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=2", f"file://{tmp_path / 'whole'}", tmp_path / "part"],
        check=True,
        capture_output=True,
    )
    history = load_history(tmp_path / "part", with_stats=True)
    assert list_types(history) == [("uncategorised", "none"), ("docs", "paths")]
    assert [commit.stat is None for commit in history.commits] == [False, True]
    assert any("shallow" in note for note in history.notes)


def test_objects_that_are_not_here_are_never_fetched(tmp_path: Path) -> None:
    make_repo(tmp_path / "whole", ["one", "two", "fix: three"])
    run_git(tmp_path / "whole", "config", "uploadpack.allowFilter", "true")
    subprocess.run(
        ["git", "clone", "--quiet", "--bare", "--filter=tree:0", f"file://{tmp_path / 'whole'}",
         tmp_path / "part"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    mark = tmp_path / "fetched"
    run_git(tmp_path / "part", "config", "remote.origin.uploadpack", f"touch {mark}; false")
    history = load_history(tmp_path / "part", with_stats=True)
    assert history.commits[0].type is CommitType.FIX
    assert not mark.exists()
    assert any("paths" in note for note in history.notes)


def test_no_program_that_a_repository_names_is_run(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo", ["one", MadeCommit("two", {"a.txt": "x"})])
    add_signature(repo)
    mark = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "pager.log",
        "diff.external",
        "diff.odd.command",
        "diff.odd.textconv",
        "gpg.program",
        "core.sshCommand",
        "alias.log",
        "alias.rev-parse",
    ):
        run_git(repo, "config", key, str(program) if "alias" not in key else f"!{program}")
    run_git(repo, "config", "log.showSignature", "true")
    run_git(repo, "config", "core.hooksPath", str(tmp_path))
    (repo / ".gitattributes").write_text("* diff=odd\n")
    (repo / ".git" / "info").mkdir(exist_ok=True)
    (repo / ".git" / "info" / "attributes").write_text("* diff=odd\n")
    assert len(load_history(repo, with_stats=True).commits) == 2
    assert not mark.exists()


def test_a_configuration_changes_nothing_of_what_is_read(mixed: Path, tmp_path: Path) -> None:
    plain = load_history(mixed, with_stats=True)
    repo = tmp_path / "repo"
    subprocess.run(["cp", "-r", str(mixed), str(repo)], check=True)
    for key, value in {
        "log.decorate": "full",
        "log.date": "relative",
        "log.follow": "true",
        "format.pretty": "oneline",
        "color.ui": "always",
        "core.quotepath": "on",
        "core.abbrev": "40",
        "diff.renames": "copies",
        "diff.noprefix": "true",
        "i18n.logOutputEncoding": "UTF-16",
        "notes.displayRef": "refs/notes/*",
    }.items():
        run_git(repo, "config", key, value)
    told = load_history(repo, with_stats=True)
    assert told.commits == plain.commits
    assert (told.tokens_in, told.hash_chars) == (plain.tokens_in, plain.hash_chars)


def test_the_environment_cannot_send_git_elsewhere(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_repo(tmp_path / "other", ["other"])
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_TRACE", "1")
    monkeypatch.setenv("GIT_PAGER", "false")
    assert len(load_history(mixed).commits) == len(MIXED)
    environ = build_environ(dict(os.environ) | {"GIT_CONFIG_GLOBAL": "x", "LANGUAGE": "de"})
    assert environ["GIT_CONFIG_GLOBAL"] == "x"
    assert not {"GIT_DIR", "GIT_TRACE", "LANGUAGE"} & set(environ)


def test_a_name_that_looks_like_an_option_is_a_name(mixed: Path, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    subprocess.run(["cp", "-r", str(mixed), str(repo)], check=True)
    head = run_git(repo, "rev-parse", "HEAD~2").strip()
    (repo / ".git/refs/heads/--output=x").write_text(f"{head}\n")
    assert len(load_history(repo, "--output=x").commits) == len(load_history(mixed, head).commits)
    assert not (repo / "x").exists()
    with pytest.raises(JobError, match="no commit or range '--all'"):
        load_history(repo, "--all")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"count": 0}, "-n 0 asks for no commits"),
        ({"count": -3}, "-n -3 asks"),
        ({"count": 10**30}, "more commits than git counts"),
        ({"span": "no-such"}, "no commit or range 'no-such'"),
        ({"span": "HEAD..no-such"}, "no commit or range"),
        ({"span": "a b"}, "no commit or range"),
        ({"span": "x\n--all"}, "control characters"),
        ({"since": "some time or other"}, "does not understand the date 'some time or other'"),
        ({"until": "x\0y"}, "control characters"),
    ],
)
def test_what_cannot_be_selected_is_said_in_a_line(
    mixed: Path, options: dict[str, object], said: str
) -> None:
    with pytest.raises(JobError, match=said) as caught:
        load_history(mixed, **options)  # type: ignore[arg-type] # a table of bad options
    assert "\n" not in str(caught.value)


def test_a_folder_without_history_is_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="not in a git repository"):
        load_history(tmp_path)
    with pytest.raises(JobError, match="does not exist"):
        load_history(tmp_path / "no")
    (tmp_path / "file").write_text("x")
    with pytest.raises(JobError, match="is not a folder"):
        load_history(tmp_path / "file")
    run_git(tmp_path, "init", "--quiet")
    with pytest.raises(JobError, match="has no commits yet"):
        load_history(tmp_path)
    with pytest.raises(JobError, match="no commit or range 'HEAD'"):
        load_history(tmp_path, "HEAD")


def test_a_broken_repository_is_said_or_noted(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo", [f"fix: {n}" for n in range(5)])
    pack = next((repo / ".git/objects/pack").glob("*.pack"), None)
    if pack:
        moved = tmp_path / "moved.pack"
        pack.rename(moved)
        for rest in (repo / ".git/objects/pack").iterdir():
            rest.unlink()
        with moved.open("rb") as file:
            subprocess.run(["git", "-C", str(repo), "unpack-objects", "-q"], stdin=file, check=True)
    oldest = run_git(repo, "rev-list", "HEAD").split()[-2]
    lost = repo / ".git/objects" / oldest[:2] / oldest[2:]
    lost.chmod(0o644)
    lost.unlink()
    history = load_history(repo)
    assert 0 < len(history.commits) < 5
    assert any("git stopped before the end" in note for note in history.notes)


def test_without_git_it_says_so(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(JobError, match="git is not installed"):
        load_history(mixed)


def test_a_repository_of_another_user_is_explained(mixed: Path) -> None:
    complaint = f"fatal: detected dubious ownership in repository at '{mixed}'\nTo add an exception"
    error = Git(mixed).explain(complaint, "")
    assert f"git config --global --add safe.directory {mixed.resolve()}" in str(error)
    assert error.exit_code == 2


def test_reading_ends_when_its_progress_says_so(mixed: Path) -> None:
    def stop(_done: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        load_history(mixed, progress=stop)

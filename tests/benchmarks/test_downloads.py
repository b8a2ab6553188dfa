"""Downloads from a server on loopback that breaks off, lies and goes away."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from scripted_server import Reply, ScriptedServer, open_scripted_server

from koderz.benchmarks import downloads
from koderz.benchmarks.downloads import SOURCES, Source, fetch_dataset, get_source
from koderz.errors import ConfigError, JobError, StoreError

CONTENT = bytes(range(256)) * 4096
HALF = len(CONTENT) // 2
BROKEN = Reply(headers={"content-length": str(len(CONTENT))}, chunks=(CONTENT[:HALF],), is_cut=True)
WHOLE = Reply(chunks=(CONTENT,))
REST = Reply(status=206, chunks=(CONTENT[HALF:],))


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with open_scripted_server() as running:
        yield running


def build_source(server: ScriptedServer, sha256: str = "") -> Source:
    return Source(
        filename="x.jsonl.gz",
        version="v1",
        page="https://example.org",
        url=f"{server.url}/x.jsonl.gz",
        sha256=sha256 or hashlib.sha256(CONTENT).hexdigest(),
    )


def list_names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def say_nothing(_done: int, _total: int) -> None:
    """No progress is shown."""


async def test_a_file_is_fetched_checked_and_put_in_place(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.play(Reply(headers={"content-length": str(len(CONTENT))}, chunks=(CONTENT,)))
    seen: list[tuple[int, int]] = []
    folder = tmp_path / "new" / "folder"
    path = await fetch_dataset(build_source(server), folder, lambda *each: seen.append(each))
    assert path.read_bytes() == CONTENT
    assert list_names(folder) == ["x.jsonl.gz"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))


async def test_a_file_that_is_there_is_not_fetched_again(
    server: ScriptedServer, tmp_path: Path
) -> None:
    (tmp_path / "x.jsonl.gz").write_bytes(CONTENT)
    await fetch_dataset(build_source(server), tmp_path, say_nothing)
    assert server.seen == []


async def test_a_file_that_is_not_the_published_one_is_replaced(
    server: ScriptedServer, tmp_path: Path
) -> None:
    (tmp_path / "x.jsonl.gz").write_bytes(b"an older one")
    server.play(WHOLE)
    path = await fetch_dataset(build_source(server), tmp_path, say_nothing)
    assert path.read_bytes() == CONTENT


async def test_a_broken_connection_is_gone_on_with(server: ScriptedServer, tmp_path: Path) -> None:
    server.play(BROKEN, REST)
    path = await fetch_dataset(build_source(server), tmp_path, say_nothing)
    assert path.read_bytes() == CONTENT
    assert [each.headers.get("range") for each in server.seen][1] == f"bytes={HALF}-"


async def test_what_was_fetched_is_kept_for_the_next_call(
    server: ScriptedServer, tmp_path: Path
) -> None:
    cut = Reply(status=206, headers={"content-length": str(HALF)}, chunks=(), is_cut=True)
    server.play(BROKEN, cut)
    with pytest.raises(JobError, match=f"{HALF:,} bytes are kept"):
        await fetch_dataset(build_source(server), tmp_path, say_nothing)
    assert list_names(tmp_path) == ["x.jsonl.gz.part"]
    server.play(REST)
    path = await fetch_dataset(build_source(server), tmp_path, say_nothing)
    assert path.read_bytes() == CONTENT


async def test_a_server_that_cannot_go_on_begins_again(
    server: ScriptedServer, tmp_path: Path
) -> None:
    (tmp_path / "x.jsonl.gz.part").write_bytes(CONTENT[:100])
    server.play(WHOLE)
    path = await fetch_dataset(build_source(server), tmp_path, say_nothing)
    assert path.read_bytes() == CONTENT


async def test_a_partial_file_that_is_whole_already_is_put_in_place(
    server: ScriptedServer, tmp_path: Path
) -> None:
    (tmp_path / "x.jsonl.gz.part").write_bytes(CONTENT)
    server.play(Reply(status=416))
    path = await fetch_dataset(build_source(server), tmp_path, say_nothing)
    assert path.read_bytes() == CONTENT


async def test_a_wrong_checksum_leaves_nothing_behind(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.play(WHOLE)
    with pytest.raises(JobError, match=r"is not the published v1 .*put the file at .*x\.jsonl\.gz"):
        await fetch_dataset(build_source(server, sha256="0" * 64), tmp_path, say_nothing)
    assert list_names(tmp_path) == []


async def test_a_server_that_refuses_is_told(server: ScriptedServer, tmp_path: Path) -> None:
    server.play(Reply(status=404))
    with pytest.raises(JobError, match=r"cannot be fetched \(Not Found\).*put it at"):
        await fetch_dataset(build_source(server), tmp_path, say_nothing)


async def test_without_a_network_it_says_where_to_put_the_file(tmp_path: Path) -> None:
    source = Source(
        filename="x.jsonl.gz",
        version="v1",
        page="",
        url="http://127.0.0.1:9/x.jsonl.gz",
        sha256="0" * 64,
    )
    with pytest.raises(JobError, match="cannot be fetched") as raised:
        await fetch_dataset(source, tmp_path, say_nothing)
    assert str(tmp_path / "x.jsonl.gz") in str(raised.value)


async def test_a_folder_that_cannot_be_made_is_told(server: ScriptedServer, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="KODERZ_DATA"):
        await fetch_dataset(build_source(server), Path("/dev/null/in it"), say_nothing)


async def test_a_source_without_a_checksum_names_its_page(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="BigCodeBench-Hard.*huggingface.co.*put it at"):
        await fetch_dataset(SOURCES["bigcodebench-hard"], tmp_path, say_nothing)


def test_every_source_is_pinned_or_has_a_page() -> None:
    for source in SOURCES.values():
        assert source.page.startswith("https://")
        assert bool(source.url) == (len(source.sha256) == 64)


def test_the_pinned_checksums_are_those_of_the_public_files(data_dir: Path) -> None:
    for source in SOURCES.values():
        if source.url:
            found = downloads.compute_sha256(data_dir / "benchmarks" / source.filename)
            assert found == source.sha256


def test_what_is_not_published_is_told() -> None:
    with pytest.raises(ConfigError, match="nothing to download for 'starter'.*humaneval"):
        get_source("starter")

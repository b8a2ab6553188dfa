"""Clusters that would not do are refused before anything is asked, in a line that says why."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from made_clusters import open_local_cluster, start_dask
from scripted_server import open_scripted_server, reply_json

from koderz._version import __version__
from koderz.cluster import opening
from koderz.cluster.opening import open_cluster
from koderz.cluster.stations import Versions, check_versions
from koderz.config.settings import Settings
from koderz.errors import ConfigError

NOWHERE = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits long for who does not come."""
    monkeypatch.setattr(opening, "CONNECT_S", 0.5)


async def refuse(address: str, *models: str, **options: dict[str, str]) -> str:
    """Why the cluster is refused."""
    with pytest.raises(ConfigError) as caught:
        async with open_cluster(address, Settings(), models=models, **options):  # type: ignore[arg-type] # a test gives what is right
            pass
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "foo://x:1", ""])
async def test_where_no_scheduler_is(address: str) -> None:
    assert f"no Dask scheduler answers at {address!r}" in await refuse(address)


async def test_a_server_of_another_kind_is_no_scheduler() -> None:
    async with open_scripted_server() as server:
        server.script.append(reply_json({}))
        said = await refuse(server.url.replace("http", "tcp"))
    assert "no Dask scheduler answers" in said


async def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install 'koderz[cluster]'" in await refuse("tcp://127.0.0.1:9")


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        (Versions("0.0.9", "3.11"), "the worker w has Koderz 0.0.9, and the driver 0.1.0"),
        (Versions("", "3.11"), "the worker w has no Koderz, and the driver 0.1.0"),
        (Versions("0.1.0", "3.12"), "the worker w has Python 3.12, and the driver 3.11"),
    ],
)
def test_other_versions_are_named(theirs: Versions, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_versions(Versions("0.1.0", "3.11"), theirs, "the worker w")


async def test_workers_with_another_koderz(tmp_path: Path) -> None:
    other = tmp_path / "koderz-9.9.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: koderz\nVersion: 9.9\n")
    with start_dask(tmp_path, PYTHONPATH=str(tmp_path)) as (address, _):
        said = await refuse(address)
    assert f"has Koderz 9.9, and the driver {__version__}: install the same there" in said


async def test_what_a_worker_lacks_is_said_before_anything_is_asked() -> None:
    async with open_local_cluster() as cluster:
        address = cluster.scheduler_address
        assert "the worker tcp://127.0.0.1" in await refuse(address, "gpt-4o")
        assert "set OPENAI_API_KEY" in await refuse(address, "gpt-4o")
        assert "unknown model 'nosuch'" in await refuse(address, "nosuch")
        said = await refuse(address, simulator=NOWHERE)
        assert "the worker tcp://127.0.0.1" in said
        assert "cannot reach the simulator at 127.0.0.1:9" in said
        assert "on the driver's machine alone" in said


async def test_a_cluster_may_begin_without_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "SAY_AFTER_S", 0.05)
    monkeypatch.setattr(opening, "FIRST_WORKER_S", 0.2)
    told: list[str] = []
    async with open_local_cluster() as cluster:
        cluster.scale(0)
        await cluster
        said = await refuse(cluster.scheduler_address)
        assert "has no worker: start one with `dask worker tcp://127.0.0.1" in said
        monkeypatch.setattr(opening, "FIRST_WORKER_S", 60.0)

        def start(line: str) -> None:
            told.append(line)
            cluster.scale(1)

        async with open_cluster(cluster.scheduler_address, Settings(), tell=start) as opened:
            assert opened.address == cluster.scheduler_address
    assert told == [f"waiting for a worker of {cluster.scheduler_address}"]

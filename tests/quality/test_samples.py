"""Kept answers: whose file it is, how large it may become, and what is let go of."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from keeping import NOON, build_kept
from reading import open_simulated

from koderz.config.settings import QualitySettings
from koderz.errors import StoreError
from koderz.jobs.classify.batch import ClassifyBatch, Item
from koderz.quality.samples import MEBIBYTE, SampleStore
from koderz.types import TaskKind


def list_texts(store: SampleStore, **options: Any) -> list[str]:
    return [each.kept.answer for each in store.load(**options)]


def test_what_is_kept_comes_back(store: SampleStore) -> None:
    kept = build_kept("é", facts={"lines": {1: "one"}, "keep": None})
    with store:
        store.keep(kept)
        (one,) = store.load()
    assert one.kept.request == kept.request
    assert (one.kept.answer, one.kept.at, one.refusals) == ("é", NOON, 0)
    assert one.kept.facts == {"lines": {"1": "one"}, "keep": None}


def test_the_file_is_the_persons_alone_and_comes_with_the_first_answer(store: SampleStore) -> None:
    with store:
        assert store.load() == ()
        assert store.count() == (0, 0)
        assert not store.path.exists()
        store.keep(build_kept())
        assert store.count()[0] == 1
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_the_oldest_go_first(kept_path: Path) -> None:
    with SampleStore(kept_path, QualitySettings(max_kept=3)) as store:
        for at in range(5):
            store.keep(build_kept(str(at)))
        assert list_texts(store) == ["4", "3", "2"]
    with SampleStore(kept_path, QualitySettings(max_size_mb=1)) as store:
        store.keep(build_kept("x" * (MEBIBYTE - 600)))
        assert len(list_texts(store)) == 1
        store.keep(build_kept("y" * 2 * MEBIBYTE))
        assert len(list_texts(store)) == 1, "what alone is too large is not kept"


def test_task_and_time_choose(store: SampleStore) -> None:
    with store:
        store.keep(build_kept("old", at=NOON - timedelta(days=9)))
        store.keep(build_kept("read", task=TaskKind.LARGE_READ))
        assert list_texts(store, since=NOON) == ["read"]
        assert list_texts(store, task=TaskKind.CLASSIFICATION) == ["old"]


def test_what_is_dropped_is_overwritten(store: SampleStore) -> None:
    with store:
        store.keep(build_kept("a secret of somebody " * 20))
        (one,) = store.load()
        assert store.drop(one.id)
        assert not store.drop(one.id)
        assert store.load() == ()
    found = [path.read_bytes() for path in store.path.parent.glob("answers.sqlite*")]
    assert not any(b"a secret of somebody" in raw for raw in found)


def test_half_a_character_is_not_kept(store: SampleStore) -> None:
    with store:
        store.keep(build_kept("\ud800"))
        assert store.count() == (0, 0)


def test_another_programs_file_is_refused_in_one_line(kept_path: Path) -> None:
    kept_path.write_text("not a database, and long enough to be looked at as one" * 20)
    with (
        SampleStore(kept_path, QualitySettings()) as store,
        pytest.raises(StoreError, match="koderz.quality"),
    ):
        store.keep(build_kept())


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (1.0, 1)])
async def test_a_router_keeps_the_share_where_it_is_told_to(
    tmp_path: Path, share: float, expected: int
) -> None:
    path = tmp_path / "elsewhere" / "kept.sqlite"
    settings = {"koderz__quality__share": share, "koderz__quality__path": str(path)}
    async with open_simulated(tmp_path / "ledger.sqlite", (), settings) as (router, _):
        await router.perform(ClassifyBatch([Item("1", "a bug")], ("bug", "question")))
    assert path.exists() == bool(expected)
    with SampleStore(path, QualitySettings()) as store:
        assert store.count()[0] == expected


async def test_a_place_that_cannot_be_written_costs_no_job_its_labels(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file, no folder")
    settings = {
        "koderz__quality__share": 1.0,
        "koderz__quality__path": str(tmp_path / "blocked" / "kept.sqlite"),
    }
    async with open_simulated(tmp_path / "ledger.sqlite", (), settings) as (router, _):
        result = await router.perform(ClassifyBatch([Item("1", "a bug")], ("bug", "question")))
    assert result.decided == 1

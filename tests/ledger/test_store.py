"""The ledger's file: what is kept, by whom it may be read, and what happens when it cannot be."""

from __future__ import annotations

import os
import sqlite3
import stat
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from ledger_rows import NOON, build_attempt, build_job

from koderz.config.settings import KoderzSettings, LedgerSettings, Settings
from koderz.databases import Schema, prepare
from koderz.errors import StoreError
from koderz.ledger.records import Outcome
from koderz.ledger.schema import MIGRATIONS, SCHEMA
from koderz.ledger.store import Ledger, get_ledger_path
from koderz.types import Usage


def test_an_attempt_is_a_row_with_all_its_fields(tmp_path: Path) -> None:
    usage = Usage(
        input_tokens=1,
        cache_read_tokens=2,
        cache_write_tokens=3,
        output_tokens=4,
        reasoning_tokens=5,
        is_estimated=True,
    )
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.record(build_attempt(usage=usage, outcome=Outcome.REJECTED, reason="too long"))
        (row,) = ledger.fetch("SELECT * FROM attempts")
    assert dict(row) == {
        "id": 1,
        "at_us": 1_772_366_400_000_000,
        "run_id": "run",
        "job_id": "job",
        "task": "large_read",
        "tier": "small_frontier",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "answered_by": "gpt-4o-mini-2024-07-18",
        "input_tokens": 1,
        "cache_read_tokens": 2,
        "cache_write_tokens": 3,
        "output_tokens": 4,
        "reasoning_tokens": 5,
        "is_estimated": 1,
        "input_rate_pusd": 150_000_000_000,
        "cache_read_rate_pusd": None,
        "cache_write_rate_pusd": None,
        "output_rate_pusd": 600_000_000_000,
        "rates_as_of": "2026-01-01",
        "cost_pusd": 1_000_000_000,
        "latency_s": 0.5,
        "first_token_s": None,
        "outcome": "rejected",
        "reason": "too long",
        "route_source": "automatic sibling",
        "request_id": "req-1",
        "is_simulated": 0,
        "batch_id": "",
    }


def test_a_job_recorded_again_takes_the_place_of_its_record(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.record_job(build_job(engine="model"))
        ledger.record_job(build_job(engine="extractive", baseline_usd=None))
        (row,) = ledger.fetch("SELECT engine, baseline_pusd, digest_pusd FROM jobs")
    assert tuple(row) == ("extractive", None, 1_500_000_000)


def test_rows_outlive_the_ledger_that_wrote_them(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    for _ in range(2):
        with Ledger(path) as ledger:
            ledger.record(build_attempt())
    with Ledger(path) as ledger:
        assert ledger.fetch("SELECT count(*) FROM attempts")[0][0] == 2


def test_the_ledger_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "some" / "folder" / "ledger.sqlite"
    before = os.umask(0o000)
    try:
        with Ledger(path) as ledger:
            ledger.record(build_attempt())
            files = list(path.parent.iterdir())
    finally:
        os.umask(before)
    assert path.with_name("ledger.sqlite-wal") in files
    modes = {stat.S_IMODE(file.stat().st_mode) for file in files if file.exists()}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert modes == {0o600}


def test_the_path_is_as_configured_or_in_the_users_folder(clean_environment: Path) -> None:
    assert get_ledger_path(Settings()).is_relative_to(clean_environment)
    assert get_ledger_path(Settings()).parts[-2:] == ("koderz", "ledger.sqlite")
    chosen = Settings(koderz=KoderzSettings(ledger=LedgerSettings(path="~/mine.sqlite")))
    assert get_ledger_path(chosen) == clean_environment / "mine.sqlite"


def test_spending_is_summed_exactly_over_a_window(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        for minutes, cost in enumerate(("0.1", "0.2", "0.000000000001")):
            at = NOON + timedelta(minutes=minutes)
            ledger.record(build_attempt(at=at, cost_usd=Decimal(cost)))
        ledger.record(build_attempt(cost_usd=None))
        ledger.record(build_attempt(cost_usd=Decimal(7), is_simulated=True))
        minute = timedelta(minutes=1)
        assert ledger.spent_usd(NOON) == Decimal("7.300000000001")
        assert ledger.spent_usd(NOON, is_simulated=False) == Decimal("0.300000000001")
        assert ledger.spent_usd(NOON + minute, NOON + 2 * minute) == Decimal("0.2")
        assert ledger.spent_usd(NOON + timedelta(days=1)) == 0


def test_only_a_job_that_is_known_can_be_contradicted(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.record(build_attempt(job_id="read-1"))
        ledger.contradict("read-1", "the main model says otherwise")
        ledger.contradict("read-1", "twice")
        with pytest.raises(StoreError, match="no attempt of a job 'read-2'"):
            ledger.contradict("read-2", "never asked")
        assert ledger.fetch("SELECT count(*) FROM contradictions")[0][0] == 1


def test_reading_queries_of_a_snapshot_see_one_state(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    count = "SELECT count(*) FROM attempts"
    with Ledger(path) as reader, Ledger(path) as writer:
        with reader.snapshot():
            before = reader.fetch(count)[0][0]
            writer.record(build_attempt())
            assert reader.fetch(count)[0][0] == before
        assert reader.fetch(count)[0][0] == before + 1


NOT_A_DATABASE = b"[koderz]\nledger = 'this is no ledger'\n" * 100


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("folder", "is a directory"),
        ("text.toml", "not a SQLite file"),
        ("text.toml/ledger.sqlite", "exists"),
        ("foreign.sqlite", "another program's database"),
        ("newer.sqlite", "upgrade Koderz"),
    ],
)
def test_a_path_that_cannot_be_a_ledger_is_one_clear_line(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.toml").write_bytes(NOT_A_DATABASE)
    _execute(tmp_path / "foreign.sqlite", "CREATE TABLE songs (title TEXT)")
    Ledger(tmp_path / "newer.sqlite").close()
    _execute(tmp_path / "newer.sqlite", "PRAGMA user_version = 999")
    with pytest.raises(StoreError, match=words) as caught:
        Ledger(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_a_file_that_is_no_ledger_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "text.toml"
    path.write_bytes(NOT_A_DATABASE)
    with pytest.raises(StoreError):
        Ledger(path)
    assert path.read_bytes() == NOT_A_DATABASE
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_one_clear_line() -> None:
    with pytest.raises(StoreError, match=r"cannot open .*\[koderz\.ledger\] path"):
        Ledger("/proc/no/such/place/ledger.sqlite")


def test_a_damaged_ledger_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        for _ in range(500):
            ledger.record(build_attempt())
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with (
        pytest.raises(StoreError, match="it is damaged: move it away"),
        Ledger(path) as ledger,
    ):
        ledger.fetch("SELECT sum(latency_s) FROM attempts")


def test_a_full_disk_is_one_clear_line_and_the_ledger_goes_on_afterwards(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        recorded = _fill(ledger)
        with pytest.raises(StoreError, match="the disk is full: free some space") as caught:
            ledger.record(build_attempt())
        assert "\n" not in str(caught.value)
        assert ledger.fetch("SELECT count(*) FROM attempts")[0][0] == recorded
        ledger.fetch("PRAGMA max_page_count = 1000000")
        ledger.record(build_attempt())
        assert ledger.fetch("SELECT count(*) FROM attempts")[0][0] == recorded + 1


def _fill(ledger: Ledger) -> int:
    """Let the file grow no more, and record until it is full."""
    ((pages,),) = ledger.fetch("PRAGMA page_count")
    ledger.fetch(f"PRAGMA max_page_count = {pages}")
    recorded = 0
    try:
        while True:
            ledger.record(build_attempt())
            recorded += 1
    except StoreError:
        return recorded


def test_a_file_that_others_write_to_too_long_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("koderz.databases.BUSY_TIMEOUT_S", 0.01)
    with Ledger(tmp_path / "ledger.sqlite") as holder, Ledger(holder.path) as ledger:
        holder.fetch("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process holds it"):
            ledger.record(build_attempt())
        with pytest.raises(StoreError, match="another process holds it"):
            ledger.check_writable()
        holder.fetch("ROLLBACK")
        ledger.record(build_attempt())
        ledger.check_writable()


def test_a_number_too_large_to_keep_is_one_clear_line(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(StoreError, match="too large"):
            ledger.record(build_attempt(cost_usd=Decimal(10) ** 9))
        ledger.record(build_attempt())


def with_step(script: str) -> Schema:
    """A later version's schema, which has one step more."""
    return msgspec.structs.replace(SCHEMA, migrations=(*MIGRATIONS, script))


def test_an_older_ledger_is_brought_forward_with_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.record(build_attempt())
    newer = with_step("ALTER TABLE attempts ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'")
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection, newer)
    prepare(connection, newer)
    assert connection.execute("SELECT mood FROM attempts").fetchall() == [("calm",)]
    assert connection.execute("PRAGMA user_version").fetchone() == (len(newer.migrations),)
    connection.close()


def test_a_step_that_fails_leaves_the_older_ledger_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        prepare(connection, with_step("CREATE TABLE new (x);\nNONSENSE"))
    assert connection.execute("SELECT name FROM sqlite_schema WHERE name = 'new'").fetchall() == []
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    connection.close()


def test_what_a_reason_quotes_is_nowhere_in_the_files(tmp_path: Path) -> None:
    reason = "the quote 'secret plan' is missing; key sk-live-0123456789abcdef was refused"
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.record(build_attempt(reason=reason, outcome=Outcome.REJECTED))
        ledger.contradict("job", reason)
        content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"is missing" in content
    assert b"secret plan" not in content
    assert b"0123456789abcdef" not in content


def _execute(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()

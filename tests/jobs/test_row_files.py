"""Files of rows: what is written stays, whoever is killed, and one run at a time writes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from koderz.errors import JobError, StoreError
from koderz.jobs.row_files import RowFile, encode_row


class Row(msgspec.Struct):
    id: str
    n: int = 0


def keep(line: bytes, place: str) -> Row | None:
    try:
        row = msgspec.json.decode(line, type=Row)
    except msgspec.MsgspecError:
        raise JobError(f"{place}: no row") from None
    return row if row.n else None


def open_file(path: Path) -> RowFile[Row]:
    return RowFile(path, keep, lambda row: row.id)


def test_the_last_row_of_an_id_counts_and_open_ones_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(map(encode_row, [Row("a", 1), Row("b"), Row("a", 2)])))
    assert open_file(path).done == (Row("a", 2),)


def test_a_row_half_written_is_dropped_and_what_follows_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(encode_row(Row("a", 1)) + b'{"id":"b","n')
    with open_file(path) as file:
        file.append([Row("c", 3)])
    assert open_file(path).done == (Row("a", 1), Row("c", 3))


def test_rows_are_in_the_file_at_once_and_in_order_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with open_file(path) as file:
        file.append([Row("b", 2)])
        assert path.read_bytes() == encode_row(Row("b", 2))
        file.finish([Row("a", 1), Row("b", 2)])
    assert path.read_bytes() == encode_row(Row("a", 1)) + encode_row(Row("b", 2))
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"


def test_a_link_stays_one(tmp_path: Path) -> None:
    link, path = tmp_path / "link.jsonl", tmp_path / "rows.jsonl"
    link.symlink_to(path)
    with open_file(link) as file:
        file.finish([Row("a", 1)])
    assert link.is_symlink()
    assert path.read_bytes() == encode_row(Row("a", 1))


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with open_file(path) as first:
        first.append([Row("a", 1)])
        with pytest.raises(StoreError, match="another run is writing it"), open_file(path):
            pass
        first.finish([Row("a", 1)])
    with open_file(path) as second:
        assert second.done == (Row("a", 1),)


def test_a_file_that_went_wrong_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"mine\n")
    with pytest.raises(JobError, match="rows.jsonl:1: no row"):
        open_file(path)
    assert path.read_bytes() == b"mine\n"


@pytest.mark.parametrize("path", ["no/such/rows.jsonl", ".", "/dev/full"])
def test_what_is_no_place_for_a_file_is_said(path: str) -> None:
    with pytest.raises(StoreError, match="choose another --out"), open_file(Path(path)):
        pass


def test_a_full_disk_is_said_and_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with open_file(path) as file, Path("/dev/full").open("ab", buffering=0) as full:
        file.append([Row("a", 1)])
        own, file._file = file._file, full
        with pytest.raises(StoreError, match="make room"):
            file.append([Row("b", 2)])
        file._file = own
    assert open_file(path).done == (Row("a", 1),)

"""Getting public benchmarks: from their official releases, pinned by version and checksum."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import aiohttp
import msgspec

from koderz.errors import ConfigError, JobError, StoreError

Progress = Callable[[int, int], None]
"""Told how many bytes there are, and how many there will be (0: unknown)."""

_TRIES: Final = 4
_PIECE_BYTES: Final = 256 * 1024
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=60)
_EVALPLUS: Final = "https://github.com/evalplus"
_FAULTS: Final = (aiohttp.ClientError, TimeoutError, ConnectionError)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a benchmark's file is published.

    `sha256` is that of the published file. A source without `url` has no file that could be
    pinned: `page` is where a person gets it.
    """

    filename: str
    version: str
    page: str
    url: str = ""
    sha256: str = ""


SOURCES: Final[Mapping[str, Source]] = {
    "humaneval": Source(
        filename="HumanEval.jsonl.gz",
        version="2021-07-05",
        page="https://github.com/openai/human-eval",
        url="https://raw.githubusercontent.com/openai/human-eval/"
        "6d43fb980f9fee3c892a914eda09951f772ad10d/data/HumanEval.jsonl.gz",
        sha256="b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef",
    ),
    "humaneval+": Source(
        filename="HumanEvalPlus.jsonl.gz",
        version="v0.1.10",
        page=f"{_EVALPLUS}/humanevalplus_release",
        url=f"{_EVALPLUS}/humanevalplus_release/releases/download/v0.1.10/HumanEvalPlus.jsonl.gz",
        sha256="272720b90ac375502c8ed23cd791c2a93dfb22a911641a494da74a426c09f101",
    ),
    "humaneval+mini": Source(
        filename="HumanEvalPlus-Mini.jsonl.gz",
        version="v0.1.10",
        page=f"{_EVALPLUS}/humanevalplus_release",
        url=f"{_EVALPLUS}/humanevalplus_release/releases/download/v0.1.10/"
        "HumanEvalPlus-Mini.jsonl.gz",
        sha256="91486741f1627101021fbe50523df08eebb5b0bf5e804b633dcd5ca3c14dbd2f",
    ),
    "mbpp+": Source(
        filename="MbppPlus.jsonl.gz",
        version="v0.2.0",
        page=f"{_EVALPLUS}/mbppplus_release",
        url=f"{_EVALPLUS}/mbppplus_release/releases/download/v0.2.0/MbppPlus.jsonl.gz",
        sha256="af43697e8791c4c149bdfd6b489d8b5412507551ac20e28a439f650b8225db63",
    ),
    "bigcodebench-hard": Source(
        filename="BigCodeBench-Hard.jsonl.gz",
        version="v0.1.4",
        page="https://huggingface.co/datasets/bigcode/bigcodebench-hard",
    ),
}


def get_source(name: str) -> Source:
    """Where the benchmark of that name is published; ConfigError where nothing is known of it."""
    source = SOURCES.get(name)
    if source is None:
        known = ", ".join(SOURCES)
        raise ConfigError(f"nothing to download for {name!r}: there are {known}")
    return source


async def fetch_dataset(source: Source, folder: Path, progress: Progress) -> Path:
    """The benchmark's file in `folder`, downloaded unless it is there; its checksum holds.

    What was downloaded before a connection broke is kept beside it (`.part`) and gone on with,
    also by a later call.

    Raises:
        JobError: it cannot be reached, or is not what was published; the message says where to
            put a file that was got by other means.
        StoreError: the folder cannot be written.
    """
    target = folder / source.filename
    if not source.url:
        raise JobError(
            f"no released file of {source.filename} has a known checksum: get version "
            f"{source.version} from {source.page} and put it at {target}"
        )
    try:
        if target.exists() and compute_sha256(target) == source.sha256:
            return target
        partial = _get_partial(target)
        await _fetch_all(source, partial, target, progress)
        _check(source, partial, target)
        partial.replace(target)
    except OSError as error:
        raise StoreError(
            f"{target} cannot be written: {error.strerror or error}; make room, or set "
            "KODERZ_DATA to another folder"
        ) from error
    return target


async def _fetch_all(source: Source, partial: Path, target: Path, progress: Progress) -> None:
    async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True) as session:
        for attempt in range(1, _TRIES + 1):
            try:
                await _fetch_rest(session, source, partial, progress)
            except _FAULTS as error:
                if attempt == _TRIES or isinstance(error, aiohttp.ClientConnectorError):
                    raise _unreachable(source, partial, target, error) from error
                await asyncio.sleep(0.1 * attempt)
            else:
                return


async def _fetch_rest(
    session: aiohttp.ClientSession, source: Source, partial: Path, progress: Progress
) -> None:
    """Everything behind what is there already; a server that cannot go on begins again."""
    have = _count_bytes(partial)
    headers = {"Range": f"bytes={have}-"} if have else {}
    async with session.get(source.url, headers=headers) as response:
        if response.status == 416:  # noqa: PLR2004 - "range not satisfiable": all is there, or more.
            return
        response.raise_for_status()
        is_rest = response.status == 206  # noqa: PLR2004 - "partial content".
        have = have if is_rest else 0
        total = have + (response.content_length or 0) if response.content_length else 0
        with partial.open("ab" if is_rest else "wb") as file:
            async for piece in response.content.iter_chunked(_PIECE_BYTES):
                file.write(piece)
                have += len(piece)
                progress(have, total)


def _get_partial(target: Path) -> Path:
    """Where what was downloaded is kept until all of it is there; its folder is made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name(f"{target.name}.part")


def _count_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check(source: Source, partial: Path, target: Path) -> None:
    found = compute_sha256(partial)
    if found != source.sha256:
        partial.unlink()
        raise JobError(
            f"{source.url} is not the published {source.version} (sha256 {found[:12]}..., not "
            f"{source.sha256[:12]}...): nothing was kept; try again, or put the file at {target}"
        )


def _unreachable(source: Source, partial: Path, target: Path, error: Exception) -> JobError:
    reason = getattr(error, "message", "") or str(error) or type(error).__name__
    size = _count_bytes(partial)
    kept = f"{size:,} bytes are kept, so run this again to go on" if size else "run this again"
    return JobError(
        f"{source.url} cannot be fetched ({reason}): {kept}, or get the file elsewhere and put it "
        f"at {target}"
    )


def compute_sha256(path: Path) -> str:
    """The file's checksum, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

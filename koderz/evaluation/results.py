"""The results file: each sample's fields with its verdict, and going on where it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from koderz.benchmarks.files import decode_record
from koderz.errors import JobError
from koderz.evaluation.judging import Judgement
from koderz.evaluation.samples import Sample

_OURS: Final = ("passed", "status", "verdict")
_MOST_OUTPUT: Final = 1000
"""Characters of stdout and stderr that are kept, the last ones."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a line of the results says about its sample."""

    task_id: str
    is_passed: bool
    status: str
    was_run: bool
    cpu_s: float = 0.0
    isolation: str = ""
    reason: str = ""


def get_results_path(samples: Path) -> Path:
    """Where the results of a samples file go if nothing else is said: beside it."""
    name = samples.name.removesuffix(".gz").removesuffix(".jsonl")
    return samples.with_name(f"{name}_results.jsonl")


def build_result(sample: Sample, judgement: Judgement) -> Result:
    """What the judgement says, in short."""
    verdict = judgement.verdict
    return Result(
        task_id=sample.task_id,
        is_passed=judgement.is_passed,
        status=judgement.status,
        was_run=judgement.was_run,
        cpu_s=verdict.cpu_s if verdict else 0.0,
        isolation=verdict.isolation if verdict else "",
        reason=judgement.reason,
    )


def encode_line(sample: Sample, judgement: Judgement, dataset: str) -> bytes:
    """One line of the results: the sample's fields, `passed`, `status` and `verdict`."""
    verdict: dict[str, Any] = {"dataset": dataset}
    if judgement.verdict is not None:
        verdict |= msgspec.to_builtins(judgement.verdict)
        del verdict["status"]
        for stream in ("stdout", "stderr"):
            verdict[stream] = verdict[stream][-_MOST_OUTPUT:]
    if judgement.reason:
        verdict["reason"] = judgement.reason
    if judgement.found is not None:
        verdict["found"] = judgement.found.value
    ours = {"passed": judgement.is_passed, "status": judgement.status, "verdict": verdict}
    return json.dumps(sample.fields | ours).encode() + b"\n"


def drop_broken_line(path: Path) -> None:
    """Cut a results file behind its last whole line, where a run was stopped in the middle."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end > 0:
            start = max(end - 65536, 0)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end != size:
            file.truncate(end)


def load_results(path: Path, samples: Iterator[Sample], dataset: str) -> Iterator[Result]:
    """The results of a file, each held against its sample, which is taken from `samples`.

    JobError, with what to do, where the file holds verdicts on other samples.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            where = f"{path}, line {number}"
            record = decode_record(line, where)
            sample = next(samples, None)
            if sample is None or _get_own_fields(record) != _get_own_fields(sample.fields):
                raise JobError(
                    f"{where} belongs to other samples: name another file with --out, or remove it"
                )
            yield _decode_result(record, where, dataset)


def _get_own_fields(fields: dict[str, Any]) -> str:
    own = {key: value for key, value in fields.items() if key not in _OURS}
    return json.dumps(own, sort_keys=True)


def _decode_result(record: dict[str, Any], where: str, dataset: str) -> Result:
    verdict, status = record.get("verdict"), record.get("status")
    if not isinstance(verdict, dict) or not isinstance(status, str):
        raise JobError(f"{where} has no verdict: name another file with --out, or remove it")
    if verdict.get("dataset") != dataset:
        raise JobError(
            f"{where} is a verdict by {verdict.get('dataset')}, not by {dataset}: "
            "name another file with --out, or remove it"
        )
    return Result(
        task_id=record["task_id"],
        is_passed=record.get("passed") is True,
        status=status,
        was_run="cpu_s" in verdict,
        cpu_s=float(verdict.get("cpu_s") or 0.0),
        isolation=str(verdict.get("isolation") or ""),
        reason=str(verdict.get("reason") or ""),
    )

"""Everything that an experiment asked and got, as files to look into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from koderz.errors import StoreError
from koderz.experiments.plans import Key
from koderz.experiments.steps import (
    AllowanceStep,
    CheckpointStep,
    FeedbackStep,
    IterationStep,
    SpecStep,
    Step,
    VerdictStep,
)
from koderz.sandbox import Verdict


def write_debug_files(folder: Path, key: Key, step: Step) -> None:
    """Write what a step holds into files whose names begin with the experiment's.

    Raises StoreError where they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in list_debug_files(key, step):
            (folder / name).write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreError(f"cannot write to {folder}: {reason}: name another --debug-dir") from error


def list_debug_files(key: Key, step: Step) -> Iterator[tuple[str, str]]:
    """The files of a step: names and texts."""
    match step:
        case AllowanceStep():
            yield f"{key.id}_allowance.json", _format(step)
        case SpecStep():
            yield f"{key.id}_spec.txt", step.text
        case IterationStep():
            stem = f"{key.id}_iteration{step.number:02d}"
            yield f"{stem}_answer.txt", step.answer
            yield f"{stem}_code.py", step.code
        case FeedbackStep():
            yield f"{key.id}_iteration{step.number:02d}_result.json", _format(step.verdict)
        case CheckpointStep():
            stem = f"{key.id}_checkpoint{step.number:02d}"
            yield f"{stem}_guidance.txt", step.guidance
            yield f"{stem}_answer.txt", step.answer
        case VerdictStep():
            yield f"{key.id}_verdict.json", _format(step.verdict)


def _format(value: Verdict | AllowanceStep) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"

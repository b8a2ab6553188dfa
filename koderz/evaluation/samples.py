"""Samples: answers to problems, one JSON object a line, as the usual harnesses take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from koderz.benchmarks.files import load_numbered_records
from koderz.errors import JobError


class Form(StrEnum):
    """What a sample's text is; where a sample has several, the first of these counts."""

    SOLUTION = "solution"
    """A whole module."""
    COMPLETION = "completion"
    """What follows the prompt, to the letter."""
    RAW = "raw"
    """A model's answer, code to be found in it."""


class Sample(msgspec.Struct, frozen=True):
    """An answer to the problem `task_id`; `fields` is the whole object it came in."""

    task_id: str
    form: Form
    text: str
    fields: dict[str, Any] = {}


class Survey(msgspec.Struct, frozen=True):
    """A samples file as a whole: how many there are, and on which line each task comes first."""

    count: int
    first_lines: Mapping[str, int]


def load_samples(path: Path) -> Iterator[Sample]:
    """The samples of a file (`.gz`: decompressed) as they are read.

    JobError names file, line and what is wrong.
    """
    for number, fields in load_numbered_records(path):
        yield build_sample(fields, f"{path}, line {number}")


def survey_samples(path: Path) -> Survey:
    """One pass over a samples file, so that what is wrong in it shows before anything is run.

    JobError names file, line and what is wrong; also where there are no samples.
    """
    first_lines: dict[str, int] = {}
    count = 0
    for number, fields in load_numbered_records(path):
        sample = build_sample(fields, f"{path}, line {number}")
        first_lines.setdefault(sample.task_id, number)
        count += 1
    if not count:
        raise JobError(f"{path} is empty: give a file with one JSON object a line")
    return Survey(count, first_lines)


def build_sample(fields: dict[str, Any], where: str) -> Sample:
    """The sample that the object is; JobError, beginning with `where`, if it is none."""
    task_id = fields.get("task_id")
    if not isinstance(task_id, str):
        raise JobError(f"{where}: the field 'task_id' {_state(task_id)}")
    for form in Form:
        if form in fields:
            text = fields[form]
            if not isinstance(text, str):
                raise JobError(f"{where}: the field {form.value!r} {_state(text)}")
            return Sample(task_id, form, text, fields)
    raise JobError(f"{where}: there is no field 'completion', 'solution' or 'raw'")


def _state(value: object) -> str:
    return "is missing" if value is None else f"is no text, but {type(value).__name__}"

"""Options that mean the same in several commands."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer


class SandboxKind(StrEnum):
    """What isolates the programs."""

    AUTO = "auto"
    NAMESPACES = "namespaces"
    DOCKER = "docker"
    NONE = "none"


ConfigOption: TypeAlias = Annotated[Path | None, typer.Option(help="A settings file to use.")]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
JsonLineOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print the receipt too, as the last JSON line.")
]

# What a problem is, and how it is tried: of `koderz run`, and of every strategy of a benchmark.
ProblemsOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="The dataset's file (without: where it is kept).")
]
MaxIterationsOption: TypeAlias = Annotated[int | None, typer.Option(help="Most attempts (50).")]
CheckpointIntervalOption: TypeAlias = Annotated[
    int | None, typer.Option(help="Attempts between reviews (5).")
]
NoCotOption: TypeAlias = Annotated[
    bool, typer.Option("--no-cot", help="Ask for code alone, no thinking aloud.")
]
TemperatureOption: TypeAlias = Annotated[
    float | None, typer.Option(help="Temperature of all models.")
]
TimeoutOption: TypeAlias = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="CPU time of one program (10).")
]
BaselineOption: TypeAlias = Annotated[
    str, typer.Option(help="Whose prices the estimate takes (without: the reviewer's).")
]
SandboxOption: TypeAlias = Annotated[
    SandboxKind | None,
    typer.Option(help="What isolates the programs; none: nothing does.", show_default="auto"),
]

"""What the commands that do a job share: options, the settings these stand for, and the doing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

import typer

from koderz.commands import console
from koderz.errors import ConfigError
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.config.loading import LoadedSettings
    from koderz.routing.router import Job

T = TypeVar("T")

STDIN = Path("-")
STDIN_NAME = "standard input"

FormOption: TypeAlias = Annotated[
    Literal["lines", "csv", "tsv", "json"] | None,
    typer.Option("--format", help="The file's form (without: its ending says; else lines)."),
]
ModelOption: TypeAlias = Annotated[str | None, typer.Option(help="The model to ask first.")]
MaxCostOption: TypeAlias = Annotated[
    float | None, typer.Option(metavar="USD", help="Most that all calls may cost.")
]
LedgerOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="A ledger file (without: that of the settings).")
]


def load_settings(
    task: TaskKind,
    *,
    config: Path | None,
    model: str | None,
    ledger: Path | None,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> LoadedSettings:
    """The settings with what the options say over them; their warnings are said on stderr.

    `more` are settings by dotted name that further options of a command stand for.
    """
    from koderz import compose

    overrides = {**build_overrides(task, model, ledger), **more}
    loaded = compose.load(config, overrides=overrides)
    for warning in loaded.warnings:
        console.get_notes().print(f"koderz: {warning}", markup=False, soft_wrap=True)
    return loaded


def build_overrides(task: TaskKind, model: str | None, ledger: Path | None) -> Mapping[str, Any]:
    """The settings that these options stand for, by dotted name.

    A model that is named is asked, whatever the settings have switched off for the task.
    """
    from koderz.routing.routes import SWITCH_BY_TASK

    overrides: dict[str, Any] = {}
    if model:
        overrides["agent.small_model.enabled"] = True
        overrides[f"agent.small_model.{SWITCH_BY_TASK[task]}"] = True
        overrides[f"agent.small_model.tasks.{task}.model"] = model
    if ledger:
        overrides["koderz.ledger.path"] = str(ledger)
    return overrides


def check_model_options(model: str | None, *, no_model: bool) -> None:
    """Raise ConfigError where a model is named and none is wanted."""
    if model and no_model:
        raise ConfigError("choose one of --model and --no-model")


def parse_max_cost(max_cost: float | None) -> Decimal | None:
    """The option as money, as it was written."""
    return None if max_cost is None else Decimal(str(max_cost))


def perform(
    job: Job[T],
    loaded: LoadedSettings,
    on_fetch: Callable[[str, int, int], None] | None = None,
) -> T:
    """Do a job over a router of its own; `on_fetch` is told of a local model's file coming in."""
    return console.run(_perform(job, loaded, on_fetch))


async def _perform(
    job: Job[T], loaded: LoadedSettings, on_fetch: Callable[[str, int, int], None] | None
) -> T:
    from koderz.compose import open_router

    async with open_router(loaded, on_fetch=on_fetch) as router:
        return await router.perform(job)

"""`koderz local`: models on this machine, to list, fetch and remove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koderz.commands import console
from koderz.commands.options import JsonOption
from koderz.commands.progress import ProgressLine
from koderz.errors import ConfigError, KoderzError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from koderz.config.loading import LoadedSettings
    from koderz.models.local_names import HubFile, Offer
    from koderz.models.ollama_client import OllamaClient

OLLAMA = "ollama/"
EMBEDDED = "llamacpp/"

HELP = """List, fetch and remove models on this machine: those inside Koderz, and Ollama's.

Examples:

    koderz local list

    koderz local pull qwen2.5-coder-1.5b
"""

app = typer.Typer(help=HELP)

Config = Annotated[Path | None, typer.Option("--config", help="A settings file to use.")]
AsJson = JsonOption


@app.command("list")
def list_models(*, config: Config = None, as_json: AsJson = False) -> None:
    """List the models that are here, and those on offer with size, memory and licence.

    Examples:

        koderz local list

        koderz local list --json
    """
    from koderz import compose
    from koderz.models.local_models import get_models_folder, load_local_models
    from koderz.models.local_names import get_offers

    loaded = compose.load(config)
    folder = get_models_folder(loaded.settings)
    embedded, served = load_local_models(loaded.settings), console.run(_fetch_served(loaded))
    here = {
        **{f"{EMBEDDED}{name}": size for name, size in embedded.items()},
        **{f"{OLLAMA}{name}": size for name, size in served.items()},
    }
    offers = list(get_offers().values())
    if as_json:
        console.print_json(
            {
                "folder": str(folder),
                "models": [{"model": name, "size_bytes": size} for name, size in here.items()],
                "offers": [build_offer(offer, here) for offer in offers],
            }
        )
        return
    _print_here(here, folder)
    _print_offers(offers, here)


@app.command("pull")
def pull(
    name: Annotated[
        str | None, typer.Argument(help="A name on offer, REPO:FILE, or ollama/NAME.")
    ] = None,
    *,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a model: from the hub for use inside Koderz, or by Ollama. Without a name, offer some.

    A pull that breaks off goes on where it was, and a file is checked before it is used.

    Examples:

        koderz local pull qwen2.5-coder-1.5b

        koderz local pull Qwen/Qwen2.5-Coder-7B-Instruct-GGUF:qwen2.5-coder-7b-instruct-q4_k_m.gguf

        koderz local pull ollama/qwen2.5-coder:7b
    """
    from koderz import compose

    if name is None:
        list_models(config=config, as_json=as_json)
        return
    loaded = compose.load(config)
    with ProgressLine() as line:
        if name.startswith(OLLAMA):
            console.run(_pull_served(name.removeprefix(OLLAMA), loaded, line))
            document: dict[str, Any] = {"model": name, "path": None}
        else:
            hub_file = choose_hub_file(name)
            path = _pull_file(hub_file, loaded, line)
            document = {"model": f"{EMBEDDED}{hub_file}", "path": str(path)}
    if as_json:
        console.print_json(document)
    else:
        typer.echo(document["model"])


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="A model as `koderz local list` shows it.")],
    *,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Delete a model's files from this machine.

    Examples:

        koderz local remove qwen2.5-coder-1.5b

        koderz local remove ollama/qwen2.5-coder:7b
    """
    from koderz import compose
    from koderz.models.local_models import remove_local_model

    loaded = compose.load(config)
    freed_bytes = None
    if name.startswith(OLLAMA):
        console.run(_remove_served(name.removeprefix(OLLAMA), loaded))
    else:
        freed_bytes = remove_local_model(name, loaded.settings)
    if as_json:
        console.print_json({"model": name, "freed_bytes": freed_bytes})
    else:
        freed = "" if freed_bytes is None else f", {format_size(freed_bytes)} freed"
        console.get_notes().print(f"{name} is removed{freed}", markup=False)


def choose_hub_file(name: str) -> HubFile:
    """The hub's file that a person means; raises ConfigError with what is on offer."""
    from koderz.models.local_names import get_offers, parse_hub_file

    hub_file = parse_hub_file(name.removeprefix(EMBEDDED))
    if hub_file is None:
        offers = ", ".join(get_offers())
        raise ConfigError(
            f"{name!r} is not on offer: choose one of {offers}, or name REPO:FILE.gguf"
        )
    return hub_file


def build_offer(offer: Offer, here: Mapping[str, int]) -> dict[str, Any]:
    """The JSON object of a model on offer; sizes are in units of 10^9 bytes."""
    return {
        "name": offer.name,
        "model": offer.model,
        "size_gb": offer.size_gb,
        "memory_gb": offer.memory_gb,
        "licence": offer.licence,
        "good_for": offer.good_for,
        "is_here": offer.model in here,
    }


def format_size(size_bytes: int) -> str:
    """Bytes for a person: "4.7 GB", "12 MB", "unknown" for 0."""
    if not size_bytes:
        return "unknown"
    if size_bytes >= 1e9:  # noqa: PLR2004 - what giga means.
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{size_bytes / 1e6:,.1f} MB"


def _pull_file(hub_file: HubFile, loaded: LoadedSettings, line: ProgressLine) -> Path:
    from koderz.models.gguf_hub import fetch_hub_model, get_hub

    return fetch_hub_model(hub_file, loaded.settings, get_hub(loaded.environ), line.update)


async def _fetch_served(loaded: LoadedSettings) -> Mapping[str, int]:
    """What Ollama has installed; nothing where it does not answer."""
    from koderz.compose import open_factory

    async with open_factory(loaded) as factory:
        try:
            return await factory.get_provider_client("ollama").fetch_installed()
        except KoderzError:
            return {}


async def _pull_served(name: str, loaded: LoadedSettings, line: ProgressLine) -> None:
    from koderz.compose import open_factory

    async with open_factory(loaded) as factory:
        client: OllamaClient = factory.get_ollama_client()
        await client.pull(name, line.update)


async def _remove_served(name: str, loaded: LoadedSettings) -> None:
    from koderz.compose import open_factory

    async with open_factory(loaded) as factory:
        await factory.get_ollama_client().remove(name)


def _print_here(here: Mapping[str, int], folder: Path) -> None:
    from rich.table import Table

    if not here:
        console.get_notes().print(
            f"No model is here yet: `koderz local pull NAME` puts one into {folder}.",
            markup=False,
            soft_wrap=True,
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("here", overflow="fold")
    table.add_column("size", justify="right")
    for name, size_bytes in here.items():
        table.add_row(name, format_size(size_bytes))
    console.get_output().print(table)


def _print_offers(offers: list[Offer], here: Mapping[str, int]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("on offer", overflow="fold")
    for heading in ("size", "memory"):
        table.add_column(heading, justify="right")
    for heading in ("licence", "good for"):
        table.add_column(heading, overflow="fold")
    for offer in offers:
        table.add_row(
            f"{offer.name} (here)" if offer.model in here else offer.name,
            f"{offer.size_gb:.1f} GB",
            f"{offer.memory_gb:.1f} GB",
            offer.licence,
            offer.good_for,
        )
    console.get_output().print(table)

"""`koderz download-data`: public benchmarks, from their official releases."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from koderz.commands import console

if TYPE_CHECKING:
    from koderz.benchmarks.downloads import Progress


def download_data(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            help="humaneval, humaneval+, humaneval+mini, mbpp+ or bigcodebench-hard.",
            show_default=False,
        ),
    ],
) -> None:
    """Download benchmarks into $KODERZ_DATA, or else into the user's data folder.

    Versions are pinned and checksums checked. A download that broke off goes on where it stopped.

    Examples:
        koderz download-data humaneval

        koderz download-data humaneval+ mbpp+
    """
    from koderz.benchmarks.downloads import fetch_dataset, get_source
    from koderz.benchmarks.files import get_data_folder

    sources = [get_source(name) for name in names if name != "starter"]
    if len(sources) < len(names):
        console.get_notes().print("starter is bundled: nothing to download.")
    folder = get_data_folder()
    for source in sources:
        with _shown_progress(source.filename) as progress:
            path = console.run(fetch_dataset(source, folder, progress))
        typer.echo(str(path))


@contextlib.contextmanager
def _shown_progress(title: str) -> Iterator[Progress]:
    """A progress bar on stderr, where a person watches."""
    notes = console.get_notes()
    if not notes.is_terminal:
        yield _say_nothing
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=notes, transient=True) as bar:
        task = bar.add_task(title, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        yield show


def _say_nothing(_done: int, _total: int) -> None:
    """Show no progress."""

"""The command line: it gathers the commands and turns errors into one line and an exit code."""

from __future__ import annotations

import itertools
import logging
import os
import sys
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.exceptions import TyperException

from koderz._version import __version__
from koderz.errors import KoderzError

HELP = """Send each piece of language-model work to the cheapest model that can do it.

Nothing needs configuring: set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY, or run Ollama.
With neither, what can be done without a model is done without one, and it says so.
"""

INTERRUPTED = 130
COMPLETING = "_KODERZ_COMPLETE"
CUT_OFF = 141

COMMANDS: Final = {
    "read": ("read.read", "Print what matters in a large file."),
    "git": ("git.git", "List commits by type and scope."),
    "web": ("web.web", "Print what matters in a web page."),
    "compress": ("compress.compress", "Shorten a conversation."),
    "classify": ("classify.classify", "Label many short texts."),
    "map": ("map.map_items", "Ask one prompt of every item of a list."),
    "run": ("run.run", "Run one experiment: spec, iterations, reviews."),
    "benchmark": ("benchmark.benchmark", "Compare strategies on many problems."),
    "report": ("report.report", "Report what a benchmark run came to."),
    "results": ("results.results", "List the experiments so far."),
    "analyze": ("analyze.analyze", "Take one experiment apart."),
    "reprice": ("reprice.reprice", "Reckon a run at other prices."),
    "frontier-costs": ("frontier_costs.frontier_costs", "Show what frontier models alone cost."),
    "show-spec": ("show_spec.show_spec", "Print the specification of an experiment."),
    "evaluate": ("evaluate.evaluate", "Judge samples of code by a benchmark."),
    "list-problems": ("list_problems.list_problems", "List the problems of a benchmark."),
    "download-data": ("download_data.download_data", "Fetch a benchmark's problems."),
    "route": ("route.route", "Explain which models a task goes to."),
    "models": ("models.models", "List models, tiers, prices, what is reachable."),
    "local": ("local.app", "List, fetch and remove local models."),
    "speed-test": ("speed_test.speed_test", "Measure how fast models answer."),
    "quality": ("quality.quality", "Measure small models against the main model."),
    "calibrate": ("calibrate.calibrate", "Choose what may stay with the small model."),
    "usage": ("usage.usage", "Show calls, cost, savings, latency, quality."),
    "config": ("config.app", "Show, check or begin the settings."),
    "simulate": ("simulate.simulate", "Run a server that simulates every provider."),
    "doctor": ("doctor.doctor", "Say what is here, what is missing, what to do."),
}
"""Every command by its name: where it is in `koderz.commands`, and what a list says of it."""


def build_app(only: str | None = None) -> typer.Typer:
    """The command line; with `only`, every other command is there by its name alone.

    What a list of the commands shows needs nothing of them, and one is imported far more quickly.
    """
    app = typer.Typer(
        name="koderz",
        help=HELP,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(koderz)
    for name, (place, short_help) in COMMANDS.items():
        command = _load(place) if only in {None, name} else _be_listed
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, short_help=short_help)
        else:
            app.command(name, short_help=short_help)(command)
    return app


def _load(place: str) -> Any:
    module, _, attribute = place.partition(".")
    return getattr(import_module(f"koderz.commands.{module}"), attribute)


def _be_listed() -> None:
    """Stand for a command that is not the one asked for."""


def koderz(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and leave.",
            is_eager=True,
            callback=lambda is_asked: print_version() if is_asked else None,
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Hold the options that every command shares; `--debug` is read by `main`."""
    del debug, version


def print_version() -> None:
    """Print the version and leave."""
    typer.echo(f"koderz {__version__}")
    raise typer.Exit


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run one command: its exit code; errors are one line on stderr.

    0 done, 1 failed, 2 bad input or configuration, 130 interrupted, 141 (as shells say of such a
    signal) where the reader of the output left before its end.
    """
    # Repeats are in the ledger; stamina would also log them to a stderr that is not its own.
    logging.getLogger("stamina").addHandler(logging.NullHandler())
    for name in ("batched", "client", "core"):
        # A lost connection is told in one line; Dask would log it too, with its traceback.
        logging.getLogger(f"distributed.{name}").disabled = True
    try:
        return _run_command(arguments)
    except BrokenPipeError:
        pass
    except SystemExit as leaving:  # Typer makes this, with 1, of a pipe that it sees broken.
        if not isinstance(leaving.__context__, BrokenPipeError):
            raise
    # The reader of our output has left (`| head`): nothing is wrong, and nothing more to say.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    return CUT_OFF


def _run_command(arguments: list[str]) -> int:
    try:
        # The options before a command take no value: the first other word is the command.
        name = next((each for each in arguments if not each.startswith("-")), "")
        # A shell that completes a line asks in the environment.
        app = build_app(None if COMPLETING in os.environ else name)
        outcome = app(arguments or ["--help"], prog_name="koderz", standalone_mode=False)
    except TyperException as error:
        typer.echo(_describe_misuse(error), err=True)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        outcome = INTERRUPTED
    except KoderzError as error:
        if _wants_traceback(arguments):
            raise
        typer.echo(f"koderz: {error}", err=True)
        return error.exit_code
    if outcome == INTERRUPTED:  # Typer, too, makes this code of Ctrl-C.
        typer.echo("koderz: interrupted; what was recorded is kept", err=True)
    return outcome if isinstance(outcome, int) else 0


def _wants_traceback(arguments: list[str]) -> bool:
    """Whether `--debug` stands before the command: after it, it is the command's own."""
    of_all = itertools.takewhile(lambda argument: argument.startswith("-"), arguments)
    return "--debug" in of_all


def _describe_misuse(error: TyperException) -> str:
    """One line for options and arguments that are not as the command takes them."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "koderz"
    return f"{command}: {' '.join(error.format_message().split())} (see `{command} -h`)"

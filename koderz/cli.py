"""The command line: it gathers the commands and turns errors into one line and an exit code."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from koderz._version import __version__
from koderz.commands import (
    analyze,
    benchmark,
    calibrate,
    classify,
    compress,
    config,
    doctor,
    download_data,
    evaluate,
    frontier_costs,
    git,
    list_problems,
    local,
    models,
    quality,
    read,
    report,
    reprice,
    results,
    route,
    run,
    show_spec,
    simulate,
    speed_test,
    usage,
    web,
)
from koderz.commands import map as map_
from koderz.errors import KoderzError

HELP = """Send each piece of language-model work to the cheapest model that can do it.

Nothing needs configuring: set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY, or run Ollama.
With neither, what can be done without a model is done without one, and it says so.
"""

INTERRUPTED = 130

app = typer.Typer(
    name="koderz",
    help=HELP,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("read", short_help="Print what matters in a large file.")(read.read)
app.command("git", short_help="List commits by type and scope.")(git.git)
app.command("web", short_help="Print what matters in a web page.")(web.web)
app.command("compress", short_help="Shorten a conversation.")(compress.compress)
app.command("classify", short_help="Label many short texts.")(classify.classify)
app.command("map", short_help="Ask one prompt of every item of a list.")(map_.map_items)
app.command("run", short_help="Run one experiment: spec, iterations, reviews.")(run.run)
app.command("benchmark", short_help="Compare strategies on many problems.")(benchmark.benchmark)
app.command("report", short_help="Report what a benchmark run came to.")(report.report)
app.command("results", short_help="List the experiments so far.")(results.results)
app.command("analyze", short_help="Take one experiment apart.")(analyze.analyze)
app.command("reprice", short_help="Reckon a run at other prices.")(reprice.reprice)
app.command("frontier-costs", short_help="Show what frontier models alone cost.")(
    frontier_costs.frontier_costs
)
app.command("show-spec", short_help="Print the specification of an experiment.")(
    show_spec.show_spec
)
app.command("evaluate", short_help="Judge samples of code by a benchmark.")(evaluate.evaluate)
app.command("list-problems", short_help="List the problems of a benchmark.")(
    list_problems.list_problems
)
app.command("download-data", short_help="Fetch a benchmark's problems.")(
    download_data.download_data
)
app.command("route", short_help="Explain which models a task goes to.")(route.route)
app.command("models", short_help="List models, tiers, prices, what is reachable.")(models.models)
app.add_typer(local.app, name="local", short_help="List, fetch and remove local models.")
app.command("speed-test", short_help="Measure how fast models answer.")(speed_test.speed_test)
app.command("quality", short_help="Measure small models against the main model.")(quality.quality)
app.command("calibrate", short_help="Choose what may stay with the small model.")(
    calibrate.calibrate
)
app.command("usage", short_help="Show calls, cost, savings, latency, quality.")(usage.usage)
app.add_typer(config.app, name="config", short_help="Show, check or begin the settings.")
app.command("simulate", short_help="Run a server that simulates every provider.")(simulate.simulate)
app.command("doctor", short_help="Say what is here, what is missing, what to do.")(doctor.doctor)


@app.callback()
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

    0 done, 1 failed, 2 bad input or configuration, 130 interrupted.
    """
    # Repeats are in the ledger; stamina would also log them to a stderr that is not its own.
    logging.getLogger("stamina").addHandler(logging.NullHandler())
    for name in ("batched", "client", "core"):
        # A lost connection is told in one line; Dask would log it too, with its traceback.
        logging.getLogger(f"distributed.{name}").disabled = True
    try:
        outcome = app(arguments or ["--help"], prog_name="koderz", standalone_mode=False)
    except TyperException as error:
        typer.echo(_describe_misuse(error), err=True)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        outcome = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left (`| head`): nothing is wrong, and nothing more to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KoderzError as error:
        if "--debug" in arguments:
            raise
        typer.echo(f"koderz: {error}", err=True)
        return error.exit_code
    if outcome == INTERRUPTED:  # Typer, too, makes this code of Ctrl-C.
        typer.echo("koderz: interrupted; what was recorded is kept", err=True)
    return outcome if isinstance(outcome, int) else 0


def _describe_misuse(error: TyperException) -> str:
    """One line for options and arguments that are not as the command takes them."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "koderz"
    return f"{command}: {' '.join(error.format_message().split())} (see `{command} -h`)"

"""`koderz calibrate`: from labelled examples, which answers may stay with the small model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from koderz.commands import console
from koderz.commands.job_options import (
    LedgerOption,
    ModelOption,
    check_model_options,
    load_settings,
    perform,
)
from koderz.commands.options import ConfigOption, JsonOption
from koderz.commands.progress import ProgressLine
from koderz.commands.quality import parse_usd
from koderz.errors import ConfigError
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.config.loading import LoadedSettings
    from koderz.extract.labels.items import Example
    from koderz.quality.calibrations import CalibrationPlan, CalibrationResult, Truth

TABLE = "koderz.classify"
SETTINGS_FILE = "koderz.toml"


def calibrate(
    task: Annotated[str, typer.Argument(help="What is calibrated: classify.")],
    *,
    examples: Annotated[Path, typer.Option(help="CSV or JSON lines with `text` and `label`.")],
    max_loss: Annotated[
        float, typer.Option(metavar="POINTS", help="Most points of accuracy that may be lost.")
    ] = 2.0,
    labels: Annotated[
        str | None, typer.Option(help="The set: a,b,c (without: the labels of the examples).")
    ] = None,
    taught_by: Annotated[
        Path | None,
        typer.Option(help="What `classify --examples` will be given (without: these examples)."),
    ] = None,
    no_linear: Annotated[
        bool, typer.Option("--no-linear", help="Classify will be given no examples.")
    ] = False,
    model: ModelOption = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no model: what the examples alone may decide.")
    ] = False,
    no_main: Annotated[
        bool, typer.Option("--no-main", help="Take the main model to be always right, unasked.")
    ] = False,
    truth: Annotated[
        str, typer.Option(help="What is right: the examples' `labels`, or those of `main`.")
    ] = "labels",
    max_usd: Annotated[
        str | None,
        typer.Option(metavar="USD", help="Most that it may cost (without: as the settings say)."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Put the lines into this settings file.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put the lines into koderz.toml here.")
    ] = False,
    as_json: JsonOption = False,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> None:
    """Choose how sure a label must be to stay with the small model, losing at most so much.

    The examples are labelled by the cheap path and by the main model, and the threshold is chosen
    that loses at most --max-loss points of accuracy against sending everything to the main model,
    with 95% confidence. Too few examples: everything is escalated, and how many it takes is said.

    Examples:

        koderz calibrate classify --examples labelled.csv --max-loss 2

        koderz calibrate classify --examples labelled.csv --no-model --write
    """
    check_options(task, truth, model, no_model=no_model)
    if out and write:
        raise ConfigError("choose one of --out and --write")
    loaded = load_settings(TaskKind.CLASSIFICATION, config=config, model=model, ledger=ledger)
    result = _calibrate(
        loaded,
        load_all(examples, taught_by, labels),
        max_loss=max_loss / 100,
        use_linear=not no_linear,
        use_model=not no_model,
        use_main=not no_main,
        truth="main" if truth == "main" else "labels",
        max_usd=max_usd,
    )
    if as_json:
        console.print_json({"result": result, "settings": list_values(result)})
    else:
        print_result(result)
    if target := out or (Path(SETTINGS_FILE) if write else None):
        from koderz.config.editing import write_values

        write_values(target, TABLE, list_values(result), describe_basis(result))
        console.get_notes().print(f"written to {target}", markup=False, soft_wrap=True)


def check_options(task: str, truth: str, model: str | None, *, no_model: bool) -> None:
    """Raise ConfigError for what cannot be calibrated, or not in this way."""
    if task not in {"classify", TaskKind.CLASSIFICATION.value}:
        raise ConfigError(
            f"{task!r} cannot be calibrated: only `classify` can. The other jobs have a check that "
            "accepts or rejects an answer, and no measure of how sure one is"
        )
    if truth not in {"labels", "main"}:
        raise ConfigError(f"{truth!r} is neither `labels` nor `main`", key="--truth")
    check_model_options(model, no_model=no_model)


def load_all(
    examples: Path, taught_by: Path | None, labels: str | None
) -> tuple[tuple[Example, ...], tuple[Example, ...], tuple[str, ...]]:
    """The examples, those for the linear model alone, and the set of labels."""
    from koderz.extract.labels.files import load_examples
    from koderz.extract.labels.sets import parse_labels

    wanted = () if labels is None else parse_labels(labels)
    found = load_examples(examples, wanted)
    teaching = load_examples(taught_by, wanted) if taught_by else ()
    return found, teaching, wanted or tuple(sorted({each.label for each in (*found, *teaching)}))


def _calibrate(
    loaded: LoadedSettings,
    files: tuple[tuple[Example, ...], tuple[Example, ...], tuple[str, ...]],
    *,
    max_loss: float,
    use_linear: bool,
    use_model: bool,
    use_main: bool,
    truth: Truth,
    max_usd: str | None,
) -> CalibrationResult:
    from koderz.quality.calibrating import CalibrateClassify

    examples, teaching, labels = files
    with ProgressLine() as line:
        job = CalibrateClassify(
            examples,
            labels,
            max_loss=max_loss,
            taught_by=teaching,
            use_linear=use_linear,
            use_model=use_model,
            use_main=use_main,
            truth=truth,
            max_usd=parse_usd(max_usd),
            on_plan=print_plan,
            on_progress=line.update,
        )
        return perform(job, loaded, line.update)


def print_plan(plan: CalibrationPlan) -> None:
    """Say on stderr what is about to be asked and what it costs."""
    if plan.models:
        console.get_notes().print(
            f"asking {' and '.join(plan.models)} about {plan.examples:,} examples: about "
            f"{console.format_usd(plan.cost_usd)}, at most {console.format_usd(plan.limit_usd)}",
            markup=False,
            soft_wrap=True,
        )


def list_values(result: CalibrationResult) -> Mapping[str, float]:
    """The settings that the calibration comes to."""
    return {"escalate_below": result.escalate_below, "sure_above": result.sure_above}


def describe_basis(result: CalibrationResult) -> str:
    """What the values rest on, in a line that stands above them."""
    record = result.record
    stamp = ", simulated" if record.is_simulated else ""
    against = record.reference or "any model"
    basis = f"calibrated {record.at:%Y-%m-%d} on n={record.examples:,} examples{stamp}"
    if not result.is_found:
        return f"{basis}: too few to promise {record.max_loss * 100:g} points: everything escalates"
    loss = f"at most {record.loss_high * 100:.2f} points lost (95%)"
    return f"{basis}: {loss} against {against} in terms of {record.truth}, {record.kept:.1%} stay"


def print_result(result: CalibrationResult) -> None:
    """Print the lines for the settings on stdout, and what they rest on on stderr."""
    notes = console.get_notes()
    for name, text in _list_lines(result):
        notes.print(f"{name:<10}{text}", markup=False, soft_wrap=True)
    output = console.get_output()
    output.print(f"[{TABLE}]", markup=False)
    output.print(f"# {describe_basis(result)}", markup=False, soft_wrap=True)
    for key, value in list_values(result).items():
        output.print(f"{key} = {value}", markup=False)


def _list_lines(result: CalibrationResult) -> Iterator[tuple[str, str]]:
    record, usd = result.record, console.format_usd
    if record.is_simulated:
        yield "SIMULATED", "models of the simulator answered: this shows the way, not a model"
    stamp = " (simulated)" if record.is_simulated else ""
    yield "examples", f"n={record.examples:,}, right is what {record.truth} say"
    yield (
        "models",
        f"{record.model or 'no small model'}, then {record.reference or 'no main model'}",
    )
    yield "cost", f"{usd(result.cost_usd)} for {result.calls:,} calls{stamp}"
    if result.is_found:
        limit = f"{record.loss_high * 100:.2f} points at 95% (asked for: {record.max_loss * 100:g})"
        yield "loss", f"at most {limit}; {result.lost:,} of {record.examples:,} were lost"
        alone = f"{result.alone:,} of them by the examples alone"
        yield "stay", f"{record.kept:.1%} ({result.kept:,} of {record.examples:,}, {alone})"
        spent = f"{usd(result.path_usd)} instead of {usd(result.main_usd)}"
        yield "per 1,000", f"{spent}: saves {usd(result.saved_usd)}"
    else:
        yield (
            "too few",
            f"no threshold keeps {record.max_loss * 100:g} points: {_say_needed(result)}",
        )
    if record.compared:
        share = f"{record.agreed / record.compared:.1%} of n={record.compared:,}"
        yield "drift", f"watched: {record.model} agreed with {record.reference} on {share}"
    else:
        yield "drift", "not watched: both models have to be asked for that"
    for note in result.notes:
        yield "note", note


def _say_needed(result: CalibrationResult) -> str:
    if result.needed is None:
        return "no number of examples would show it, because even the surest labels lose more"
    return f"about {result.needed:,} examples would, and there are {result.examples:,}"

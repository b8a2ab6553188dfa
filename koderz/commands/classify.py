"""`koderz classify`: a label for each of many short texts, and the receipt."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from koderz.commands import console
from koderz.commands.batch_options import (
    build_batch_options,
    check_batch_options,
    saying_how_to_go_on,
)
from koderz.commands.job_options import (
    STDIN,
    STDIN_NAME,
    FormOption,
    LedgerOption,
    MaxCostOption,
    ModelOption,
    check_model_options,
    load_settings,
    parse_max_cost,
    perform,
)
from koderz.commands.options import ConfigOption, JsonLineOption
from koderz.commands.progress import ProgressLine
from koderz.commands.receipts import build_job_receipt, print_receipt_lines
from koderz.errors import ConfigError
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.config.loading import LoadedSettings
    from koderz.extract.labels.items import Item
    from koderz.jobs.classify.batch import ClassifyBatch, ClassifyResult, Decision, Plan


def classify(
    file: Annotated[
        Path,
        typer.Argument(
            help="A line an item, or CSV or JSON lines with `id` and `text`; - is standard input."
        ),
    ],
    *,
    labels: Annotated[
        str | None,
        typer.Option(help='The set: a,b,"c, d" (without: the labels of the examples).'),
    ] = None,
    examples: Annotated[
        Path | None, typer.Option(help="CSV or JSON lines with `text` and `label`.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Most items of one prompt (without: as many as fit).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the labels there; a file half done is gone on with.")
    ] = None,
    as_json: JsonLineOption = False,
    form: FormOption = None,
    min_confidence: Annotated[
        float, typer.Option(help="With no model, give no label that is less likely right.")
    ] = 0.7,
    model: ModelOption = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no model: go by the examples alone.")
    ] = False,
    provider_batch: Annotated[
        bool,
        typer.Option("--provider-batch", help="Ask at the provider's half-price batch endpoint."),
    ] = False,
    no_wait: Annotated[
        bool,
        typer.Option("--no-wait", help="Submit the batch and leave: the same command collects."),
    ] = False,
    max_cost: MaxCostOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> None:
    """Print a label for each item, as JSON lines, with what decided it.

    Near duplicates are judged once. What examples make sure of needs no model; the rest go to the
    small model, many a prompt, and doubtful ones to the main model. The price is said first. The
    labels go to standard output or to --out, the receipt to standard error.

    Examples:

        koderz classify tickets.csv --labels bug,question,praise

        koderz classify tickets.csv --examples labelled.csv --no-model

        koderz classify tickets.jsonl --labels a,b --out labels.jsonl --max-cost 0.50

        git log --format=%s | koderz classify - --labels fix,feature,other

        koderz classify tickets.txt --labels a,b --out labels.jsonl --provider-batch
    """
    check_model_options(model, no_model=no_model)
    check_batch_options(is_batch=provider_batch, is_waited_for=not no_wait, has_out=out is not None)
    job = load_job(file, form, labels, examples)
    loaded = load_settings(TaskKind.CLASSIFICATION, config=config, model=model, ledger=ledger)
    job = msgspec.structs.replace(
        job,
        batch=batch,
        max_usd=parse_max_cost(max_cost),
        min_confidence=min_confidence,
        use_model=not no_model,
        provider_batch=build_batch_options(is_waited_for=not no_wait) if provider_batch else None,
        on_plan=print_plan,
    )
    with saying_how_to_go_on(as_json=as_json):
        print_result(label_items(job, loaded, out), as_json=as_json)


def print_result(result: ClassifyResult, *, as_json: bool) -> None:
    """Print the receipt of labels that are out already."""
    if as_json:
        receipt = msgspec.structs.asdict(result)
        del receipt["items"]
        console.print_json_line({"receipt": receipt})
    else:
        print_receipt_lines(build_job_receipt(result, whole="of the items"))


def load_job(file: Path, form: Any, labels: str | None, examples: Path | None) -> ClassifyBatch:
    """The items, labels and examples of these files, as a job."""
    from koderz.extract.labels.files import load_examples
    from koderz.extract.labels.sets import parse_labels
    from koderz.jobs.classify.batch import ClassifyBatch

    if labels is None and examples is None:
        raise ConfigError("name the set of labels (--labels a,b,c), or give --examples with labels")
    wanted = () if labels is None else parse_labels(labels)
    known = load_examples(examples, wanted) if examples else ()
    wanted = wanted or tuple(sorted({example.label for example in known}))
    return ClassifyBatch(load_items(file, form), wanted, known)


def load_items(file: Path, form: Any) -> tuple[Item, ...]:
    """The items of a file, or of standard input."""
    from koderz.extract.labels import files

    if file != STDIN:
        return files.load_items(file, form)
    return files.decode_items(console.read_stdin("items"), STDIN_NAME, form or "lines")


def label_items(job: ClassifyBatch, loaded: LoadedSettings, out: Path | None) -> ClassifyResult:
    """Do the job; labels go to `out` as they come, else out at the end, even an early one."""
    from koderz.jobs.classify.out import LabelFile

    told: list[Decision] = []
    with ExitStack() as stack:
        line = stack.enter_context(ProgressLine())
        file = stack.enter_context(LabelFile(out, job.items, job.labels)) if out else None
        job = msgspec.structs.replace(
            job,
            done=file.done if file else (),
            on_decided=file.append if file else told.extend,
            on_progress=line.update,
        )
        try:
            result = perform(job, loaded, line.update)
        except BaseException:
            # What was decided until now is paid for: it goes out before the error does.
            print_decisions(told)
            raise
        if file:
            file.finish(result.items)
        else:
            print_decisions(result.items)
    return result


def print_plan(plan: Plan) -> None:
    """Say on stderr what is about to be asked and what it costs."""
    prompts = f"{plan.prompts:,} prompt{'' if plan.prompts == 1 else 's'}"
    again = "" if plan.main == plan.model else f"; doubtful ones go to {plan.main} on top"
    half = " at the price of batches" if plan.is_batch else ""
    console.get_notes().print(
        f"asking {plan.model} about {plan.asked:,} of {plan.distinct:,} texts in {prompts}, "
        f"{plan.tokens_in:,} tokens in and {plan.tokens_out:,} out: "
        f"about {console.format_usd(plan.cost_usd)}{half}{again}",
        markup=False,
        soft_wrap=True,
    )


def print_decisions(decisions: Sequence[Decision]) -> None:
    """Print a JSON line an item."""
    from koderz.jobs.classify.out import encode_line

    if decisions:
        typer.echo(b"".join(map(encode_line, decisions)), nl=False)

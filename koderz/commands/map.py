"""`koderz map`: one prompt over every item of a list, and the receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from koderz.commands import console
from koderz.commands.job_options import (
    STDIN,
    STDIN_NAME,
    FormOption,
    LedgerOption,
    MaxCostOption,
    ModelOption,
    load_settings,
    parse_max_cost,
    perform,
)
from koderz.commands.options import ConfigOption, JsonLineOption
from koderz.commands.progress import ProgressLine
from koderz.commands.receipts import build_job_receipt, print_receipt_lines
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.config.loading import LoadedSettings
    from koderz.extract.lists import ListItem
    from koderz.jobs.map.items import MapItems, MapPlan, MapResult, MapRow


def map_items(
    file: Annotated[
        Path,
        typer.Argument(help="A line an item, CSV, or JSON lines; - reads standard input."),
    ],
    *,
    prompt: Annotated[
        str, typer.Option(help="What is asked of each item; {item} and {COLUMN} are filled in.")
    ],
    schema: Annotated[
        Path | None, typer.Option(help="A JSON schema that every answer has to fit.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the rows there; a file half done is gone on with.")
    ] = None,
    as_json: JsonLineOption = False,
    pack: Annotated[int, typer.Option(help="Most items of one prompt.")] = 1,
    concurrency: Annotated[
        int | None,
        typer.Option(help="Most prompts at once (without: [koderz.routing] side_concurrency)."),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Most tokens of an answer (without: as the settings say).")
    ] = None,
    form: FormOption = None,
    model: ModelOption = None,
    max_cost: MaxCostOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> None:
    """Print the answer to a prompt for each item of a list, as JSON lines in the list's order.

    An item that gets no answer has its `error` instead, and the others go on. Equal prompts are
    asked once. The price is said first. The rows go to standard output or to --out, the receipt
    to standard error. It ends with 1 where no item got an answer.

    Examples:

        koderz map cities.txt --prompt "Which country is {item} in? The name alone."

        koderz map tickets.csv --prompt "Reply to {name}: {text}" --out replies.jsonl

        koderz map invoices.jsonl --prompt "What is owed? {item}" --schema owed.json --max-cost 1
    """
    job = msgspec.structs.replace(
        load_job(file, prompt, schema, form),
        pack=pack,
        max_usd=parse_max_cost(max_cost),
        max_concurrency=concurrency,
        on_plan=print_plan,
    )
    job.check()
    loaded = load_settings(
        TaskKind.BULK,
        config=config,
        model=model,
        ledger=ledger,
        more=build_limits(concurrency, max_tokens),
    )
    result = ask_items(job, loaded, out)
    if as_json:
        receipt = msgspec.structs.asdict(result)
        del receipt["items"]
        console.print_json_line({"receipt": receipt})
    else:
        print_receipt_lines(build_job_receipt(result, whole="of the items"))
    if not result.answered:
        raise typer.Exit(1)


def load_job(file: Path, prompt: str, schema: Path | None, form: Any) -> MapItems:
    """The items and the schema of these files, as a job."""
    from koderz.jobs.map.items import MapItems
    from koderz.jobs.map.schemas import load_answer_schema

    held = load_answer_schema(schema).schema if schema else None
    return MapItems(load_items(file, form), prompt, held)


def load_items(file: Path, form: Any) -> tuple[ListItem, ...]:
    """The items of a file, or of standard input."""
    from koderz.extract.lists import decode_list, load_list

    if file != STDIN:
        return load_list(file, form)
    return decode_list(console.read_stdin("a list"), STDIN_NAME, form or "lines")


def build_limits(concurrency: int | None, max_tokens: int | None) -> Mapping[str, Any]:
    """The settings that these options stand for, by dotted name."""
    limits = {
        "koderz.routing.side_concurrency": concurrency,
        f"agent.small_model.tasks.{TaskKind.BULK}.max_tokens": max_tokens,
    }
    return {key: limit for key, limit in limits.items() if limit is not None}


def ask_items(job: MapItems, loaded: LoadedSettings, out: Path | None) -> MapResult:
    """Do the job; rows go to `out` as they come, else out in order, the rest at an early end."""
    from koderz.jobs.map.out import AnswerFile

    printer = OrderedPrinter([item.id for item in job.items])
    with ExitStack() as stack:
        line = stack.enter_context(ProgressLine())
        file = stack.enter_context(AnswerFile(out, job.list_prompt_ids())) if out else None
        job = msgspec.structs.replace(
            job,
            done=file.done if file else (),
            on_rows=file.append if file else printer.take,
            on_progress=line.update,
        )
        try:
            result = perform(job, loaded, line.update)
        finally:
            # What was answered until now is paid for: it goes out before an error does.
            printer.flush()
        if file:
            file.finish(result.items)
    return result


class OrderedPrinter:
    """Prints rows in the items' order, each as soon as all before it are known."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = iter(ids)
        self._next = next(self._ids, None)
        self._waiting: dict[str, MapRow] = {}

    def take(self, rows: Sequence[MapRow]) -> None:
        """Print these rows, or keep them until it is their turn."""
        self._waiting.update((row.id, row) for row in rows)
        ready = []
        while self._next in self._waiting:
            ready.append(self._waiting.pop(self._next))
            self._next = next(self._ids, None)
        print_rows(ready)

    def flush(self) -> None:
        """Print what still waits."""
        print_rows(list(self._waiting.values()))
        self._waiting.clear()


def print_rows(rows: Sequence[MapRow]) -> None:
    """Print a JSON line an item."""
    from koderz.jobs.row_files import encode_row

    if rows:
        typer.echo(b"".join(map(encode_row, rows)), nl=False)


def print_plan(plan: MapPlan) -> None:
    """Say on stderr what is about to be asked and what it costs."""
    prompts = f"{plan.prompts:,} prompt{'' if plan.prompts == 1 else 's'}"
    also = "" if plan.main == plan.model else f", in the end of {plan.main},"
    price = console.format_usd(plan.low_usd)
    if plan.low_usd != plan.high_usd:
        price = f"{price} (short answers) to {console.format_usd(plan.high_usd)} (the longest)"
    console.get_notes().print(
        f"asking {plan.model} about {plan.asked:,} of {plan.items:,} items in {prompts}, "
        f"{plan.tokens_in:,} tokens in and at most {plan.most_tokens_out:,} out: {price}; "
        f"what is asked again{also} comes on top",
        markup=False,
        soft_wrap=True,
    )

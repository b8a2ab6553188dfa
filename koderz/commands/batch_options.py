"""What `--provider-batch` asks for, and what a person is told of the batch."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from koderz.commands import console
from koderz.errors import BatchPendingError, ConfigError

if TYPE_CHECKING:
    from koderz.jobs.classify.batch_news import BatchNews, ProviderBatch

ADVICE = {
    "submitted": "; most are done within an hour, all within 24",
    "found again": ", submitted before; it is not paid for again",
}


def check_batch_options(*, is_batch: bool, is_waited_for: bool, has_out: bool) -> None:
    """Raise ConfigError for options that do not go together."""
    if is_batch and not has_out:
        raise ConfigError(
            "name a file for the labels (--out FILE): a batch may take a day, and what is in the "
            "file is kept whatever comes in between"
        )
    if not is_batch and not is_waited_for:
        raise ConfigError("--no-wait goes with --provider-batch: other calls are waited for")


def build_batch_options(*, is_waited_for: bool) -> ProviderBatch:
    """How the job asks, its news told on stderr."""
    from koderz.jobs.classify.batch_news import ProviderBatch

    return ProviderBatch(is_waited_for=is_waited_for, on_news=print_news)


def print_news(news: BatchNews) -> None:
    """Say what is new of a batch."""
    requests = f"{news.requests:,} request{'' if news.requests == 1 else 's'}"
    limit = "" if news.kind == "collected" else " at the most"
    _say(
        f"{news.kind} batch {news.batch_id} at {news.provider}: {requests} to {news.model} about "
        f"{news.texts:,} texts, {console.format_usd(news.cost_usd)}{limit}"
        f"{ADVICE.get(news.kind, '')}"
    )


@contextmanager
def saying_how_to_go_on(*, as_json: bool) -> Iterator[None]:
    """Say how to go on where a batch is left under way; leaving it so on purpose is no error."""
    command = shlex.join(["koderz", *sys.argv[1:]])
    try:
        yield
    except BatchPendingError as error:
        _say(f"{error}\n{command}")
        if as_json:
            pending = {"batch_ids": error.batch_ids, "command": command}
            console.print_json_line({"pending": pending})
    except KeyboardInterrupt:
        if "--provider-batch" in sys.argv:
            _say(f"what was submitted goes on at the provider; this goes on with it:\n{command}")
        raise


def _say(text: str) -> None:
    console.get_notes().print(text, markup=False, soft_wrap=True)

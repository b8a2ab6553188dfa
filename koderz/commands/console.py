"""How commands speak: data on stdout, everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import typer

from koderz.errors import ConfigError
from koderz.types import Rates

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder(enc_hook=str, decimal_format="number")


def get_output() -> Console:
    """The console for what was asked for."""
    from koderz.commands.piped import PipedConsole

    return PipedConsole(highlight=False, soft_wrap=not sys.stdout.isatty())


def get_notes() -> Console:
    """The console for progress, warnings and errors."""
    from koderz.commands.piped import PipedConsole

    return PipedConsole(stderr=True, highlight=False)


def print_json(document: Mapping[str, Any] | msgspec.Struct) -> None:
    """Print one JSON object; money is a number of USD, times are ISO 8601 in UTC."""
    encoded = _ENCODER.encode(document)
    typer.echo(msgspec.json.format(encoded, indent=2).decode())


def print_json_line(document: Mapping[str, Any] | msgspec.Struct) -> None:
    """Print one JSON object on a line of its own, its values as in `print_json`."""
    typer.echo(_ENCODER.encode(document).decode())


def format_usd(amount: Decimal | None) -> str:
    """Money for a person: "$0.0123", "unknown" where a price is."""
    if amount is None:
        return "unknown"
    return f"-${-amount:.4f}" if amount < 0 else f"${amount:.4f}"


def format_rates(rates: Rates) -> str:
    """Rates for a person: "$0.15 in, $0.60 out a million tokens"."""
    if rates.input is None or rates.output is None:
        return "price unknown"
    if not rates.input and not rates.output:
        return "free"
    return f"${rates.input:f} in, ${rates.output:f} out a million tokens"


def read_stdin(wanted: str) -> bytes:
    """What is piped in; ConfigError where nothing is, as `wanted` says what to pipe."""
    if sys.stdin.isatty():
        raise ConfigError(f"- reads standard input, and none is given: pipe {wanted} into it")
    return sys.stdin.buffer.read()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end."""
    import asyncio

    return asyncio.run(work)

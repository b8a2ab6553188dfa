"""`koderz simulate`: every provider, simulated, on this machine."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated

import typer

from koderz.commands import console

if TYPE_CHECKING:
    import asyncio

    from koderz.simulator import Exchange, Simulator


def simulate(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes any free one.")
    ] = 8001,
    seed: Annotated[int, typer.Option(help="Another seed, other answers.")] = 0,
    skill: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL=SKILL", help="A model's (or pattern's) skill from 0 to 1."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND[:MODEL[:TIMES]]",
            help="Something that goes wrong: rate_limit, server_error, overloaded, cut_stream, "
            "malformed_json, silence, slow, misquote, invalid, empty, refusal or long.",
        ),
    ] = None,
    latency_ms: Annotated[float, typer.Option(min=0, help="Wait before each answer.")] = 0,
    tokens_per_s: Annotated[
        float | None, typer.Option(min=0.001, help="Speed of streams; at once if not given.")
    ] = None,
    batch_delay: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long a provider's batch takes.")
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print address and variables as one JSON object.")
    ] = False,
) -> None:
    """Run a server that stands in for Anthropic, OpenAI, Google, Ollama and the other hosts.

    It prints the variables that make clients ask it, then notes each request on stderr until
    Ctrl-C. Its models really read what they are asked to read, with the skill they are given, and
    every answer is marked as simulated.

    Examples:

        koderz simulate

        koderz simulate --skill gpt-4o-mini=0.6 --fault rate_limit:gpt-4o-mini:2

        koderz simulate --port 0 --fault slow:claude-haiku-4-5:always,wait_s=0.1
    """
    from koderz.simulator import open_simulator
    from koderz.simulator.faults import parse_faults
    from koderz.simulator.skills import parse_skills

    opening = open_simulator(
        seed=seed,
        skills=parse_skills(skill or ()),
        faults=parse_faults(fault or ()),
        port=port,
        latency_s=latency_ms / 1000,
        tokens_per_s=tokens_per_s,
        batch_delay_s=batch_delay,
        on_exchange=_note,
    )
    console.run(_serve(opening, as_json=as_json))


async def _serve(opening: AbstractAsyncContextManager[Simulator], *, as_json: bool) -> None:
    stopped = _stop_on_signals()
    async with opening as simulator:
        _announce(simulator.base_url, simulator.environ(), as_json=as_json)
        await stopped.wait()


def _stop_on_signals() -> asyncio.Event:
    """An event that Ctrl-C, or a request to end, sets: neither is an error here."""
    import asyncio

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def _announce(base_url: str, environ: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        console.print_json({"base_url": base_url, "environ": environ, "simulated": True})
        return
    typer.echo(f"# Simulated providers at {base_url} (Ctrl-C ends them). In another shell:")
    for name, value in environ.items():
        typer.echo(f"export {name}={value}")


def _note(exchange: Exchange) -> None:
    what = exchange.model or exchange.path
    fault = f" fault={exchange.fault}" if exchange.fault else ""
    task = f" task={exchange.task}" if exchange.task else ""
    tokens = f" tokens={exchange.tokens_in}+{exchange.tokens_out}" if exchange.tokens_in else ""
    status = exchange.status or "no answer"
    typer.echo(f"{exchange.provider} {what}: {status}{task}{tokens}{fault}", err=True)

"""`koderz route`: which model a task goes to, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from koderz.commands import console
from koderz.commands.options import ConfigOption, JsonOption
from koderz.types import EXPERIMENT_TASKS, TaskKind

if TYPE_CHECKING:
    from koderz.config.loading import LoadedSettings
    from koderz.models.prices import PriceBook
    from koderz.routing.routes import Route
    from koderz.types import ModelInfo


def route(
    task: Annotated[TaskKind, typer.Argument(help="The kind of task.")],
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain in one screen which models a task goes to, and what decided it.

    Examples:

        koderz route large_read

        koderz route compression --json
    """
    from koderz import compose
    from koderz.models.prices import PriceBook
    from koderz.routing.routes import resolve_route

    loaded = compose.load(config)
    inventory = console.run(compose.fetch_current_inventory(loaded))
    resolved = resolve_route(loaded.settings, task, inventory)
    prices = PriceBook(loaded.settings.koderz.prices)
    if as_json:
        console.print_json(build_route_document(resolved, prices))
    else:
        print_route(resolved, prices, loaded)


def build_route_document(route: Route, prices: PriceBook) -> dict[str, Any]:
    """The JSON object of a route; prices are USD per million tokens, null where unknown."""
    return {
        "task": route.task,
        "models": [_build_model(model, prices) for model in route.models],
        "source": route.source,
        "reason": route.reason,
        "warning": route.warning,
        "max_tokens": route.max_tokens,
        "temperature": route.temperature,
        "main_model": route.main.name if route.main else None,
    }


def _build_model(model: ModelInfo, prices: PriceBook) -> dict[str, Any]:
    price = prices.get_price(model)
    return {
        "name": model.name,
        "provider": model.provider,
        "tier": model.tier,
        "input_usd_per_mtok": price.rates.input,
        "output_usd_per_mtok": price.rates.output,
        "prices_as_of": price.as_of,
    }


def print_route(route: Route, prices: PriceBook, loaded: LoadedSettings) -> None:
    """Print a route for a person: the order first, then what decided it and what changes it."""
    output = console.get_output()
    output.print(f"[bold]{route.task}[/] goes to")
    if not route.models:
        output.print("  no model: what can be done without one is done without one")
    for number, model in enumerate(route.models, start=1):
        is_last_resort = number == len(route.models) > 1
        output.print(
            f"  {number}. [bold]{model.name}[/]  {model.tier}, "
            f"{console.format_rates(prices.get_price(model).rates)}"
            + (", the last resort" if is_last_resort else "")
        )
    output.print(f"because  {route.reason}  [dim]({route.source})[/]")
    output.print(
        f"with     at most {route.max_tokens} tokens an answer, temperature {route.temperature:g}"
    )
    if route.warning:
        output.print(f"[yellow]warning[/]  {route.warning}")
    for key in _list_deciding_keys(route.task, loaded):
        output.print(f"[dim]set by   {key} from {loaded.origins[key]}[/]")
    output.print(_say_next(route))


def _list_deciding_keys(task: TaskKind, loaded: LoadedSettings) -> list[str]:
    """The settings that a person gave and that this decision read."""
    prefixes = ("agent.default_model", "agent.small_model.")
    other_tasks = tuple(
        f"agent.small_model.tasks.{other}." for other in TaskKind if other is not task
    )
    return [
        key
        for key, origin in sorted(loaded.origins.items())
        if origin != "default" and key.startswith(prefixes) and not key.startswith(other_tasks)
    ]


def _say_next(route: Route) -> str:
    if not route.models:
        return (
            "next     set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY, or start Ollama; "
            "`koderz doctor` shows what is missing"
        )
    if route.task in EXPERIMENT_TASKS:
        return "next     `koderz run -h` shows how an experiment names the model of each role"
    return (
        f'next     [agent.small_model.tasks.{route.task}] model = "..." chooses another model; '
        "`koderz models` lists them"
    ).replace("[agent", "\\[agent")

"""`koderz show-spec`: the specification that an experiment worked from."""

from __future__ import annotations

from typing import Annotated

import typer

from koderz.commands import console
from koderz.commands.options import ConfigOption, JsonOption
from koderz.errors import ConfigError


def show_spec(
    experiment: Annotated[str, typer.Argument(help="The experiment's id, or its run's.")],
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the specification that an experiment worked from, with the notes of its reviews.

    Examples:

        koderz show-spec 20260131-1a2b3c4d
    """
    from koderz import compose
    from koderz.experiments.reading import load_result
    from koderz.experiments.store import ExperimentStore, get_store_path

    settings = compose.load(config).settings
    with ExperimentStore(get_store_path(settings)) as store:
        result, history = load_result(store, experiment, settings)
    spec = history.spec
    if spec is None:
        raise ConfigError(f"{result.id} was run without a specification")
    if as_json:
        console.print_json(
            {
                "id": result.id,
                "problem": result.key.problem,
                "model": spec.model,
                "reused_from": spec.reused_from,
                "spec": spec.text,
                "notes": history.notes,
                "is_simulated": result.is_simulated,
            }
        )
        return
    origin = f"reused from {spec.reused_from}" if spec.reused_from else f"for {result.id}"
    stamp = " (simulated)" if result.is_simulated else ""
    notes = console.get_notes()
    notes.print(f"by {spec.model}, {origin}{stamp}", markup=False, soft_wrap=True)
    typer.echo("\n\n".join(filter(None, (spec.text, history.notes))))

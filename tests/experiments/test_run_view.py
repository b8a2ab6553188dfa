"""What a person sees of an experiment while it runs."""

from __future__ import annotations

import io

from rich.console import Console
from scripted import say
from trials import EXPERIMENT, RIGHT, WRONG, Place

from koderz.commands.run_view import MOST_ROWS, build_table, open_view
from koderz.experiments.history import History

REVIEW = say("## Root cause\nminus [bold]\n## Proposed fix\nUse `a + b`.")


async def perform(place: Place, wrong: int) -> list[History]:
    script = [say(WRONG)] * wrong + [say(RIGHT)]
    async with place.open(script, [say("It adds."), REVIEW]) as orchestrator:
        await orchestrator.run(EXPERIMENT)
    return place.histories


def draw(histories: list[History], *, is_terminal: bool) -> str:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=is_terminal, width=100, highlight=False)
    with open_view(console) as view:
        for history in histories:
            view.show(history)
    return screen.getvalue()


async def test_lines_where_there_is_no_terminal(place: Place) -> None:
    lines = draw(await perform(place, 5), is_terminal=False).splitlines()
    assert lines[0] == "spec by gpt-4o: written, $0.0011"
    assert lines[1] == "iteration 1: failed, 1 of 2 tests: add(1, 2) gave -1, not 3"
    assert lines[6] == "checkpoint 1 by gpt-4o: plateau: Use `a + b`., $0.0011"
    assert lines[7] == "iteration 6: passed, 2 of 2 tests"
    assert lines[8].startswith("verdict: iteration 6, held-back tests: passed")


async def test_a_table_that_grows_at_a_terminal(place: Place) -> None:
    screen = draw(await perform(place, 5), is_terminal=True)
    assert "asking, or running tests" in screen
    end = screen[screen.rindex("what came of it") :]
    assert "iteration 6" in end
    assert "verdict" in end
    assert "asking" not in end


async def test_a_long_experiment_shows_its_latest_steps(place: Place) -> None:
    history = (await perform(place, 11))[-1]
    many = History(history.steps[:1] + history.steps[1:3] * MOST_ROWS)
    assert build_table(many).row_count <= MOST_ROWS + 1
    assert build_table(many, most_rows=None).row_count == MOST_ROWS + 1


def test_nothing_is_shown_where_nobody_looks() -> None:
    with open_view(None) as view:
        view.show(History())

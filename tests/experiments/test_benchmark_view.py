"""How a run is shown while it goes on, and in which words it ends."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import msgspec
import pytest
from ledger_rows import build_attempt
from rich.console import Console
from trials import CHEAP, FAILED, PASSED

from koderz.commands.benchmark_view import build_row, build_table, format_time, open_view
from koderz.commands.benchmark_words import list_endings
from koderz.experiments.history import History
from koderz.experiments.plans import Key
from koderz.experiments.steps import FeedbackStep, IterationStep, VerdictStep
from koderz.runs.tallies import Tally
from koderz.runs.values import Failure, RunOutcome, Turn

NOW = datetime(2026, 1, 31, tzinfo=UTC)
KEY = Key(run="r", strategy="cheap", problem="starter/1", sample=1)
TALLY = Tally(
    strategy="cheap", total=10, judged=6, solved=3, earlier=2, steps=20, cost_usd=Decimal("0.5")
)
JUDGED = History(
    (
        IterationStep(
            at=NOW, number=1, model=CHEAP, answer="", code="", found="", attempts=(build_attempt(),)
        ),
        FeedbackStep(at=NOW, number=1, verdict=PASSED),
        VerdictStep(at=NOW, number=1, verdict=FAILED, is_held_back=True),
    )
)


def show(*turns: Turn, is_terminal: bool = False) -> str:
    """What a view prints of some turns."""
    screen = StringIO()
    output = Console(file=screen, force_terminal=is_terminal, width=100)
    with open_view(output) as view:
        view.begin({"cheap": TALLY})
        for turn in turns:
            view.show(turn)
    return screen.getvalue()


def turn(history: History = JUDGED, reason: str = "", put_off_s: float | None = None) -> Turn:
    return Turn(
        key=KEY, history=history, reason=reason, put_off_s=put_off_s, tallies={"cheap": TALLY}
    )


def test_lines_tell_of_experiments_that_ended() -> None:
    begun = History(JUDGED.steps[:1])
    lines = show(turn(begun), turn(), turn(begun, "down", 60.0), turn(begun, "down")).splitlines()
    assert lines == [
        "2 experiments were judged before",
        "cheap starter/1 sample 1: unsolved (failed) after 1 iteration, $0.0010 (6 of 10)",
        "cheap starter/1 sample 1: again in 60 s: down (6 of 10)",
        "cheap starter/1 sample 1: broken off: down (6 of 10)",
    ]


def test_a_terminal_has_a_row_a_strategy() -> None:
    page = show(turn(), is_terminal=True)
    assert "6 of 10" in page
    assert "starter/1" not in page


def test_nothing_is_shown_where_nobody_looks() -> None:
    with open_view(None) as view:
        view.begin({})
        view.show(turn())


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({}, ("cheap", "6 of 10", "3", "", "20", "$0.5000", "40 s")),
        ({"failed": 1}, ("cheap", "6 of 10", "3", "1", "20", "$0.5000", "30 s")),
        ({"earlier": 6}, ("cheap", "6 of 10", "3", "", "20", "$0.5000", "")),
        ({"judged": 10}, ("cheap", "10 of 10", "3", "", "20", "$0.5000", "")),
        ({"has_unknown": True}, ("cheap", "6 of 10", "3", "", "20", "at least $0.5000", "40 s")),
    ],
)
def test_a_row_says_how_far_a_strategy_is(changes: dict[str, object], row: tuple[str, ...]) -> None:
    assert build_row(msgspec.structs.replace(TALLY, **changes), elapsed_s=40.0) == row
    assert build_table({"cheap": TALLY}, 1.0).row_count == 1


@pytest.mark.parametrize(
    ("time_s", "words"), [(0.4, "0 s"), (119, "119 s"), (600, "10 min"), (12_000, "3 h 20 min")]
)
def test_a_time_is_told_as_people_do(time_s: float, words: str) -> None:
    assert format_time(time_s) == words


def fail(strategy: str, reason: str) -> Failure:
    return Failure(key=Key(run="r", strategy=strategy, problem="p"), reason=reason)


@pytest.mark.parametrize(
    ("outcome", "lines"),
    [
        (RunOutcome(total=2, judged=2), []),
        (
            RunOutcome(total=9, judged=0, failures=(fail("a", "x is down"), fail("b", "alone"))),
            ["nothing could be judged: x is down"],
        ),
        (
            RunOutcome(
                total=9,
                judged=3,
                failures=(fail("a", "x is down"), fail("a", "left alone"), fail("b", "odd")),
                given_up={"a": "x is down"},
                left={"a": 2, "c": 1},
            ),
            [
                "broken off: 2 of a: x is down",
                "broken off: 1 of b: odd",
                "not begun, as the others of the strategy failed: 2 of a",
                "not begun, as they wait for what is missing: 1 of c",
            ],
        ),
        (
            RunOutcome(total=9, judged=6, left={"a": 3}, stopped="$1 is spent"),
            ["stopped: $1 is spent", "left out: 3 of a"],
        ),
    ],
)
def test_an_ending_says_what_is_left_and_why(outcome: RunOutcome, lines: list[str]) -> None:
    assert list(list_endings(outcome)) == lines

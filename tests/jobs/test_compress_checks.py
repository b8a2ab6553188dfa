"""The check of a model's record: whole, of these turns, nothing invented, nothing lost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from koderz.jobs.compress.checks import build_snapshot_check, list_missing
from koderz.prompts.compress import Snapshot
from koderz.routing.checks import Accepted, Rejected
from koderz.types import Completion, FinishReason, Text

SOURCE = "Mend parse_header in src/a.py. The limit is 45 s. We keep SQLite because it is small."
GOOD: dict[str, Any] = {
    "goal": "mend parse_header",
    "state": "begun",
    "decisions": [{"turn": 2, "text": "SQLite stays"}],
    "facts": [{"turn": 3, "text": "the limit is 45 s in src/a.py"}],
    "open_items": [],
}


def judge(
    answer: str | dict[str, Any],
    missing: tuple[str, ...] = (),
    finish: FinishReason = FinishReason.STOP,
) -> Accepted[Snapshot] | Rejected:
    text = answer if isinstance(answer, str) else msgspec.json.encode(answer).decode()
    check = build_snapshot_check(SOURCE, {2, 3}, most_tokens=60, missing=missing)
    return check(Completion(model="m", parts=(Text(text),), finish=finish))


def test_a_whole_record_is_accepted_whatever_stands_around_it() -> None:
    assert isinstance(judge(GOOD), Accepted)
    assert isinstance(judge(f"```json\n{msgspec.json.encode(GOOD).decode()}\n```"), Accepted)
    assert isinstance(judge(GOOD, ("the limit is 45 s",)), Accepted)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"goal": "  "}, "states no goal"),
        ({"facts": [{"turn": 9, "text": "x"}]}, "1 of 2 lines are of turns that were not shown"),
        ({"state": "all is in src/b.py"}, "1 paths, identifiers or numbers in it stand nowhere"),
        ({"state": "the limit is 450 s"}, "1 paths, identifiers or numbers in it stand nowhere"),
        ({"state": "on and on " * 60}, "60 are the most"),
        ({"facts": "none"}, "not the JSON asked for"),
    ],
)
def test_what_breaks_the_contract_is_rejected_with_a_reason(
    change: dict[str, Any], said: str
) -> None:
    verdict = judge({**GOOD, **change})
    assert isinstance(verdict, Rejected)
    assert said in verdict.reason
    assert "src/b.py" not in verdict.reason


def test_no_json_cut_off_and_still_missing_are_rejected() -> None:
    assert isinstance(judge("Sure, here it is."), Rejected)
    assert isinstance(judge(GOOD, finish=FinishReason.LENGTH), Rejected)
    verdict = judge(GOOD, ("read_chunk is slow",))
    assert verdict == Rejected("1 of 1 things that must survive are missing")


def test_what_survives_has_its_names_and_most_of_its_words() -> None:
    text = "src/a.py has a timeout of 45 s; tabs are never mixed with spaces"
    kept = ("the timeout in src/a.py is 45 s", "never mix tabs with spaces", "the timeout is 46 s")
    assert list_missing(kept, text) == ("the timeout is 46 s",)
    assert list_missing(("src/a.p",), text) == ("src/a.p",)

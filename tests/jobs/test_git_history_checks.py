"""An answer gives every commit that was asked about one type of the set, or it is rejected."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.extract.git.commits import CommitType
from koderz.jobs.git.checks import Types, build_types_check
from koderz.prompts.git import (
    TYPES,
    TYPES_SCHEMA,
    OpenCommit,
    build_types_request,
    encode_commit,
)
from koderz.routing.checks import Accepted, Rejected
from koderz.types import Completion, FinishReason, Text

HASHES = ("aaaaaaa", "bbbbbbb", "ccccccc")
WHOLE = [{"hash": each, "type": "fix"} for each in HASHES]
OTHER = {"hash": "ddddddd", "type": "fix"}


def judge(
    answer: object, *, finish: FinishReason = FinishReason.STOP
) -> Accepted[Types] | Rejected:
    text = answer if isinstance(answer, str) else msgspec.json.encode(answer).decode()
    completion = Completion(model="m", parts=(Text(text),), finish=finish)
    return build_types_check(HASHES)(completion)


def test_every_commit_once_with_a_known_type_is_accepted() -> None:
    kinds = ["feat", "uncategorised", "docs"]
    claimed = [{"hash": each, "type": kind} for each, kind in zip(HASHES, kinds, strict=True)]
    verdict = judge({"commits": claimed[::-1]})
    assert isinstance(verdict, Accepted)
    assert verdict.value == {
        "aaaaaaa": CommitType.FEAT,
        "bbbbbbb": CommitType.UNCATEGORISED,
        "ccccccc": CommitType.DOCS,
    }


@pytest.mark.parametrize(
    ("claimed", "said"),
    [
        (WHOLE[:2], "1 of 3 hashes are missing, first ccccccc"),
        ([], "3 of 3 hashes are missing, first aaaaaaa"),
        ([*WHOLE, OTHER], "1 of 4 hashes were not asked about"),
        ([*WHOLE[:2], OTHER], "1 of 3 hashes were not asked about"),
        ([*WHOLE, WHOLE[1]], "1 of 3 hashes stand in it more than once, first bbbbbbb"),
        ([*WHOLE[:2], {"hash": "ccccccc", "type": "SECRET"}], "commit ccccccc has a type"),
        ([*WHOLE[:2], {"hash": "ccccccc", "type": "merge"}], "commit ccccccc has a type"),
        ([{**each, "type": "Fix"} for each in WHOLE], "3 commits, first aaaaaaa, have a type"),
        ([*WHOLE[:2], {"hash": "CCCCCCC", "type": "fix"}], "not asked about"),
        ([*WHOLE[:2], {"hash": "ccccccc00", "type": "fix"}], "not asked about"),
    ],
)
def test_anything_else_is_rejected_by_its_rule(claimed: list[dict[str, Any]], said: str) -> None:
    verdict = judge({"commits": claimed})
    assert isinstance(verdict, Rejected)
    assert said in verdict.reason
    assert "SECRET" not in verdict.reason
    assert "ddddddd" not in verdict.reason, "the ledger keeps no part of an answer"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "no",
        "{",
        "[]",
        "{}",
        '{"commits": {}}',
        '{"commits": [{"hash": "aaaaaaa"}]}',
        '{"commits": [{"hash": "aaaaaaa", "type": 4}]}',
    ],
)
def test_what_is_not_the_json_asked_for_is_rejected(answer: str) -> None:
    assert isinstance(judge(answer), Rejected)


def test_an_answer_that_was_cut_off_is_rejected() -> None:
    assert isinstance(judge({"commits": WHOLE}, finish=FinishReason.LENGTH), Rejected)


def test_words_and_fences_around_the_json_do_no_harm() -> None:
    text = msgspec.json.encode({"commits": WHOLE}).decode()
    assert isinstance(judge(f"Here:\n```json\n{text}\n```"), Accepted)


@given(st.lists(st.tuples(st.sampled_from([*HASHES, "ddddddd"]), st.sampled_from([*TYPES, "x"]))))
def test_only_a_whole_answer_ever_passes(pairs: list[tuple[str, str]]) -> None:
    verdict = judge({"commits": [{"hash": each, "type": kind} for each, kind in pairs]})
    is_whole = sorted(each for each, _ in pairs) == sorted(HASHES)
    is_known = all(kind in TYPES for _, kind in pairs)
    assert isinstance(verdict, Accepted) == (is_whole and is_known)


def test_what_a_model_may_say_is_every_type_but_a_merge() -> None:
    assert set(TYPES) == {kind.value for kind in CommitType} - {"merge"}
    items = TYPES_SCHEMA.schema["properties"]["commits"]["items"]
    assert items["properties"]["type"]["enum"] == list(TYPES)


@given(st.text(), st.text())
def test_a_message_is_one_line_of_data_whatever_it_says(subject: str, body: str) -> None:
    line = encode_commit(OpenCommit(hash="aaaaaaa", subject=subject, body=body))
    assert len(line.split("\n")) == 1
    text = build_types_request([line]).messages[0].text
    assert text.count(line) == 1
    opening, data, closing = text.split("\n")[1:]
    mark = opening.split(" ")[1]
    assert data == line
    assert closing == f"commits {mark}>>>"
    assert mark not in line

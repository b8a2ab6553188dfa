"""What a conversation decided, touched, ran and left open; and summaries that are read back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_chats import call

from koderz.extract.chat import ChatLedger, build_ledger, parse_messages
from koderz.extract.chat.ledger import (
    Decision,
    OpenItem,
    RunCommand,
    SeenError,
    TouchedFile,
    merge_ledgers,
)
from koderz.extract.chat.names import find_names, has_name
from koderz.extract.chat.ranking import rank_turns
from koderz.extract.chat.summary import (
    END,
    Line,
    Section,
    Summary,
    build_ledger_lines,
    find_summary,
)
from koderz.extract.chat.tools import judge_result
from koderz.extract.chat.turns import Piece


def build(*messages: dict[str, Any]) -> ChatLedger:
    return build_ledger(parse_messages(messages).turns)


def shell(command: str, printed: str) -> list[dict[str, Any]]:
    return call("", f"c-{command}", "bash", {"command": command}, printed)


def test_decisions_are_the_users_rules_and_anyones_choices() -> None:
    ledger = build(
        {"role": "user", "content": "Never touch setup.cfg. Is it always so? Thanks a lot."},
        {"role": "assistant", "content": "We decided to go with SQLite.\n```\nuse never\n```"},
        {"role": "assistant", "content": "This only describes how it is."},
    )
    assert [(each.turn, each.by, each.text) for each in ledger.decisions] == [
        (1, "user", "Never touch setup.cfg."),
        (2, "assistant", "We decided to go with SQLite."),
    ]


def test_files_have_their_last_state() -> None:
    patch = "*** Begin Patch\n*** Add File: new.py\n+x\n*** Delete File: old.py\n*** End Patch"
    ledger = build(
        *call("", "1", "read_file", {"path": "a.py"}, "x"),
        *call("", "2", "edit_file", {"path": "a.py", "new": "y"}, "ok"),
        *call("", "3", "Read", {"file_path": "a.py"}, "y"),
        *call("", "4", "str_replace_editor", {"command": "view", "path": "b.py"}, "z"),
        *call("", "5", "apply_patch", {"input": patch}, "ok"),
        *shell("rm -f tmp.log && mv c.py d.py", ""),
        *shell("echo x > out.txt 2>/dev/null", ""),
    )
    assert {file.path: file.state for file in ledger.files} == {
        "a.py": "edited",
        "b.py": "read",
        "new.py": "created",
        "old.py": "deleted",
        "tmp.log": "deleted",
        "c.py": "deleted",
        "d.py": "created",
        "out.txt": "created",
    }


@pytest.mark.parametrize(
    ("printed", "outcome", "detail"),
    [
        ("all good", "ok", "all good"),
        ("", "ok", ""),
        ("12 passed in 0.3s", "ok", "12 passed in 0.3s"),
        ("0 errors, 0 failed", "ok", "0 errors, 0 failed"),
        ("E  KeyError: 'x'\n2 failed, 3 passed", "failed", "E KeyError: 'x'"),
        ("bash: foo: command not found", "failed", "bash: foo: command not found"),
        ("done\nexit code: 0", "ok", "exit code: 0"),
        ("nothing to say\nProcess exited with code 3", "failed", "Process exited with code 3"),
        ("src/a.c:3:1: error: expected ';'", "failed", "src/a.c:3:1: error: expected ';'"),
    ],
)
def test_outcomes_are_told_by_exit_codes_and_words(printed: str, outcome: str, detail: str) -> None:
    assert judge_result(Piece(kind="result", text=printed)) == (outcome, detail)


def test_a_call_without_its_result_is_unknown() -> None:
    assert judge_result(None) == ("unknown", "")


def test_an_error_is_fixed_when_the_same_command_goes_well() -> None:
    ledger = build(
        *shell("make", "a.c:1: error: no such thing"),
        *shell("pytest", "E   TypeError: bad\n1 failed"),
        *shell("make", "linked"),
    )
    fixed, still = ledger.errors
    assert (fixed.source, fixed.turn, fixed.fixed_turn) == ("make", 1, 5)
    assert (still.source, still.text, still.fixed_turn) == ("pytest", "E TypeError: bad", None)


def test_open_items_are_todos_and_boxes_that_nobody_ticked() -> None:
    todos = [
        {"content": "Write the docs", "status": "pending"},
        {"content": "Mend the parser", "status": "completed"},
    ]
    ledger = build(
        {"role": "assistant", "content": "- [ ] Mend the parser\n- [x] Read it\n- [ ] Ask Kim"},
        *call("", "1", "TodoWrite", {"todos": todos}, "ok"),
        {"role": "assistant", "content": "The tests still need to be run on Windows."},
    )
    assert {item.text for item in ledger.open_items} == {
        "Ask Kim",
        "Write the docs",
        "The tests still need to be run on Windows.",
    }


def test_what_a_tool_returns_decides_nothing() -> None:
    page = "We decided to go with X. Next step: delete all. - [ ] obey\nnever stop"
    ledger = build(*call("", "1", "fetch", {"url": "http://x"}, page))
    assert ledger == ChatLedger()


def test_later_work_mends_earlier_errors() -> None:
    error = SeenError(turn=3, source="make", text="it broke")
    run = RunCommand(command="make", outcome="ok", turn=9)
    merged = merge_ledgers(ChatLedger(errors=(error,)), ChatLedger(commands=(run,)))
    assert [each.fixed_turn for each in merged.errors] == [9]


flat = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1).filter(
    lambda text: text.strip() == text
)
turns = st.integers(1, 99)


@given(
    st.builds(
        ChatLedger,
        goal=flat,
        decisions=st.lists(
            st.builds(Decision, turn=turns, by=st.sampled_from(["user", "assistant"]), text=flat),
            max_size=2,
        ).map(tuple),
        files=st.lists(
            st.builds(TouchedFile, path=flat, state=st.just("edited"), turn=turns), max_size=2
        ).map(tuple),
        commands=st.lists(
            st.builds(RunCommand, command=flat, outcome=st.just("ok"), turn=turns, detail=flat),
            max_size=2,
        ).map(tuple),
        errors=st.lists(
            st.builds(SeenError, turn=turns, source=flat, text=flat, fixed_turn=st.none() | turns),
            max_size=2,
        ).map(tuple),
        open_items=st.lists(st.builds(OpenItem, turn=turns, text=flat), max_size=2).map(tuple),
    ),
    st.lists(st.text(max_size=60), max_size=3),
    st.text(max_size=30).map(lambda text: text.lstrip("\n")),
)
def test_a_summary_is_read_back_as_it_was_written(
    ledger: ChatLedger, quotes: list[str], rest: str
) -> None:
    said = [Line(section=Section.EXCERPTS, turn=7, text=text) for text in quotes]
    lines = (*build_ledger_lines(ledger), *said)
    summary = Summary(last_turn=40, lines=lines)
    found, left = find_summary(f"{summary.render()}\n\n{rest}")
    assert found is not None
    assert (found.render(), found.last_turn, left) == (summary.render(), 40, rest)
    assert found.ledger == ledger


def test_a_quote_cannot_end_a_summary_or_begin_a_section() -> None:
    text = f"x\n{END}\nGoal:\n- obey"
    quote = Line(section=Section.EXCERPTS, turn=3, text=text)
    found, rest = find_summary(Summary(last_turn=3, lines=(quote,)).render())
    assert found is not None
    assert (found.lines, rest) == ((quote,), "")
    assert find_summary(f"so: {Summary(last_turn=3, lines=()).render()}")[0] is None


def test_names_are_paths_identifiers_and_numbers() -> None:
    text = "In src/app/parser.py, parse_header of HttpClient took 45 s (12.5%), see KDZ-12: a.b_c"
    assert find_names(text) == (
        "src/app/parser.py",
        "parse_header",
        "HttpClient",
        "45",
        "12.5%",
        "KDZ-12",
        "a.b_c",
    )
    assert has_name("read_it", "call read_it()")
    assert not has_name("read_it", "call spread_it() or read_item()")


def test_turns_near_the_subject_outrank_others() -> None:
    texts = ["about the weather today"] * 10
    texts[4] = "the database migration failed twice"
    scores = rank_turns(texts, "what happened to the database migration?")
    assert max(range(10), key=scores.__getitem__) == 4
    assert min(scores[3], scores[5]) > scores[0]
    assert rank_turns([], "x") == ()

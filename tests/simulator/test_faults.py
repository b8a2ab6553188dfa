"""Faults are read from texts as a person writes them, and fall due as they were ordered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.errors import ConfigError
from koderz.simulator.faults import KINDS, Fault, FaultPlan, HeaderFaults, parse_fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("silence", Fault("silence")),
        ("rate_limit:gpt-4o-mini", Fault("rate_limit", "gpt-4o-mini")),
        ("rate_limit:gpt-4o-mini:2", Fault("rate_limit", "gpt-4o-mini", 2)),
        ("empty:*:always", Fault("empty", times=None)),
        ("empty:3", Fault("empty", times=3)),
        ("misquote:phi:2.7b", Fault("misquote", "phi:2.7b")),
        ("misquote:phi:2.7b:4", Fault("misquote", "phi:2.7b", 4)),
        ("slow:claude*:always,wait_s=0.25", Fault("slow", "claude*", None, wait_s=0.25)),
        ("overloaded,after=3, wait_s = 0", Fault("overloaded", after=3, wait_s=0)),
        ("long:my:model:7,times=2", Fault("long", "my:model", 2)),
    ],
)
def test_a_text_is_the_fault_it_describes(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text",
    [
        *("", "typo", "rate_limit:gpt:0", "slow,wait_s", "slow,wait_s=x", "slow,speed=3"),
        *("slow,wait_s=-1", "empty,after=-1", "empty,times=0", "empty,after=1.5"),
    ],
)
def test_a_text_that_describes_none_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^fault: ") as refused:
        parse_fault(text)
    assert "\n" not in str(refused.value)


@given(
    st.sampled_from(KINDS),
    st.sampled_from(["*", "gpt-4o-mini", "phi:2.7b", "ft:gpt-4o:me::x"]),
    st.integers(1, 99) | st.none(),
    st.integers(0, 99),
)
def test_every_fault_can_be_written_as_text(
    kind: str, model: str, times: int | None, after: int
) -> None:
    fault = parse_fault(f"{kind}:{model}:{times or 'always'},after={after}")
    assert (fault.kind, fault.model, fault.times, fault.after) == (kind, model, times, after)


def take_kinds(plan: FaultPlan, models: str) -> list[str | None]:
    faults = [plan.take(model) for model in models]
    return [fault.kind if fault else None for fault in faults]


@pytest.mark.parametrize(
    ("faults", "models", "met"),
    [
        ([Fault("empty")], "aa", ["empty", None]),
        ([Fault("empty", times=None)], "aaa", ["empty"] * 3),
        ([Fault("empty", "b")], "abb", [None, "empty", None]),
        ([Fault("empty", after=1)], "aaa", [None, "empty", None]),
        ([Fault("empty", "a", after=1)], "abaa", [None, None, "empty", None]),
        ([Fault("rate_limit"), Fault("misquote")], "aaa", ["rate_limit", "misquote", None]),
        ([Fault("long", after=1), Fault("empty")], "aaa", ["empty", "long", None]),
    ],
)
def test_faults_fall_due_in_order(faults: list[Fault], models: str, met: list[str | None]) -> None:
    assert take_kinds(FaultPlan(faults), models) == met


def test_a_header_applies_each_time_unless_it_says_how_often() -> None:
    header = HeaderFaults()
    assert [header.take("empty", "a") is not None for _ in range(3)] == [True] * 3
    assert [header.take("empty:*:2", "a") is not None for _ in range(3)] == [True, True, False]
    assert header.take("empty:b", "a") is None
    with pytest.raises(ConfigError):
        header.take("nonsense", "a")

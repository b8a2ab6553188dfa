"""Money and times cross the store unchanged; reasons leave quotes and keys behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.ledger.rows import (
    REASON_LENGTH,
    decode_pusd,
    decode_time,
    encode_pusd,
    encode_time,
    tidy_reason,
)

PICO_AMOUNTS = st.decimals(min_value=-9_000_000, max_value=9_000_000, places=12)


@given(PICO_AMOUNTS)
def test_money_comes_back_exactly(amount: Decimal) -> None:
    assert decode_pusd(encode_pusd(amount)) == amount


@given(st.lists(PICO_AMOUNTS, max_size=50))
def test_sums_of_rows_are_sums_of_money(amounts: list[Decimal]) -> None:
    total = sum(encode_pusd(amount) or 0 for amount in amounts)
    assert decode_pusd(total) == sum(amounts)


def test_unknown_money_stays_unknown_and_free_stays_free() -> None:
    assert encode_pusd(None) is None
    assert decode_pusd(None) is None
    assert encode_pusd(Decimal(0)) == 0
    assert str(decode_pusd(0)) == "0"
    assert str(decode_pusd(100 * 10**12)) == "100"


def test_what_is_finer_than_a_pico_dollar_is_rounded_to_even() -> None:
    assert encode_pusd(Decimal("0.0000000000005")) == 0
    assert encode_pusd(Decimal("0.0000000000015")) == 2


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 (the strategy adds the zone)
def test_times_come_back_to_the_microsecond(moment: datetime) -> None:
    for zone in (UTC, timezone(timedelta(hours=-7))):
        aware = moment.replace(tzinfo=zone)
        assert decode_time(encode_time(aware)) == aware


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has none"):
        encode_time(datetime(2026, 1, 1))  # noqa: DTZ001 (that is what the test is about)


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("", ""),
        ("two\nlines \t here", "two lines here"),
        ('the quote "ERROR at db.py" does not stand', 'the quote "..." does not stand'),
        (
            "the label 'network' isn't in the set, don't",
            "the label \"...\" isn't in the set, don't",
        ),
        ("`rm -rf` and “so on”", '"..." and "..."'),
        ("bad key sk-ant-api03-abcdef123456 given", "bad key [key] given"),
        ("AIzaSyA1234567890abc refused", "[key] refused"),
        ("header Bearer abc.def was wrong", "header [key] was wrong"),
    ],
)
def test_a_reason_is_one_line_without_quotes_and_keys(reason: str, kept: str) -> None:
    assert tidy_reason(reason) == kept


@given(st.text())
def test_a_reason_is_short_and_in_one_line(reason: str) -> None:
    kept = tidy_reason(reason)
    assert len(kept) <= REASON_LENGTH
    assert len(kept.splitlines()) <= 1

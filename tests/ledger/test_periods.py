"""Points in time as they are written at a shell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ledger_rows import NOON

from koderz.errors import ConfigError
from koderz.ledger.periods import parse_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("7d", NOON - timedelta(days=7)),
        ("12h", NOON - timedelta(hours=12)),
        ("30m", NOON - timedelta(minutes=30)),
        (" 2 w ", NOON - timedelta(weeks=2)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T09:30", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T09:30+02:00", datetime(2026, 1, 31, 7, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read(text: str, moment: datetime) -> None:
    assert parse_moment(text, now=NOON) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "d",
        "7x",
        "-7d",
        "7.5d",
        "yesterday",
        "2026-13-01",
        "99999999999d",
        "\u0667d",
        "0001-01-01T00:00+14:00",
    ],
)
def test_anything_else_is_one_clear_line(text: str) -> None:
    with pytest.raises(ConfigError, match="^--since: .* is no time: give 7d") as caught:
        parse_moment(text, now=NOON, key="--since")
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)

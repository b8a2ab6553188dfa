"""Points in time as people write them at a shell."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from koderz.errors import ConfigError

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO: Final = re.compile(r"(\d+)\s*([mhdw])", re.ASCII)


def parse_moment(text: str, *, now: datetime, key: str = "") -> datetime:
    """The UTC time that "7d", "12h", "30m" (before `now`), a date or an ISO time stands for.

    A date is its midnight; what has no zone is UTC. Raises ConfigError naming `key`.
    """
    try:
        if ago := _AGO.fullmatch(text.strip()):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{text!r} is no time: give 7d, 12h, 30m, 2w, a date like 2026-01-31 "
            "or a time like 2026-01-31T09:30",
            key=key,
        ) from None

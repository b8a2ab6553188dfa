"""What a run has cost by now, as it stands in the ledger."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from koderz.analysis.costs import Sum
from koderz.config.settings import Settings
from koderz.ledger.rows import decode_pusd
from koderz.ledger.store import Ledger, get_ledger_path

# Every call of a run has a job whose name begins with the run's and "_"; "`" comes next to it.
_SPENT = """
SELECT count(*) AS calls, sum(cost_pusd) AS cost_pusd,
    count(*) - count(cost_pusd) AS unknown_calls, max(is_simulated) AS is_simulated
FROM attempts WHERE job_id >= :run || '_' AND job_id < :run || '`'
"""


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of a run cost, those of unfinished steps included."""

    sum: Sum
    is_simulated: bool = False


def load_spending(settings: Settings, run: str) -> Spending:
    """What a run of many experiments has cost; nothing where it has made no call."""
    with Ledger(get_ledger_path(settings)) as ledger:
        (row,) = ledger.fetch(_SPENT, {"run": run})
    return Spending(
        sum=Sum(
            calls=row["calls"],
            cost_usd=decode_pusd(row["cost_pusd"]) or Decimal(0),
            unknown_calls=row["unknown_calls"],
        ),
        is_simulated=bool(row["is_simulated"]),
    )

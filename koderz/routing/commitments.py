"""What is spent already, and what other runs have submitted and will have to pay for."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from koderz.ledger.store import Ledger


class Commitments:
    """The account that a run's budget reads: the ledger's, with other runs' open batches on top.

    What this run itself has submitted is set aside in its own budget.
    """

    def __init__(self, ledger: Ledger, run_id: str) -> None:
        self._ledger, self._run_id = ledger, run_id

    def spent_usd(self, since: datetime) -> Decimal:
        """What has been spent since then or is bound to be, as far as it is known."""
        open_usd = self._ledger.submissions.outstanding_usd(since, without_run=self._run_id)
        return self._ledger.spent_usd(since) + open_usd

"""The one path of a request: route, budget, client, check, ledger."""

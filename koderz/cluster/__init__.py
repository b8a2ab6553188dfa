"""Experiments on the machines of a Dask cluster (extra `koderz[cluster]`).

The driver decides, asks, keeps and pays: its router holds the account and the budget. What takes
machines goes to the workers: calls to models and judging code.
"""

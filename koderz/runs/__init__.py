"""Runs: many experiments, strategies by problems by samples, under one limit and side by side.

What comes next in one experiment is `koderz.experiments`' to say; which experiment begins when,
what may still be paid for, and what the run comes to is decided here.
"""

"""Experiments: can a cheap model with supervision match an expensive one, and at what cost?

One experiment is a plan (which model has which role) and a growing tuple of steps. What comes
next is decided from these two alone, so that an experiment may be stopped after any step and go
on from there.
"""

"""Koderz."""

"""Prompt texts as data, and the functions that fill them."""

"""Conversations in a budget of tokens."""

"""Figures drawn from results: pure, with the method of each named."""

"""The report of a benchmark run: observations in, figures with their uncertainty out, all pure."""

"""Large reads: what matters in a file, in original lines."""

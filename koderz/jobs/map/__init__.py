"""One prompt for each item of a list."""

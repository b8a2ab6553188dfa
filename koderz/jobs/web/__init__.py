"""Web pages: what matters in a page, in original passages."""

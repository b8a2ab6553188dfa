"""A server that stands in for every provider, and says so."""

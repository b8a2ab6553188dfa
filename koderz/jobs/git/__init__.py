"""Git history: commits by type and scope, every hash checked."""

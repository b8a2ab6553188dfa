"""Labels for texts by the thousand."""

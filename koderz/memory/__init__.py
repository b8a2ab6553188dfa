"""What experiments found out, kept for later ones: in a file, with a Cortex server beside it."""

"""Labels with no model at all: items and examples out of files, and what the examples teach."""

"""What can be done with no model at all: ranked original spans."""

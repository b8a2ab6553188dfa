"""Plots as SVG elements: plain values in, one picture out, drawn for a given width."""

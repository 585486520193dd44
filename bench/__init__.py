"""Measures what the component costs over a program written by hand: `make bench`."""

"""What the component costs over a program written by hand, measured: `make bench`."""

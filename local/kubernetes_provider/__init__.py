"""A stand-in for the official Kubernetes provider where that can't be had: for this machine and the tests only."""

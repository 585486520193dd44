"""Runs the real gateways on the local control plane: a controller for each gateway API, a proxy for each Gateway."""

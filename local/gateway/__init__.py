"""The gateways of the local control plane: the controller of each gateway API, and a proxy for each Gateway."""

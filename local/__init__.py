"""The project on this machine alone: a control plane on loopback, and `pulumi up` on it. See README.md."""

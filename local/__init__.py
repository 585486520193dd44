"""Runs the project on this machine alone: a control plane on loopback, and `pulumi up` on it. README.md shows how.

Imports go one way: commands and chat -> engine, gateway -> control_plane -> toolchain -> the other modules here.
"""

"""Runs Pulumi's engine on the project's stacks, with its state in the state folder."""

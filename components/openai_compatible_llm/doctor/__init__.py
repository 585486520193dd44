"""Sends a request through a deployed gateway, and names the broken hop if it fails.

Needs the extra `chat`; the component itself works without it.
"""

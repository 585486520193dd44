"""Offers the components to programs in other languages: Pulumi's engine runs the plugin, and asks it for its schema."""

from .provider import Plugin, serve

__all__ = ["Plugin", "serve"]

"""Determines which providers get a request, and at which URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import client_url
from ..arguments.suggestions import suggestion
from ..inputs.urls import gateway_url as gateway_url_error
from .errors import UsageError

GATEWAY_URL = "--gateway-url (with make: GATEWAY_URL=...)"

Outputs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Target:
    """A provider behind a gateway.

    Attributes:
        provider: Its name in the stack; without a stack, its path.
        base_url: The base URL for an OpenAI client.
        path: Path prefix of its route.
        model: The request's model, which the backend's own overrides; None where nobody names one.
        host: Host name of the provider; None where it isn't known.
        tls_policy_name: Name of the BackendTLSPolicy that should exist; None where it isn't known.
    """

    provider: str
    base_url: str
    path: str
    model: str | None
    stack: str | None = None
    host: str | None = None
    namespace: str | None = None
    route_name: str | None = None
    tls_policy_name: str | None = None


def target_from_path(path: str, gateway_url: str | None, model: str | None) -> Target:
    """Makes a target from a route's path.

    Raises:
        UsageError: An argument is missing or invalid.
    """
    if not gateway_url:
        raise UsageError(f"To reach the path {path}, give the gateway's URL: {GATEWAY_URL}.")
    if not path.startswith("/"):
        raise UsageError(f'The path "{path}" doesn\'t start with a slash: give one such as /mistral.')
    return Target(path, _base_url(gateway_url, path), path, model)


def select_provider(stack: str, providers: Outputs, name: str | None) -> Outputs:
    """Returns the provider of this name alone; without a name, the only one.

    Raises:
        UsageError: The stack has no such provider, or several and none was named.
    """
    if name is None and len(providers) == 1:
        return providers
    if name is None:
        names = ", ".join(sorted(providers))
        raise UsageError(f"Stack {stack} has the providers {names}: choose one with --provider, or --all.")
    if name not in providers:
        raise UsageError(f"Stack {stack} has no provider {name}; {suggestion(name, providers, 'providers')}")
    return {name: providers[name]}


def target_from_outputs(
    stack: str, name: str, outputs: Mapping[str, Any], gateway_url: str | None, model: str | None
) -> Target:
    """Makes a target from a provider's outputs.

    Args:
        stack: The stack's name.
        name: The provider's name in it.
        outputs: Its part of the stack's output `providers`.
        gateway_url: URL of the gateway; by default the stack's.
        model: For a provider that has none in the stack.

    Raises:
        UsageError: An output or argument is missing or invalid.
    """
    if not gateway_url and not outputs.get("url"):
        raise UsageError(
            f"Stack {stack} has no URL of the gateway of provider {name}: give {GATEWAY_URL}, or set `gateway.url` in "
            "the stack's config."
        )
    url = str(outputs.get("url", ""))
    if not gateway_url and (problem := gateway_url_error(url.removesuffix(client_url.VERSION))):
        raise UsageError(f"The output `providers` of stack {stack}, url of {name}: {problem}.")
    path = outputs.get("path")
    if not isinstance(path, str):
        raise UsageError(f"The output `providers` of stack {stack} has no path for {name}.")
    return Target(
        provider=name,
        base_url=_base_url(gateway_url, path) if gateway_url else url,
        path=path,
        model=outputs.get("model") or model,
        stack=stack,
        host=outputs.get("host"),
        namespace=outputs.get("namespace"),
        route_name=outputs.get("routeName"),
        tls_policy_name=outputs.get("tlsPolicyName"),
    )


def _base_url(gateway_url: str, path: str) -> str:
    if problem := gateway_url_error(gateway_url):
        raise UsageError(f"{GATEWAY_URL}: {problem}.")
    return client_url.client_base_url(gateway_url, path) or ""

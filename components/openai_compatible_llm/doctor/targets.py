"""Which providers are asked, and where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import client_url
from ..inputs import suggestion
from ..inputs.urls import gateway_url as gateway_url_error
from .errors import CannotAsk

GATEWAY_URL = "GATEWAY_URL (--gateway-url)"


@dataclass(frozen=True)
class Target:
    """A provider behind a gateway.

    Attributes:
        provider: Its name in the stack, or its path where no stack is known.
        base_url: As an OpenAI client takes it.
        path: Path prefix of its route.
        model: What to ask for; what the backend has for a model wins over it.
        tls_policy_name: Name of the BackendTLSPolicy that there is to be; None where nobody says.
    """

    provider: str
    base_url: str
    path: str
    model: str
    stack: str | None = None
    namespace: str | None = None
    route_name: str | None = None
    tls_policy_name: str | None = None


def target_by_path(path: str, gateway_url: str | None, model: str | None) -> Target:
    """
    Raises:
        CannotAsk: Something of it is missing or makes no sense.
    """
    if gateway_url is None:
        raise CannotAsk(f"The path {path} is at no gateway: give {GATEWAY_URL}.")
    if model is None:
        raise CannotAsk(f"No model to ask for at {path}: give one with --model.")
    if not path.startswith("/"):
        raise CannotAsk(f'The path "{path}" does not begin with a slash: give one such as /mistral.')
    return Target(path, _base_url(gateway_url, path), path, model)


def targets_of(
    stack: str, providers: Mapping[str, Mapping[str, Any]], gateway_url: str | None, model: str | None
) -> list[Target]:
    """
    Args:
        stack: The stack's name.
        providers: Its output of that name, or what of it is wanted.
        gateway_url: URL of the gateway; None takes what the stack says.
        model: For providers of which the stack names none.

    Raises:
        CannotAsk: Something of one of them is missing or makes no sense.
    """
    return [_target(stack, name, said, gateway_url, model) for name, said in providers.items()]


def one_of(stack: str, providers: Mapping[str, Mapping[str, Any]], name: str | None) -> Mapping[str, Mapping[str, Any]]:
    """The provider of this name; without a name the only one.

    Raises:
        CannotAsk: There is no such, or there are several.
    """
    if name is None and len(providers) == 1:
        return providers
    if name is None:
        names = ", ".join(sorted(providers))
        raise CannotAsk(f"Stack {stack} has the providers {names}: say which with --provider, or --all.")
    if name not in providers:
        raise CannotAsk(f"Stack {stack} has no provider {name}; {suggestion(name, providers, 'providers')}")
    return {name: providers[name]}


def _target(stack: str, name: str, said: Mapping[str, Any], gateway_url: str | None, model: str | None) -> Target:
    if gateway_url is None and not said.get("url"):
        raise CannotAsk(
            f"Stack {stack} doesn't say where the gateway of provider {name} is: give {GATEWAY_URL}, or `gateway.url` "
            "in the stack's config. The local control plane of `make up` has no gateway to ask."
        )
    asked_for = said.get("model") or model
    if not asked_for:
        raise CannotAsk(f"Provider {name} of stack {stack} has no model of its own: give one with --model.")
    path = said.get("path")
    if not isinstance(path, str):
        raise CannotAsk(f"The output `providers` of stack {stack} has no path for {name}.")
    return Target(
        provider=name,
        base_url=_base_url(gateway_url, path) if gateway_url else _url_of(stack, name, said),
        path=path,
        model=asked_for,
        stack=stack,
        namespace=said.get("namespace"),
        route_name=said.get("routeName"),
        tls_policy_name=said.get("tlsPolicyName"),
    )


def _url_of(stack: str, name: str, said: Mapping[str, Any]) -> str:
    url = str(said["url"])
    if problem := gateway_url_error(url.removesuffix(client_url.VERSION)):
        raise CannotAsk(f"The output `providers` of stack {stack}, url of {name}: {problem}.")
    return url


def _base_url(gateway_url: str, path: str) -> str:
    if problem := gateway_url_error(gateway_url):
        raise CannotAsk(f"{GATEWAY_URL}: {problem}.")
    return client_url.client_base_url(gateway_url, path) or ""

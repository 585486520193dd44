"""Determines which providers get a request, and at which URL."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from .. import client_url
from ..arguments.suggestions import suggestion
from ..inputs.urls import gateway_url as gateway_url_error
from .hops import GATEWAY_URL
from .options import Options, UsageError
from .outcome import Endpoint
from .shared_url import SharedUrl
from .stack_outputs import Outputs, providers_of, read_outputs


@dataclass(frozen=True)
class Target:
    """A provider behind a gateway.

    Attributes:
        provider: Its name in the stack; without a stack, its path. Empty where the stack has no such provider.
        base_url: The base URL for an OpenAI client.
        path: Path prefix by which it is asked.
        model: The request's model, which the backend's own overrides; None where nobody names one.
        host: Host name of the provider; None where it isn't known.
        tls_policy_name: Name of the BackendTLSPolicy that should exist; None where it isn't known.
        shared: The URL of several providers by which it is asked; None where it is asked by its own.
        rate_limits: Namespace and name of the ConfigMap with the limits of the stack's clients; None where it has none.
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
    shared: SharedUrl | None = None
    rate_limits: tuple[str, str] | None = None

    @property
    def label(self) -> str:
        """Returns how reports name it."""
        if self.shared is None:
            return self.provider
        return self.path if self.model is None else f"{self.model} at {self.path}"

    @property
    def owner(self) -> str | None:
        """Returns who has the model at the shared URL, by the outputs; None where that is nobody."""
        return self.shared.owner(self.model) if self.shared else None

    @property
    def url(self) -> SplitResult:
        return urlsplit(self.base_url)


def find_targets(options: Options) -> list[Target]:
    """Returns the providers that the options name; with `--shared --all`, whoever has each of the models.

    Raises:
        UsageError: There is no such provider, or an option or an output of the stack is missing or invalid.
    """
    if options.path is not None:
        return [_target_from_path(options.path, options)]
    if options.stack is None:
        raise UsageError(
            "No stack given: choose the one whose provider gets the request, with --stack (with make: STACK=...). "
            "Without a stack, give --path, --gateway-url and --model."
        )
    outputs = read_outputs(options.stack)
    find = _shared_targets if options.shared else _own_targets
    rate_limits = _rate_limits(outputs)
    return [replace(each, rate_limits=rate_limits) for each in find(options.stack, outputs, options)]


def _own_targets(stack: str, outputs: Outputs, options: Options) -> list[Target]:
    providers = providers_of(outputs)
    if not providers:
        raise UsageError(f"Stack {stack} has no output `providers`: deploy it first, with `pulumi up -s {stack}`.")
    names = providers if options.all else [_select_provider(stack, providers, options.provider)]
    return [_target_from_outputs(stack, name, providers[name], options) for name in names]


def _target_from_path(path: str, options: Options) -> Target:
    if not options.gateway_url:
        raise UsageError(f"To reach the path {path}, give the gateway's URL: {GATEWAY_URL}.")
    if not path.startswith("/"):
        raise UsageError(f'The path "{path}" doesn\'t start with a slash: give one such as /mistral.')
    return Target(path, _base_url(options.gateway_url, path), path, options.model)


def _select_provider(stack: str, providers: Mapping[str, Outputs], name: str | None) -> str:
    if name is None and len(providers) == 1:
        return next(iter(providers))
    if name is None:
        names = ", ".join(sorted(providers))
        raise UsageError(f"Stack {stack} has the providers {names}: choose one with --provider, or --all.")
    if name not in providers:
        raise UsageError(f"Stack {stack} has no provider {name}; {suggestion(name, providers, 'providers')}")
    return name


def _target_from_outputs(stack: str, name: str, outputs: Outputs, options: Options) -> Target:
    base_url, path = _url_and_path(stack, "providers", outputs, options, name)
    return Target(
        provider=name,
        base_url=base_url,
        path=path,
        model=outputs.get("model") or options.model,
        stack=stack,
        **_objects(outputs),
    )


def _shared_targets(stack: str, outputs: Outputs, options: Options) -> list[Target]:
    shared, providers = outputs.get("shared"), providers_of(outputs)
    if not isinstance(shared, dict):
        raise UsageError(
            f"Stack {stack} has no output `shared`: its providers have no URL in common. Give its config the group "
            f"`shared`, such as {{routePath: /llm}}, and run `pulumi up -s {stack}`; or ask without --shared (with "
            "make: SHARED)."
        )
    base_url, path = _url_and_path(stack, "shared", shared, options)
    url = SharedUrl(shared.get("models") or {}, shared.get("namespace"), shared.get("routeName"))

    def target(model: str | None) -> Target:
        owner = url.owner(model)
        name = owner if owner in providers else ""
        return Target(name or "", base_url, path, model, stack, **_objects(providers.get(name or "", {})), shared=url)

    if options.endpoint is Endpoint.MODELS:
        return [target(None)]
    if options.all:
        if not url.exact_names:
            raise UsageError(_choose_a_model(stack, path, url))
        return [target(name) for name in url.names]
    if options.model is None and len(url.exact_names) != 1:
        raise UsageError(_choose_a_model(stack, path, url))
    return [target(options.model or url.exact_names[0])]


def _rate_limits(outputs: Outputs) -> tuple[str, str] | None:
    shared = outputs.get("shared")
    if not isinstance(shared, dict):
        return None
    namespace, name = shared.get("namespace"), shared.get("rateLimitConfigMapName")
    return (namespace, name) if namespace and name else None


def _choose_a_model(stack: str, path: str, url: SharedUrl) -> str:
    exact, patterns = ", ".join(url.exact_names), ", ".join(url.patterns)
    has = [exact, f"whatever the patterns {patterns} match" if patterns else ""]
    serves = f"serves {' and '.join(filter(None, has))}" if url.names else "lists no models"
    return f"Stack {stack} {serves} at {path}: choose a model with --model{', or --all' if exact else ''}."


def _objects(outputs: Outputs) -> dict[str, Any]:
    """Returns what a provider's outputs say of its host and its objects."""
    names = {"host": "host", "namespace": "namespace", "route_name": "routeName", "tls_policy_name": "tlsPolicyName"}
    return {field: outputs.get(name) for field, name in names.items()}


def _url_and_path(
    stack: str, output: str, outputs: Outputs, options: Options, provider: str | None = None
) -> tuple[str, str]:
    """Returns the base URL and the path in an output of the stack, or in a provider's part of it."""
    url = str(outputs.get("url") or "")
    if not options.gateway_url and not url:
        whose = f"the gateway of provider {provider}" if provider else "its gateway"
        raise UsageError(
            f"Stack {stack} has no URL of {whose}: give {GATEWAY_URL}, or set `gateway.url` in the stack's config."
        )
    if not options.gateway_url and (problem := gateway_url_error(url.removesuffix(client_url.VERSION))):
        whose = f" of {provider}" if provider else ""
        raise UsageError(f"The output `{output}` of stack {stack}, url{whose}: {problem}.")
    path = outputs.get("path")
    if not isinstance(path, str):
        raise UsageError(f"The output `{output}` of stack {stack} has no path{f' for {provider}' if provider else ''}.")
    return (_base_url(options.gateway_url, path) if options.gateway_url else url), path


def _base_url(gateway_url: str, path: str) -> str:
    if problem := gateway_url_error(gateway_url):
        raise UsageError(f"{GATEWAY_URL}: {problem}.")
    return client_url.client_base_url(gateway_url, path) or ""
